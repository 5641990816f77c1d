"""Train a model on a table; write the model, its card and a report.

DATA is a file, a folder of parts or a glob; without it the sample is used.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import polars as pl

    from ..config import Settings

__all__ = ["command"]

logger = logging.getLogger(__name__)

_OF_A_PLACE = {"plugin_folder", "no_plugins", "engine", "cluster"}


@click.command(help=__doc__)
@click.argument("data", required=False)
@click.option("--target", metavar="NAME", help="Column to predict.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="model",
    show_default=True,
    help="Folder.",
)
@click.option(
    "--drop",
    multiple=True,
    metavar="NAME",
    help="Column to leave out; may be repeated.",
)
@click.option("--seed", type=int, metavar="N", help="Of all that is left to chance.")
@click.option("--max-rows", type=int, metavar="N", help="Train on so many, drawn by chance.")
@click.option(
    "--from",
    "earlier",
    type=click.Path(path_type=Path),
    help="Repeat the run of this model.json.",
)
@click.pass_obj
def command(
    config_path: Path | None,
    data: str | None,
    target: str | None,
    output: Path,
    drop: tuple[str, ...],
    seed: int | None,
    max_rows: int | None,
    earlier: Path | None,
) -> None:
    """Train, measure, save and say where it is."""
    from tqdm.contrib.logging import tqdm_logging_redirect

    from .. import config, io, model, preprocess, report
    from .._internal import registry, store

    before = store.read_card(earlier) if earlier else {}
    given = {"target": target, "drop": drop or None, "seed": seed, "max_rows": max_rows}
    given = before.get("settings", {}) | {
        key: value for key, value in given.items() if value is not None
    }
    settings = config.load(config_path, **given)
    source = data or before.get("data", {}).get("source")
    stages = tqdm_logging_redirect(
        desc="read the table",
        initial=1,
        total=3,
        bar_format="{n_fmt}/{total_fmt} {desc}",
        leave=False,
        disable=None,
        loggers=[logging.getLogger(__package__.partition(".")[0])],
    )
    bar = click.get_current_context().with_resource(stages)
    table, n_source_rows = _read(source or io.SAMPLE, settings)
    plugins = registry.pick(
        settings.transforms, settings.plugin_folder, only_built_in=settings.no_plugins
    )
    table = registry.apply(plugins, table)
    bar.n = 2
    bar.set_description_str(f"fit and measure a model of {len(table)} rows")
    target = settings.target or ("" if source else preprocess.SAMPLE_TARGET)
    run = model.train(table, target, settings)
    bar.n = 3
    bar.set_description_str("write the model and its report")
    card = {
        **model.to_card(run.fitted),
        "metrics": run.metrics,
        "seed": settings.seed,
        "versions": store.versions(),
        "settings": settings.model_dump(mode="json", exclude=_OF_A_PLACE),
        "data": {
            "source": source,
            "sha256": io.sha256(source or io.SAMPLE),
            "n_source_rows": n_source_rows,
            "n_rows": len(table),
        },
        "transforms": registry.record(plugins),
    }
    store.save(
        output,
        run.fitted.estimator,
        card,
        {"report.html": report.render(run, card, table)},
    )
    bar.close()
    _print_metrics(run.metrics)
    for name in (store.MODEL, store.CARD, "report.html"):
        click.echo(output / name)
    if before:
        _compare(before, card)


def _read(source: str | Path, settings: "Settings") -> "tuple[pl.DataFrame, int]":
    """Read the rows to train on; tell how many there are."""
    from .. import io

    if settings.max_rows:
        return io.draw(source, settings.max_rows, seed=settings.seed)
    table = io.read(source)
    return table, len(table)


def _print_metrics(metrics: dict[str, dict[str, float]]) -> None:
    width = max(len(name) for name in metrics)
    click.echo(f"{'':{width}}  {'model':>9}  {'baseline':>9}")
    for name, values in metrics.items():
        click.echo(f"{name:{width}}  {values['model']:9.4g}  {values['baseline']:9.4g}")


def _compare(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Say whether a repeated run gave what it gave before; exit with 1 if it did not."""
    if before["data"]["sha256"] != now["data"]["sha256"]:
        logger.warning("the data are not those of the earlier run (SHA-256 differs)")
    differing = [
        name for name, values in before["metrics"].items() if now["metrics"].get(name) != values
    ]
    if differing:
        click.echo(f"metrics differ from the earlier run: {', '.join(differing)}")
        click.get_current_context().exit(1)
    click.echo("metrics agree with the earlier run")
