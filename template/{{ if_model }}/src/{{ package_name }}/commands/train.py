"""Train a model on a table; write the model, its record and a report.

DATA is a file, a folder of parts, a glob, a URL or - (standard input). Default: the sample.
"""

import logging
from pathlib import Path
from typing import Any

import click

from .._internal import explained, flags
from ..errors import ModelError

__all__ = ["command"]

logger = logging.getLogger(__name__)

_NOT_RECORDED = {"plugin_folder", "no_plugins", "engine", "cluster"}


@click.command(help=__doc__)
@click.argument("data", required=False)
@click.option("--target", metavar="NAME", help="Column to predict.")
@click.option("-o", "--output", type=Path, default="model", show_default=True, help="Folder.")
@click.option("--drop", multiple=True, metavar="NAME", help="Column to exclude; may be repeated.")
@click.option("--seed", type=int, metavar="N", help="Random seed.")
@click.option("--max-rows", type=int, metavar="N", help="Train on a random sample of N rows.")
@click.option("--search", type=int, metavar="N", help="Try N sets of parameters, keep the best.")
@click.option("--from", "earlier", type=Path, help="Repeat the run of this model.json.")
@flags.reading
@click.pass_obj
def command(config_path: Path | None, /, data: str | None, output: Path, **options: Any) -> None:
    """Read, train, save, report, and say where everything is."""
    from tqdm.contrib.logging import tqdm_logging_redirect

    from .. import config, io, model, preprocess, report
    from .._internal import registry, store

    earlier = options.pop("earlier")
    before = store.read_card(earlier) if earlier else {}
    given = {name: value for name, value in options.items() if value not in (None, ())}
    settings = config.load(config_path, **before.get("settings", {}) | given)
    data = data or before.get("data", {}).get("source")
    source = data or io.SAMPLE
    wanted = settings.transforms, settings.plugin_folder
    plugins = registry.pick(*wanted, only_built_in=settings.no_plugins)
    n_fits, log = model.n_fits(settings), logging.getLogger(__package__.partition(".")[0])
    with tqdm_logging_redirect(total=n_fits, unit="fit", disable=not n_fits, loggers=[log]) as bar:
        found = io.load(source, settings=settings, eager=not settings.max_rows)
        settings = settings.model_copy(update={"dates": found.dates})
        if settings.max_rows:
            n, seed = settings.max_rows, settings.seed
            rows, n_source_rows = io.draw(source, n, seed=seed, frame=found.frame)
        else:
            rows = io.collect(found.frame, source)
            n_source_rows = len(rows)
        table = registry.apply(plugins, rows)
        target = settings.target or ("" if data else preprocess.SAMPLE_TARGET)
        with explained(ModelError, "the learner does not take this table", (ValueError,)):
            run = model.train(table, target, settings, doubts=found.doubts, tick=bar.update)
    counts = {"n_source_rows": n_source_rows, "n_rows": len(table)}
    card = {
        **model.to_card(run),
        "versions": store.versions(),
        "settings": settings.model_dump(mode="json", exclude=_NOT_RECORDED),
        "data": {"source": data, "sha256": io.sha256(source), **counts},
        "transforms": registry.record(plugins),
    }
    page = {"report.html": report.render(run, card, table)}
    store.save(output, run.model, card, page, trusted=model.TRUSTED)
    _print_metrics(run.metrics)
    for name in (store.MODEL, store.CARD, "report.html"):
        click.echo(output / name)
    if before:
        _check_same(before, card)


def _print_metrics(metrics: dict[str, dict[str, float | None]]) -> None:
    width = max(len(name) for name in metrics)
    click.echo(f"{'':{width}}  {'model':>9}  {'baseline':>9}")
    for name, values in metrics.items():
        spread = "" if values["spread"] is None else f"  ± {values['spread']:.2g}"
        click.echo(f"{name:{width}}  {values['model']:9.4g}  {values['baseline']:9.4g}{spread}")


def _check_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Say whether a repeated run gave the same metrics; exit with 1 if it did not."""
    if before["data"]["sha256"] != now["data"]["sha256"]:
        logger.warning("the data are not those of the earlier run (SHA-256 differs)")
    found = now["metrics"]
    differing = [name for name in before["metrics"] if found.get(name) != before["metrics"][name]]
    if differing:
        click.echo(f"metrics differ from the earlier run: {', '.join(differing)}")
        click.get_current_context().exit(1)
    click.echo("metrics agree with the earlier run")
