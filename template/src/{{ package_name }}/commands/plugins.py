"""List the plugins."""

from pathlib import Path

import click

__all__ = ["command"]


@click.group(help=__doc__)
def command() -> None:
    """Group the commands about plugins."""


@command.command(name="list")
@click.pass_obj
def list_plugins(config_path: Path | None) -> None:
    """Show each plugin, what it does and its file; a star marks those in use."""
    from .. import config
    from .._internal import registry

    settings = config.load(config_path)
    found = registry.find(settings.plugin_folder)
    for name, plugin in found.items():
        used = "*" if name in settings.transforms else " "
        click.echo(f"{used} {name}: {plugin.help}\n    {plugin.file}")
    if not found:
        click.echo("no plugins; name a folder with the setting plugin_folder")
