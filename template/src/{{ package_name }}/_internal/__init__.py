"""Machinery that `copier update` keeps current; change it in the template."""
