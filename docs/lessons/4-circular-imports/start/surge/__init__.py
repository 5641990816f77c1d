"""Surge at one gauge, from the wind."""
