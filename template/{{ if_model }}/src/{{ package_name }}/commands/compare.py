"""Compare trained models side by side.

FOLDERS are output folders of train. Shows the data, the settings that differ and the metrics.
"""

import json
from pathlib import Path
from typing import Any

import click

__all__ = ["command"]


@click.command(help=__doc__)
@click.argument("folders", nargs=-1, required=True, type=Path)
@click.option("-o", "--output", type=Path, help="Write the same to a JSON file.")
def command(folders: tuple[Path, ...], output: Path | None) -> None:
    """Print one column per run, and write the same as JSON."""
    from .._internal import files, store

    cards = [store.read_card(folder / store.CARD) for folder in folders]
    columns = [_settings(card) for card in cards]
    names = list(dict.fromkeys(name for column in columns for name in column))
    differing = [name for name in names if len({str(c.get(name)) for c in columns}) > 1]
    metrics = list(dict.fromkeys(name for card in cards for name in card["metrics"]))
    runs = [
        {
            "folder": str(folder),
            "data": card["data"]["sha256"],
            "settings": {name: column.get(name) for name in differing},
            "metrics": card["metrics"],
        }
        for folder, card, column in zip(folders, cards, columns, strict=True)
    ]
    if output:
        text = json.dumps(runs, indent=1, ensure_ascii=False) + "\n"
        files.write_together({output: text.encode()})
    rows = [["", *(run["folder"] for run in runs)], ["data", *(run["data"][:12] for run in runs)]]
    rows += [[name, *(str(run["settings"][name]) for run in runs)] for name in differing]
    rows += [[name, *(_value(run["metrics"].get(name)) for run in runs)] for name in metrics]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())


def _settings(card: dict[str, Any]) -> dict[str, Any]:
    plugins = [step["name"] for step in card["transforms"]]
    return {"target": card["target"], **card["settings"], "plugins": plugins}


def _value(metric: dict[str, float | None] | None) -> str:
    if not metric:
        return ""
    spread = metric.get("spread")
    return f"{metric['model']:.4g}" + (f" ± {spread:.2g}" if spread is not None else "")
