"""Show the settings."""

from pathlib import Path

import click

__all__ = ["command"]


@click.group(help=__doc__)
def command() -> None:
    """Group the commands about settings."""


@command.command()
@click.pass_obj
def show(config_path: Path | None) -> None:
    """Print each setting, its value and where it comes from."""
    from .. import config

    settings = config.load(config_path)
    for name, origin in config.origins(config_path).items():
        click.echo(f"{name} = {getattr(settings, name)!r}  ({origin})")
