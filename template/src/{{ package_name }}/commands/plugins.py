"""List plugins, or approve those of a folder."""

from pathlib import Path

import click

__all__ = ["command"]


@click.group(help=__doc__)
def command() -> None:
    """Group the commands about plugins."""


@command.command(name="list")
@click.pass_obj
def list_plugins(config_path: Path | None) -> None:
    """List all plugins with options, description and file; * marks those in use.

    To list plugins, they are loaded in another process. Exits with 1 if one is broken.
    """
    from .. import config
    from .._internal import registry

    settings = config.load(config_path)
    used = [step if isinstance(step, str) else step.get("use") for step in settings.transforms]
    plugins, broken = registry.survey(settings.plugin_folder, only_built_in=settings.no_plugins)
    for plugin in plugins:
        click.echo(f"{'*' if plugin.name in used else ' '} {plugin}")
    for plugin in broken:
        click.echo(f"! {plugin}")
    if not plugins and not broken:
        click.echo("no plugins; name a folder with the setting plugin_folder")
    click.get_current_context().exit(1 if broken else 0)


@command.command()
@click.pass_obj
def lock(config_path: Path | None) -> None:
    """Approve the plugins of the folder; later changes are refused.

    Writes plugins.lock there, with a SHA-256 of each plugin. Nothing is run. Exits with 1
    if one cannot be approved.
    """
    from .. import config
    from .._internal import registry

    approved, broken = registry.lock(config.load(config_path).plugin_folder)
    for line in (*approved, *broken):
        click.echo(line)
    click.get_current_context().exit(1 if broken else 0)
