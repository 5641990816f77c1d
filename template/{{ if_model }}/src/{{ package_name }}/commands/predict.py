"""Predict each row of a table with a trained model.

FOLDER is what train wrote; DATA is a file, a folder of parts or a glob.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import DataError, PluginError

if TYPE_CHECKING:
    import polars as pl

    from .._internal import registry

__all__ = ["command"]

logger = logging.getLogger(__name__)


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("data")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="File: .csv, .jsonl or .parquet.",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="NAME",
    help="Column to copy beside the predictions; may be repeated.",
)
@click.option("--engine", metavar="NAME", help="polars, or another of the project.")
@click.pass_obj
def command(
    config_path: Path | None,
    folder: Path,
    data: str,
    output: Path,
    keep: tuple[str, ...],
    engine: str | None,
) -> None:
    """Load, predict in batches and write one row for each row read."""
    from tqdm import tqdm

    from .. import config, io, model
    from .._internal import engine as engines
    from .._internal import registry, store

    settings = config.load(config_path, engine=engine)
    content, card = store.read(folder, trusted=model.TRUSTED)
    clean = store.unpack(content, trusted=model.TRUSTED)["clean"]
    keep = tuple(dict.fromkeys(keep))
    recipe = engines.Recipe(_scorer, (content, keep))
    rows = io.scan(data, text=[name for name, kind in clean.kinds_.items() if kind == "category"])
    plugins = registry.pick(
        registry.recall(card["transforms"]),
        settings.plugin_folder,
        only_built_in=settings.no_plugins,
    )
    registry.warn_of_changes(plugins, card["transforms"])
    with (
        io.reading(data),
        engines.start(settings.engine, settings.cluster, output) as opened,
    ):
        n_rows = io.count(rows, data)
        table = opened(rows, io.parts(data), keep).apply(plugins)
        recipe(table.empty())  # what is wrong with the columns is told at once
        _check_count(plugins, n_rows, table.count() if plugins else n_rows)
        for name, ranges in table.ask(clean.outside).items():
            logger.warning("column %s has values outside the training range: %s", name, ranges)
        with tqdm(total=n_rows, unit="row", unit_scale=True, disable=None) as bar:
            io.write(table.score(recipe, bar.update).rows(), output, source=data)
    click.echo(output)


def _scorer(content: bytes, keep: tuple[str, ...]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Build what predicts a batch from a model's bytes and the columns to copy."""
    import polars as pl

    from .. import model
    from .._internal import store

    fitted = store.unpack(content, trusted=model.TRUSTED)

    def score(batch: pl.DataFrame) -> pl.DataFrame:
        scored: pl.DataFrame = model.predict(fitted, batch)
        _check_kept(keep, batch.columns, scored.columns)
        return pl.concat([batch.select(*keep), scored], how="horizontal")

    return score


def _check_count(plugins: list[registry.Plugin], n_rows: int, n_left: int) -> None:
    if n_left != n_rows:
        names = ", ".join(plugin.name for plugin in plugins)
        msg = f"each row needs a prediction, but the plugins {names} make {n_left} rows of {n_rows}"
        raise PluginError(msg)


def _check_kept(names: tuple[str, ...], there: list[str], made: list[str]) -> None:
    """Refuse columns that cannot stand beside the predictions."""
    for name in names:
        if name not in there:
            msg = f"no column {name!r} to keep; there are {', '.join(there)}"
            raise DataError(msg)
        if name in made:
            msg = f"cannot keep column {name!r}: a column of the predictions has that name"
            raise DataError(msg)
