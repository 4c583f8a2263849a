"""Gradient training: the Adam optimizer over named arrays."""
