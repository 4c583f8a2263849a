"""One command a file. Each module has a click command of the name ``command``."""
