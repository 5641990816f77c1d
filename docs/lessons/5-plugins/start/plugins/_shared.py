"""Not a plugin: the name starts with an underscore."""
