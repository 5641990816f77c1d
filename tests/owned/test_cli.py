import io
import logging
import os
import runpy
import signal
import subprocess
import sys
import textwrap
import warnings
from importlib import import_module, metadata

import my_project as package
import pytest
from my_project import cli, errors

HEAVY = {
    *("adbc_driver_manager", "matplotlib", "narwhals", "numpy", "pandas", "polars", "pyarrow"),
    *("pydantic", "sklearn", "skops"),
}

LOOK = """
import contextlib, logging, sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
with contextlib.redirect_stdout(None), contextlib.suppress(SystemExit):
    from importlib import import_module
    {action}
print(sorted(sys.modules))
print([name for name in opened if not name.endswith((".py", ".pyc", ".so", ".pyd"))])
print(logging.getLogger({name!r}).handlers + logging.getLogger().handlers)
"""


@pytest.mark.parametrize(
    "action",
    ["import_module({name!r})", "import_module({name!r} + '.cli').main(['--help'])"],
    ids=["import", "--help"],
)
def test_nothing_heavy_is_imported_no_file_read_no_handler_added(action):
    name = package.__name__
    code = LOOK.format(action=action.format(name=name), name=name)
    command = [sys.executable, "-B", "-c", code]  # -B: write no bytecode
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    modules, opened, handlers = map(eval, done.stdout.splitlines())
    assert HEAVY.isdisjoint(modules)
    assert opened == []
    assert handlers == []


def test_version_is_looked_up_when_asked_for(monkeypatch):
    monkeypatch.delitem(vars(package), "__version__", raising=False)
    assert package.__version__ == metadata.version(package.__name__)
    assert "__version__" in vars(package)


def test_unknown_attribute_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing


def test_package_runs_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ignored", "--version"])
    monkeypatch.delitem(sys.modules, f"{package.__name__}.__main__", raising=False)
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module(package.__name__, run_name="__main__")
    assert package.__version__ in capsys.readouterr().out


def test_importing_the_module_that_runs_it_runs_nothing():
    assert import_module(f"{package.__name__}.__main__").main is cli.main


@pytest.mark.parametrize("name", sorted({*errors.__all__} - {"require"}))
def test_every_error_is_a_package_error(name):
    assert issubclass(getattr(errors, name), errors.PackageError)


def test_no_byte_code_is_written_that_a_full_disk_would_cut_short():
    assert sys.dont_write_bytecode


@pytest.mark.parametrize("module", [cli, errors, package], ids=lambda module: module.__name__)
def test_public_names_are_sorted_and_there(module):
    assert module.__all__ == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.fixture
def add_command(tmp_path, monkeypatch):
    """Give the command line a commands folder of its own, and a way to fill it."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "cli.py"))
    monkeypatch.setattr(cli, "_COMMANDS", folder.name)

    def add(name, code):
        folder.joinpath(f"{name}.py").write_text(textwrap.dedent(code), encoding="utf-8")

    yield add
    for name in [name for name in sys.modules if name.split(".")[0] == folder.name]:
        del sys.modules[name]


def add_failing(add_command, statement):
    """Add a command `fail` that runs one statement."""
    add_command(
        "fail",
        f"""
        import click, signal
        from {errors.__name__} import DataError

        @click.command()
        @click.pass_context
        def command(ctx):
            {statement}
        """,
    )


def test_command_is_listed_with_its_first_line_but_not_imported(run, add_command):
    add_command("broken", '"""Cannot be imported.\n\nMore.\n"""\nraise RuntimeError')
    result = run("--help")
    assert result.code == 0
    assert result.out.splitlines()[-1].split() == ["broken", "Cannot", "be", "imported."]


def test_help_begins_with_the_first_line_of_the_folder_but_does_not_import_it(run, add_command):
    add_command("__init__", '"""Tell tides.\n\nMore.\n"""\nraise RuntimeError')
    assert run("--help").out.splitlines()[2:4] == ["  Tell tides.", ""]


def test_private_modules_are_no_commands(run, add_command):
    add_command("_shared", '"""Shared by commands."""')
    assert "_shared" not in run("--help").out


@pytest.mark.parametrize("args", [["--help"], []], ids=["--help", "nothing"])
def test_help_is_shown_when_there_is_no_command(run, tmp_path, monkeypatch, args):
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "cli.py"))
    result = run(*args)
    assert f"Usage: {cli.__package__.replace('_', '-')} [OPTIONS]" in result.out + result.err
    assert "error:" not in result.err


def test_command_gets_its_arguments(run, add_command):
    add_command(
        "greet",
        """
        import click

        @click.command()
        @click.argument("name")
        def command(name):
            click.echo(f"hello {name}")
        """,
    )
    assert run("greet", "Ada") == (0, "hello Ada\n", "")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("nothing", "No such command 'nothing'."),
        ("--nothing", "No such option"),
        ("fail --nothing", "No such option"),
        ("fail extra", "Got unexpected extra argument (extra)"),
    ],
)
def test_wrong_usage_is_one_line(run, add_command, args, message):
    add_failing(add_command, "pass")
    result = run(*args.split())
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert result.err.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("statement", "code", "message"),
    [
        ("pass", 0, ""),
        ("return 7", 7, ""),
        ("ctx.exit(1)", 1, ""),
        (r"raise DataError('no\n  good')", 2, "error: no good\n"),
        ("raise click.ClickException('bad')", 2, "error: bad\n"),
        ("raise KeyboardInterrupt", 130, "\ninterrupted\n"),
        ("signal.raise_signal(signal.SIGINT)", 130, "\ninterrupted\n"),
    ],
)
def test_exit_code_and_message_say_how_it_ended(run, add_command, statement, code, message):
    add_failing(add_command, statement)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert run("fail") == (code, "", message)


def test_mistake_in_a_command_is_not_hidden(add_command):
    add_failing(add_command, "1 / 0")
    with pytest.raises(ZeroDivisionError):
        cli.main(["fail"])


GROUP = """
    import click, logging

    @click.group()
    def command():
        pass

    @command.command()
    @click.pass_obj
    def show(config_path):
        logger = logging.getLogger("{package}.test")
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logger.log(level, logging.getLevelName(level))
        click.echo(config_path)
"""


@pytest.mark.parametrize(
    "args",
    ["--config c.toml group show", "group --config c.toml show", "group show --config c.toml"],
)
def test_command_gets_the_config_file_from_any_place(run, add_command, args):
    add_command("group", GROUP.format(package=cli.__package__))
    assert run(*args.split()).out == "c.toml\n"


@pytest.mark.parametrize(
    ("args", "variables"),
    [
        (["--plugins", "mine", "show"], ["mine", None]),
        (["show", "--plugins", "mine"], ["mine", None]),
        (["show", "--plugins", ""], ["", None]),
        (["show", "--no-plugins"], ["theirs", "True"]),
        (["show"], ["theirs", None]),
    ],
)
def test_options_about_plugins_are_settings_while_a_command_runs(run, add_command, monkeypatch, args, variables):
    folder, off = (f"{cli.__package__.upper()}_{name}" for name in ("PLUGIN_FOLDER", "NO_PLUGINS"))
    code = f"print([os.environ.get(name) for name in ({folder!r}, {off!r})])"
    add_command("show", f"import click, os\n\n@click.command()\ndef command():\n    {code}\n")
    monkeypatch.setenv(folder, "theirs")
    assert run(*args).out == f"{variables}\n"
    assert (os.environ[folder], off in os.environ) == ("theirs", False)


def test_last_config_file_wins(run, add_command):
    add_command("group", GROUP.format(package=cli.__package__))
    assert run("--config", "a.toml", "group", "show", "--config", "b.toml").out == "b.toml\n"


@pytest.mark.parametrize(
    ("args", "levels"),
    [
        ("group show", "WARNING ERROR"),
        ("-v group show", "INFO WARNING ERROR"),
        ("group show -v", "INFO WARNING ERROR"),
        ("group -vv show", "DEBUG INFO WARNING ERROR"),
        ("-vvv group show", "DEBUG INFO WARNING ERROR"),
        ("group show -q", "ERROR"),
        ("-q group show", "ERROR"),
    ],
)
def test_log_goes_to_stderr_as_loud_as_asked_for(run, add_command, args, levels):
    add_command("group", GROUP.format(package=cli.__package__))
    result = run(*args.split())
    assert result.err.splitlines() == [f"{level}: {level}" for level in levels.split()]


@pytest.mark.parametrize(("args", "said"), [("fail", "WARNING: odd data\n"), ("-q fail", "")])
def test_warning_of_a_library_is_one_line_of_the_log(run, add_command, args, said):
    warn = r"import warnings; warnings.simplefilter('always'); warnings.warn('odd\n  data')"
    add_failing(add_command, warn)
    assert run(*args.split()) == (0, "", said)


def test_caller_gets_its_warnings_as_before(run, add_command):
    before = warnings.showwarning
    add_failing(add_command, "import warnings; assert 'cli' in warnings.showwarning.__module__")
    assert run("fail").code == 0
    assert warnings.showwarning is before


def test_handlers_of_the_caller_are_kept(run, add_command):
    add_command("group", GROUP.format(package=cli.__package__))
    mine = logging.NullHandler()
    logging.getLogger(cli.__package__).addHandler(mine)
    run("group", "show")
    assert logging.getLogger(cli.__package__).handlers == [mine]


def test_version_names_the_program(run):
    assert run("--version").out.startswith(cli.__package__.replace("_", "-"))


def test_letter_that_the_output_does_not_know_is_escaped(add_command, monkeypatch):
    add_command("show", "import click\n\n@click.command()\ndef command():\n    click.echo('→')\n")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stream := io.BytesIO(), "cp1252"))
    with pytest.raises(SystemExit):
        cli.main(["show"])
    sys.stdout.flush()
    assert stream.getvalue().strip() == rb"\u2192"
