"""The engines, one file each: ``start``, which yields a function that opens a table."""

from typing import Literal

__all__ = ["Name"]

Name = Literal["polars", "duckdb", "pandas", "dask", "spark"]
