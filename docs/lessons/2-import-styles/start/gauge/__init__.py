"""A package with a module called io."""
