"""List plugins, or approve those of a folder."""

from pathlib import Path

import click

__all__ = ["command"]


@click.group(help=__doc__)
def command() -> None:
    """Group the commands about plugins."""


@command.command(name="list")
@click.option("--strict", is_flag=True, help="Stop with an error if a plugin is broken.")
@click.pass_obj
def list_plugins(config_path: Path | None, *, strict: bool) -> None:
    """Show what there is, and where it is from; a star: in use.

    Each plugin with its options, version and file.

    Plugins are run to be listed. Exits with 1 if one is broken.
    """
    from .. import config
    from .._internal import discovery, registry

    settings = config.load(config_path)
    used = [step if isinstance(step, str) else step.get("use") for step in settings.transforms]
    plugins, broken = registry.survey(
        settings.plugin_folder, only_built_in=settings.no_plugins, strict=strict
    )
    for plugin in plugins:
        star = "*" if plugin.name in used else " "
        origin = f"{plugin.source} {plugin.version or plugin.sha256[:12]}"
        click.echo(discovery.printable(f"{star} {plugin.name}{plugin.signature}: {plugin.help}"))
        click.echo(discovery.printable(f"    {origin}, {plugin.file}"))
    for item in broken:
        click.echo(item)
    if not plugins and not broken:
        click.echo("no plugins; name a folder with the setting plugin_folder")
    click.get_current_context().exit(1 if broken else 0)


@command.command()
@click.pass_obj
def lock(config_path: Path | None) -> None:
    """Approve the plugin folder as it is; all else is refused.

    Writes plugins.lock there: the SHA-256 of each file, and of each installed plugin.
    Nothing is run. Exits with 1 if a file cannot be approved.
    """
    from .. import config
    from .._internal import discovery
    from ..errors import PluginError

    folder = config.load(config_path).plugin_folder
    if folder is None:
        msg = "a lock lies in the plugin folder: name one with --plugins or plugin_folder"
        raise PluginError(msg)
    path, approved, broken = discovery.approve(folder)
    for name, digest in approved.items():
        click.echo(f"{digest[:12]}  {name}")
    for item in broken:
        click.echo(item)
    click.echo(path)
    click.get_current_context().exit(1 if broken else 0)
