"""The commands, one file each: a docstring, which is the help text, and `command`."""
