"""Predict each row of a table with a trained model.

FOLDER is an output folder of train.

DATA is a file, a folder of parts, a glob, a URL or - (standard input).
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from .._internal import flags
from ..errors import DataError, PluginError, require

__all__ = ["command"]

logger = logging.getLogger(__name__)


@click.command(help=__doc__)
@click.argument("folder", type=Path)
@click.argument("data")
@click.option("-o", "--output", type=flags.output, required=True, help=flags.OUTPUT)
@click.option("--keep", multiple=True, metavar="NAME", help="Column to copy; may be repeated.")
@click.option("--engine", metavar="NAME", help="polars, or another engine of the project.")
@flags.reading
@click.pass_obj
def command(
    config_path: Path | None, /, folder: Path, data: str, output: str | Path, **options: Any
) -> None:
    """Load the model, predict in batches and write one row for each row read."""
    from tqdm import tqdm

    from .. import config, features, io, model
    from .._internal import engine as engines
    from .._internal import registry, store

    keep = tuple(dict.fromkeys(options.pop("keep")))
    settings = config.load(config_path, **options)
    content, card = store.read(folder)
    clean = store.unpack(content, trusted=model.TRUSTED)["clean"]
    recipe = engines.Recipe(_scorer, (content, keep))
    trained = settings.or_else(card["settings"])
    rows = io.load(data, settings=trained, kinds=clean.kinds_).frame
    steps = registry.recall(card["transforms"])
    plugins = registry.pick(steps, settings.plugin_folder, only_built_in=settings.no_plugins)
    registry.warn_of_changes(plugins, card["transforms"])
    with io.reading(data), engines.start(settings.engine, settings.cluster, output) as opened:
        n_rows = io.count(rows, data)
        table = opened(rows, io.parts(data), keep).apply(plugins)
        recipe(table.empty())  # what is wrong with the columns is told at once
        n_left = table.count() if plugins else n_rows
        names = ", ".join(plugin.name for plugin in plugins)
        msg = f"each row needs a prediction, but the plugins {names} make {n_left} of {n_rows}"
        require(n_left == n_rows, PluginError, msg)
        for name, ranges in table.ask(clean.outside).items():
            logger.warning("column %s has values outside the training range: %s", name, ranges)
        with tqdm(total=n_rows, unit="row", unit_scale=True, disable=None) as bar:
            if features.WHOLE_TABLE:
                io.write(recipe(table.rows().collect()), output, source=data)
            else:
                io.write(table.score(recipe, bar.update).rows(), output, source=data)
    click.echo(io.shown(output))


def _scorer(content: bytes, keep: Sequence[str]) -> Callable[[Any], Any]:
    """Build what predicts a batch from a model's bytes and the columns to copy."""
    import polars as pl

    from .. import model
    from .._internal import store

    fitted = store.unpack(content, trusted=model.TRUSTED)

    def score(batch: pl.DataFrame) -> pl.DataFrame:
        scored: pl.DataFrame = model.predict(fitted, batch)
        for name in keep:
            msg = f"no column {name!r} to keep; there are {', '.join(batch.columns)}"
            require(name in batch.columns, DataError, msg)
            msg = f"cannot keep column {name!r}: a column of the predictions has that name"
            require(name not in scored.columns, DataError, msg)
        return pl.concat([batch.select(*keep), scored], how="horizontal")

    return score
