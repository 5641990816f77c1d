"""Write the features that a model would learn from.

DATA is a file, a folder of parts or a glob; without it the sample is used.
"""

from pathlib import Path

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
@click.pass_obj
def command(
    config_path: Path | None,
    data: str | None,
    output: Path,
    target: str | None,
    drop: tuple[str, ...],
) -> None:
    """Learn from all rows what features need, and write them."""
    from .. import config, features, io, preprocess
    from .._internal import registry

    settings = config.load(config_path, target=target, drop=drop or None)
    plugins = registry.pick(
        settings.transforms, settings.plugin_folder, only_built_in=settings.no_plugins
    )
    table = registry.apply(plugins, io.read(data or io.SAMPLE))
    aside = settings.target or ("" if data else preprocess.SAMPLE_TARGET)
    known = [aside] if target or aside in table.columns else []
    schema = preprocess.fit(table, drop=[*known, *settings.drop])
    clean = preprocess.apply(table, schema)
    io.write(features.transform(clean, features.fit(clean, schema)), output)
    click.echo(output)
