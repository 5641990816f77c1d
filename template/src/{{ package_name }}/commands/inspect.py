"""Show how a table is read, column by column, and what may be misread.

DATA is a file, a folder of parts, a glob, a URL or - (standard input). Default: the sample.
"""

import json
from pathlib import Path
from typing import Any

import click

from .._internal import flags

__all__ = ["command"]

HEAD = ("column", "type", "missing", "distinct", "range", "examples")


@click.command(help=__doc__)
@click.argument("data", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with what may be misread.")
@flags.reading
@click.pass_obj
def command(
    config_path: Path | None, /, data: str | None, *, as_json: bool, **options: Any
) -> None:
    """Read the table once, and print a line for each column."""
    from .. import config, io

    source = data or io.SAMPLE
    found = io.load(source, settings=config.load(config_path, **options))
    with io.reading(source):
        n_rows, columns = _describe(found.frame)
    if as_json:
        about = {"source": io.shown(source), **found.dialect, "rows": n_rows, "columns": columns}
        about["doubts"] = found.doubts
        click.echo(json.dumps(about, indent=1, ensure_ascii=False, default=str))
        return
    click.echo(f"{io.shown(source)}: {n_rows} rows, {len(columns)} columns")
    click.echo(", ".join(f"{name} {value!r}" for name, value in found.dialect.items()))
    rows = [HEAD, *map(_line, columns)]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())


def _describe(frame: Any) -> tuple[int, list[dict[str, Any]]]:
    """Count rows, and describe each column."""
    import polars as pl

    schema, wanted = frame.collect_schema(), [pl.len()]
    for place, (name, dtype) in enumerate(schema.items()):
        values = pl.col(name)
        wanted.append(values.null_count().alias(f"{place} missing"))
        some = values.drop_nulls().head(1_000).unique(maintain_order=True).head(3)
        wanted.append(some.implode().alias(f"{place} examples"))
        if not dtype.is_nested():
            wanted.append(values.drop_nulls().n_unique().alias(f"{place} distinct"))
        if dtype.is_numeric() or dtype.is_temporal():
            wanted += [values.min().alias(f"{place} low"), values.max().alias(f"{place} high")]
    row = frame.select(wanted).collect(engine="streaming").row(0, named=True)
    keys = ("missing", "distinct", "low", "high", "examples")
    return row["len"], [
        {"name": name, "type": str(dtype), **{key: row.get(f"{place} {key}") for key in keys}}
        for place, (name, dtype) in enumerate(schema.items())
    ]


def _line(column: dict[str, Any]) -> tuple[str, ...]:
    known = column["low"] is not None
    examples = ", ".join(" ".join(str(value).split())[:30] for value in column["examples"])
    return (
        *(column["name"], column["type"], str(column["missing"])),
        "" if column["distinct"] is None else str(column["distinct"]),
        f"{column['low']} to {column['high']}" if known else "",
        examples,
    )
