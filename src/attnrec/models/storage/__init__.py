"""The model file: its format, and the outside ids and encoders in it."""
