"""The engines beside polars, one file each, found by presence."""
