"""Read tables, apply the steps of the settings, write the result.

SOURCE is a file (CSV, Parquet, JSON lines), a folder of parts, a glob or a table of a
database (sqlite:///sales.db#orders); without one the sample is read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..pipeline import Plan

__all__ = ["command"]


@click.command(help=__doc__)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option(
    "-o",
    "--output",
    metavar="DEST",
    required=True,
    help="File (.csv, .jsonl or .parquet) or table of a database.",
)
@click.option("--query", metavar="SQL", help="Read the result of an SQL query of the database.")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    help="File for rejected rows (.jsonl); default: named after DEST.",
)
@click.option("--report", type=click.Path(path_type=Path), help="HTML report of the run.")
@click.option("--engine", metavar="NAME", help="polars, or another engine of the project.")
@click.option("--dry-run", is_flag=True, help="Show the plan and a sample; write nothing.")
@click.pass_obj
def command(
    config_path: Path | None,
    sources: tuple[str, ...],
    output: str,
    query: str | None,
    rejects: Path | None,
    report: Path | None,
    engine: str | None,
    dry_run: bool,
) -> None:
    """Prepare and run a pipeline, print the report; exit with 1 if a check stops the run."""
    from tqdm import tqdm

    from .. import addresses, config, pipeline
    from .. import report as reports
    from .._internal import files
    from ..errors import DataError

    settings = config.load(config_path, rejects=rejects, engine=engine)
    addresses.check_name(str(report or ""))
    if report and report.suffix.lower() != ".html":
        msg = f"the report is a page: {addresses.shown(str(report))} must end in .html"
        raise DataError(msg)
    plan = pipeline.prepare(settings, sources, output, query=query)
    if dry_run:
        _show(plan)
        return
    with tqdm(unit="row", unit_scale=True, disable=None) as bar:
        run = pipeline.execute(plan, progress=bar.update)
    if report:
        with files.atomic(report) as part:
            part.write_text(reports.render(run), encoding="utf-8")
    click.echo(reports.text(run))
    if not run.written:
        click.get_current_context().exit(1)


def _show(plan: "Plan") -> None:
    """Print the sources, steps and target of a plan, and the result for the first rows."""
    import polars as pl

    from .. import addresses, pipeline

    click.echo(f"would read {', '.join(plan.sources)}")
    before = plan.frame.collect_schema()
    click.echo(f"  {_columns(before)}")
    for step in plan.steps:
        made = {name: kind for name, kind in step.columns.items() if before.get(name) != kind}
        gone = [name for name in before if name not in step.columns]
        click.echo(f"step {step.name}")
        if made:
            click.echo(f"  adds {_columns(made)}")
        if gone:
            click.echo(f"  drops {', '.join(gone)}")
        before = step.columns
    for rule in plan.rules:
        click.echo(f"  {rule.name}: {rule.text}")
    click.echo(f"would write {addresses.shown(plan.target)}; rejected rows to {plan.rejects}")
    table = pipeline.sample(plan)
    click.echo(f"the first {pipeline.SAMPLE_ROWS} rows give {len(table)}, such as")
    with pl.Config(tbl_rows=5, tbl_cols=12, tbl_hide_dataframe_shape=True):
        click.echo(table.head(5))
    click.echo("nothing was written")


def _columns(schema: "Mapping[str, object]") -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in schema.items())
