"""Read tables, transform them and write them.

The commands are the modules here, one file each: a docstring, whose first line is the
help text, and `command`. The first line above is what ``--help`` says of them all.
"""
