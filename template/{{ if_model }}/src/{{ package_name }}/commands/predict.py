"""Predict each row of a table with a trained model.

FOLDER is what train wrote; DATA is a file, a folder of parts or a glob.
"""

import logging
from pathlib import Path

import click

from ..errors import DataError, PluginError

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
@click.pass_obj
def command(
    config_path: Path | None,
    folder: Path,
    data: str,
    output: Path,
    keep: tuple[str, ...],
) -> None:
    """Load, predict in batches and write one row for each row read."""
    import polars as pl
    from tqdm import tqdm

    from .. import config, io, model, preprocess
    from .._internal import registry, store

    settings = config.load(config_path)
    estimator, card = store.load(folder)
    fitted = model.from_card(card, estimator)
    schema = fitted.encoder.schema
    rows = io.scan(data, text=schema.names("category"))
    plugins = registry.pick(
        registry.recall(card["transforms"]),
        settings.plugin_folder,
        only_built_in=settings.no_plugins,
    )
    registry.warn_of_changes(plugins, card["transforms"])
    table = registry.apply(plugins, rows)
    with io.reading(data):
        empty = table.head(0).collect()
        kept = _kept(keep, empty.columns, model.predict(fitted, empty).columns)
        counts = pl.collect_all([rows.select(pl.len()), table.select(pl.len())])
        n_rows, n_left = (count.item() for count in counts)
        for name, range_ in preprocess.outside(preprocess.apply(table, schema), schema).items():
            logger.warning("column %s is outside what training saw: %s", name, range_)
    if n_rows == 0:
        msg = f"{data} has a header but no rows"
        raise DataError(msg)
    if n_left != n_rows:
        names = ", ".join(plugin.name for plugin in plugins)
        msg = f"each row needs a prediction, but the plugins {names} make {n_left} rows of {n_rows}"
        raise PluginError(msg)

    with tqdm(total=n_rows, unit="row", unit_scale=True, disable=None) as bar:

        def score(batch: pl.DataFrame) -> pl.DataFrame:
            bar.update(len(batch))
            scored: pl.DataFrame = model.predict(fitted, batch)
            return pl.concat([batch.select(kept), scored], how="horizontal")

        scored = table.map_batches(score, schema=score(empty).schema, streamable=True)
        io.write(scored, output, source=data)
    click.echo(output)


def _kept(names: tuple[str, ...], there: list[str], made: list[str]) -> list[str]:
    """Name the columns to copy, each once; refuse what cannot stand beside the predictions."""
    for name in names:
        if name not in there:
            msg = f"no column {name!r} to keep; there are {', '.join(there)}"
            raise DataError(msg)
        if name in made:
            msg = f"cannot keep column {name!r}: a column of the predictions has that name"
            raise DataError(msg)
    return list(dict.fromkeys(names))
