"""The command line: finds the commands, sets up logging, prints errors.

Each module of ``commands`` is a command of its name: the first line of its
docstring is the help text, its ``command`` is what runs. None of them is imported
before it is called. The first line of the folder's own docstring is what ``--help``
says of the whole program.
"""

import ast
import importlib
import io
import os
import pkgutil
import sys
import warnings
from pathlib import Path
from typing import Any

import click

from .errors import PackageError

__all__ = ["main"]

_COMMANDS = f"{__package__}.commands"

_HELP_WANTED = getattr(click.exceptions, "NoArgsIsHelpError", ())  # new in click 8.2


class _Commands(click.Group):
    """A group that knows its commands by their files."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_modules())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _modules():
            return None
        return _with_options(importlib.import_module(f"{_COMMANDS}.{name}").command)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        about = _modules("").get("commands")
        self.help = about and _help_line("commands", about)
        super().format_help_text(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, _help_line(name, finder)) for name, finder in sorted(_modules().items())]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def main(args: list[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 not as expected, 2 bad input, 130 interrupted.

    Parameters
    ----------
    args
        What follows the program's name; None: as it was called.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # which may not know every letter, as on Windows
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: _log_warning(message)
            code = _group.main(args, prog_name=__package__.replace("_", "-"), standalone_mode=False)
    except _HELP_WANTED as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except (PackageError, click.ClickException) as error:
        text = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"error: {' '.join(text.split())}", err=True)
        sys.exit(2)
    except click.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _modules(folder: str = "commands") -> dict[str, Any]:
    """Find the modules of a folder of the package, but for _private ones: name -> who reads it."""
    found = pkgutil.iter_modules([str(Path(__file__).parent / folder)])
    return {module.name: module.module_finder for module in found if module.name[0] != "_"}


def _help_line(name: str, finder: Any) -> str:
    """Read the first line of a module's docstring without importing it."""
    spec = finder.find_spec(name)
    return (ast.get_docstring(ast.parse(spec.loader.get_source(name))) or "").partition("\n")[0]


def _with_options(command: click.Command) -> click.Command:
    """Let a command and those below it take the options that all have."""
    if _OPTIONS[0] not in command.params:
        command.params.extend(_OPTIONS)
    for below in getattr(command, "commands", {}).values():
        _with_options(below)
    return command


def _set_config(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Hand the path to the command, which gets it with ``click.pass_obj``."""
    if value is not None:
        ctx.obj = Path(value)


def _set_variable(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Set the environment variable of a setting while the command runs."""
    name = f"{__package__}_{param.name}".upper()
    before = os.environ.get(name)

    def restore() -> None:
        os.environ.pop(name)
        os.environ.update({} if before is None else {name: before})

    if value or value == "":
        os.environ[name] = str(value)
        ctx.call_on_close(restore)


def _set_level(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Send the package's log to stderr, warnings and above if nothing else is asked."""
    import logging

    logger = logging.getLogger(__package__)
    if value or not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
        logger.handlers = [handler]
        lower = logging.WARNING - 10 * min(value, 2)  # by a level for each -v
        logger.setLevel(logging.ERROR if param.name == "quiet" and value else lower)


def _log_warning(message: Warning | str) -> None:
    """Put what a library warns of in one line of the package's log."""
    import logging

    logging.getLogger(__package__).warning("%s", " ".join(str(message).split()))


_PATH: dict[str, Any] = {"type": click.Path()}
_FLAG: dict[str, Any] = {"is_flag": True}
_OPTIONS = [  # of all commands
    click.Option(names, callback=callback, expose_value=False, help=text, **more)
    for names, callback, text, more in [
        (["--config"], _set_config, "TOML file with settings.", _PATH),
        (["--plugins", "plugin_folder"], _set_variable, "Folder with your plugins.", _PATH),
        (["--no-plugins"], _set_variable, "Use only plugins that come with the package.", _FLAG),
        (["-v", "--verbose"], _set_level, "More log messages; -vv for all.", {"count": True}),
        (["-q", "--quiet"], _set_level, "Log errors only.", _FLAG),
    ]
]


def _show_version(ctx: click.Context, param: click.Parameter, value: object) -> None:
    """Print the version of the package, whatever its distribution is called."""
    if value:
        from . import __version__

        click.echo(f"{ctx.info_name}, version {__version__}")
        ctx.exit()


_VERSION: dict[str, Any] = {"is_eager": True, "expose_value": False, "callback": _show_version}


@click.group(cls=_Commands, params=[*_OPTIONS])
@click.option("--version", is_flag=True, help="Show the version and exit.", **_VERSION)
def _group() -> None:
    """Hold the commands."""
