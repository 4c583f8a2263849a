"""Figures of time and memory, beside other libraries and the ceilings of the machine."""
