"""Write the features that a model would learn from.

DATA is a file, a folder of parts, a glob, a URL or - (standard input). Default: the sample.
"""

import functools
import logging
from pathlib import Path
from typing import Any

import click

from .._internal import flags

__all__ = ["command"]

logger = logging.getLogger(__name__)


@click.command(help=__doc__)
@click.argument("data", required=False)
@click.option("-o", "--output", type=flags.output, required=True, help=flags.OUTPUT)
@click.option("--target", metavar="NAME", help="Column that is not a feature.")
@click.option("--drop", multiple=True, metavar="NAME", help="Column to exclude; may be repeated.")
@click.option("--engine", metavar="NAME", help="polars, or another engine of the project.")
@flags.reading
@click.pass_obj
def command(config_path: Path | None, /, data: str | None, output: Any, **options: Any) -> None:
    """Fit the transformers on all rows, and write what they make of them."""
    from .. import config, io, preprocess
    from .._internal import engine as engines
    from .._internal import registry

    settings = config.load(config_path, **{key: value or None for key, value in options.items()})
    wanted = settings.transforms, settings.plugin_folder
    plugins = registry.pick(*wanted, only_built_in=settings.no_plugins)
    source = data or io.SAMPLE
    rows = io.load(source, settings=settings).frame
    io.count(rows, source)
    with io.reading(source), engines.start(settings.engine, settings.cluster, output) as opened:
        table = opened(rows, io.parts(source)).apply(plugins)
        target = settings.target or ("" if data else preprocess.SAMPLE_TARGET)
        known = [target] if options["target"] or target in table.empty().columns else []
        for step in table.ask(functools.partial(_fit, [*known, *settings.drop])):
            for name, reason in step.unused_.items():
                logger.warning("not used: %r %s", name, reason)
            table = table.then(step.transform)
        io.write_table(table, output, source=source)
    click.echo(io.shown(output))


def _fit(drop: list[str], frame: Any) -> list[Any]:
    from .. import features, preprocess

    clean = preprocess.Clean(drop).fit(frame)
    return [clean, features.Features().fit(clean.transform(frame))]
