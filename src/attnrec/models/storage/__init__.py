"""The model file: its format, outside ids and encoders in it."""
