"""Levels at one gauge."""
