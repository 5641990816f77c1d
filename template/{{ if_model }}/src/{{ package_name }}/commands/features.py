"""Write the features that a model would learn from.

DATA is a file, a folder of parts or a glob; without it the sample is used.
"""

import functools
from pathlib import Path
from typing import Any

import click

__all__ = ["command"]


@click.command(help=__doc__)
@click.argument("data", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="File: .csv, .jsonl or .parquet.",
)
@click.option("--target", metavar="NAME", help="Column that is no feature.")
@click.option(
    "--drop",
    multiple=True,
    metavar="NAME",
    help="Column to leave out; may be repeated.",
)
@click.option("--engine", metavar="NAME", help="polars, or another of the project.")
@click.pass_obj
def command(
    config_path: Path | None,
    data: str | None,
    output: Path,
    target: str | None,
    drop: tuple[str, ...],
    engine: str | None,
) -> None:
    """Learn from all rows what features need, and write them."""
    from .. import config, io, preprocess
    from .._internal import engine as engines
    from .._internal import registry

    settings = config.load(config_path, target=target, drop=drop or None, engine=engine)
    plugins = registry.pick(
        settings.transforms, settings.plugin_folder, only_built_in=settings.no_plugins
    )
    source = data or io.SAMPLE
    rows = io.scan(source)
    io.count(rows, source)
    with (
        io.reading(source),
        engines.start(settings.engine, settings.cluster, output) as opened,
    ):
        table = opened(rows, io.parts(source)).apply(plugins)
        aside = settings.target or ("" if data else preprocess.SAMPLE_TARGET)
        known = [aside] if target or aside in table.empty().columns else []
        encoder = table.ask(functools.partial(_learn, [*known, *settings.drop]))
        made = table.then(functools.partial(_transform, encoder))
        io.write_table(made, output, source=source)
    click.echo(output)


def _learn(drop: list[str], frame: Any) -> Any:
    from .. import features, preprocess

    schema = preprocess.fit(frame, drop=drop)
    return features.fit(preprocess.apply(frame, schema), schema)


def _transform(encoder: Any, frame: Any) -> Any:
    from .. import features, preprocess

    return features.transform(preprocess.apply(frame, encoder.schema), encoder)
