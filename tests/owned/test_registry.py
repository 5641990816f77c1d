import io
import logging
import os
import re
import signal
import struct
import textwrap
import threading
import zipfile

import pytest
from my_project._internal import registry
from my_project.errors import PluginError

DOUBLE = '''
    """A module."""

    def transform(frame):
        """Double each number.

        More.
        """
        return [2 * number for number in frame]
'''
ADD = '''
    """Add a number."""

    def transform(frame, *, n: int = 1):
        return [number + n for number in frame]
'''
TRAP = "from pathlib import Path\nPath({file!r}).touch()\n"
POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no owners and modes")


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch):
    """Have no plugins but those of folders; forget what was loaded."""
    monkeypatch.setattr(registry, "_built_in", lambda: iter(()))
    yield
    registry.reload()


@pytest.fixture
def folder(tmp_path):
    """Give a folder with the plugins `double` and `add`."""
    write(tmp_path / "mine", double=DOUBLE, add=ADD)
    return tmp_path / "mine"


def write(folder, **plugins):
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, code in plugins.items():
        path = folder / f"{name}.py"
        path.write_text(textwrap.dedent(code), encoding="utf-8")
        path.chmod(0o600)


def test_plugins_of_a_folder_are_found_by_name(folder):
    found = registry.find(folder)
    assert list(found) == ["add", "double"]
    assert found["double"].file == folder / "double.py"
    assert found["double"].source == "folder"
    assert found["double"]([1, 2]) == found["double"].transform([1, 2]) == [2, 4]


def test_help_is_the_first_line_of_a_docstring(folder):
    write(folder, silent="def transform(frame):\n    return frame")
    found = registry.find(folder)
    assert [found[name].help for name in ("double", "add", "silent")] == [
        "Double each number.",
        "Add a number.",
        "",
    ]


def test_module_says_whether_it_needs_the_whole_table(folder):
    write(folder, whole="WHOLE_TABLE = True\ndef transform(frame):\n    return frame")
    found = registry.find(folder)
    assert (found["whole"].whole_table, found["add"].whole_table) == (True, False)


def test_nothing_is_written_beside_a_plugin_or_into_a_package(folder):
    write(folder / "box", __init__="from .part import transform", part=ADD)
    before = sorted(folder.rglob("*"))
    assert list(registry.find(folder)) == ["add", "box", "double"]
    assert sorted(folder.rglob("*")) == before


def test_plugins_of_one_name_in_two_folders_do_not_mix(folder, tmp_path):
    write(tmp_path / "theirs", double=ADD)
    mine, theirs = registry.find(folder)["double"], registry.find(tmp_path / "theirs")["double"]
    assert (mine([3]), theirs([3])) == ([6], [4])
    assert mine.sha256 != theirs.sha256


def test_plugin_may_define_a_dataclass(folder):
    code = """
        from dataclasses import dataclass

        @dataclass
        class Thing:
            size: "int" = 1

        def transform(frame):
            return [Thing().size]
    """
    write(folder, thing=code)
    assert registry.find(folder)["thing"]([]) == [1]


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(PluginError, match="no plugin folder .*nothing"):
        registry.find(tmp_path / "nothing")


BROKEN = {
    "syntax": ("def transform(", "SyntaxError: "),
    "import": ("import nothing_like_it", "ModuleNotFoundError: No module"),
    "empty": ("", r"it must define a function transform\(frame\)"),
    "no function": ("transform = 1", r"it must define a function transform\(frame\)"),
    "signature": ("def transform(): pass", r"transform must take \(frame"),
    "exit": ("raise SystemExit", "SystemExit"),
    "half": ("def transform(frame): pass\nraise ValueError('late')", "ValueError: late"),
}


@pytest.mark.parametrize(("code", "complaint"), BROKEN.values(), ids=BROKEN)
def test_broken_plugin_is_named_and_stops_none_of_the_others(folder, code, complaint, caplog):
    write(folder, broken=code)
    plugins, [broken] = registry.survey(folder)
    assert [plugin.name for plugin in plugins] == ["add", "double"]
    assert (broken.name, broken.file) == ("broken", folder / "broken.py")
    assert re.match(complaint, broken.error)
    with pytest.raises(PluginError, match=rf"plugin .*broken.py cannot be loaded: {complaint}"):
        registry.pick(["broken"], folder)
    assert registry.apply(registry.pick(["add"], folder), [1]) == [2]
    assert list(registry.find(folder)) == ["add", "double"]
    assert "broken.py cannot be loaded: " in caplog.messages[-1]


def test_plugins_are_picked_and_applied_in_the_order_given(folder):
    for names, result in [(("double", "add"), [7]), (("add", "double"), [8]), (("add",), [4])]:
        assert registry.apply(registry.pick(names, folder), [3]) == result


def test_step_may_have_options(folder):
    steps = [{"use": "add", "n": 5}, "double", {"use": "add"}]
    assert registry.apply(registry.pick(steps, folder), [1]) == [13]


def test_option_that_breaks_its_rule_is_named(folder):
    with pytest.raises(PluginError, match="plugin 'add': option n = 'x': Input should be a valid"):
        registry.pick([{"use": "add", "n": "x"}], folder)


@pytest.mark.parametrize("step", [{}, {"name": "add"}, {"use": 1}])
def test_step_without_a_name_is_refused(folder, step):
    with pytest.raises(PluginError, match='a transform is a name, or a table with its name as "use"'):
        registry.pick([step], folder)


def test_nothing_is_loaded_when_no_plugin_is_named_or_another(folder):
    write(folder, broken="raise RuntimeError")
    assert registry.pick((), folder) == []
    assert len(registry.pick(("add",), folder)) == 1


@pytest.mark.parametrize("named", [True, False])
def test_unknown_plugin_lists_the_known_ones(folder, named):
    there = r"add, double \(folder: .*mine\)" if named else r"none \(folder: none named\)"
    with pytest.raises(PluginError, match=f"no plugin 'treble'; there are: {there}"):
        registry.pick(("treble",), folder if named else None)


def test_plugins_can_be_switched_off(folder):
    with pytest.raises(PluginError, match=r"no plugin 'add'; there are: none \(plugins are off\)"):
        registry.pick(("add",), folder, only_built_in=True)
    assert registry.survey(folder, only_built_in=True) == ([], [])


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        (r"raise ValueError('first\nsecond')", "plugin 'broken' failed: ValueError: first$"),
        ("pass", "must return a builtins.list as it was given, got builtins.NoneType"),
        ("return tuple(frame)", "must return a builtins.list as it was given, got builtins.tuple"),
    ],
    ids=["raises", "returns nothing", "returns something else"],
)
def test_plugin_that_breaks_its_contract_is_named(folder, statement, complaint):
    write(folder, broken=f"def transform(frame):\n    {statement}")
    with pytest.raises(PluginError, match=complaint):
        registry.apply(registry.pick(("broken",), folder), [1])


def test_recorded_plugins_can_be_picked_again(folder):
    plugins = registry.pick(["double", {"use": "add", "n": "4"}], folder)
    records = registry.record(plugins)
    assert [sorted(made) for made in records] == [["name", "sha256"], ["name", "options", "sha256"]]
    assert registry.apply(registry.pick(registry.recall(records), folder), [1]) == [6]


def test_change_since_training_is_warned_of(folder, caplog):
    plugins = registry.pick(("add", "double"), folder)
    recorded = registry.record(plugins)
    write(folder, add=DOUBLE)
    with caplog.at_level(logging.WARNING):
        registry.warn_of_changes(registry.pick(("add", "double"), folder), recorded)
    assert caplog.messages == [f"plugin 'add' has changed since training: {folder / 'add.py'}"]


def test_edited_plugin_is_run_anew_and_a_reloaded_one_too(folder):
    write(folder, state="calls = []\ndef transform(frame):\n    calls.append(1)\n    return calls")
    assert registry.pick(["state"], folder)[0]([]) == [1]
    assert registry.pick(["state"], folder)[0]([]) == [1, 1]
    registry.reload()
    assert registry.pick(["state"], folder)[0]([]) == [1]
    write(folder, add=DOUBLE)
    assert registry.pick(["add"], folder)[0]([4]) == [8]


def zipped(*members):
    with zipfile.ZipFile(stream := io.BytesIO(), "w") as archive:
        for name, text in members:
            archive.writestr(name, text)
    return stream.getvalue()


# A hostile file: name, content, mode. "TRAP" leaves a mark if it is run.
HOSTILE = {
    "written by everyone": ("a.py", "TRAP", 0o602),
    "written by all groups": ("a.py", "TRAP", 0o666),
    "executable by all": ("a.py", "TRAP", 0o777),
    "three million lines": ("a.py", "TRAP" + "\nx=1" * 3_000_000, 0o600),
    "archive of 150,000 files": ("a.zip", zipped(*((f"{n}.py", "") for n in range(20_000))), 0o600),
    "archive written by everyone": ("a.zip", zipped(("a.py", "TRAP")), 0o602),
    "package written by everyone": ("a/__init__.py", "TRAP", 0o602),
    "blank": ("a b.py", "TRAP", 0o600),
    "dots": ("a.b.py", "TRAP", 0o600),
    "comma": ("a,b.py", "TRAP", 0o600),
    "quote": ("a'b.py", "TRAP", 0o600),
    "option": ("--help me.py", "TRAP", 0o600),
    "line break": ("a\nb.py", "TRAP", 0o600),
    "escape sequence": ("a\x1b[31m.py", "TRAP", 0o600),
    "no UTF-8": (b"a\xff.py", "TRAP", 0o600),
    "right to left": ("a\u202eb.py", "TRAP", 0o600),
    "semicolon": ("a;b.py", "TRAP", 0o600),
    "dollar": ("$(a).py", "TRAP", 0o600),
    "no archive": ("a.zip", "TRAP", 0o600),
    "empty archive": ("a.zip", "", 0o600),
    "archive cut off": ("a.zip", zipped(("a.py", "TRAP"))[:40], 0o600),
    "archive that leads up": ("a.zip", zipped(("../a.py", "TRAP")), 0o600),
    "archive that leads to the root": ("a.zip", zipped(("/a.py", "TRAP")), 0o600),
    "archive with a drive": ("a.zip", zipped(("c:/a.py", "TRAP")), 0o600),
    "archive with a blank": ("a.zip", zipped(("a b.py", "TRAP")), 0o600),
    "archive in an archive": ("a.zip", zipped(("a.zip", zipped(("a.py", "TRAP")))), 0o600),
    "archive with bytecode": ("a.zip", zipped(("a.pyc", "TRAP")), 0o600),
    "archive with a main": ("a.zip", zipped(("__main__.py", "TRAP")), 0o600),
    "archive of private modules": ("a.zip", zipped(("_a.py", "TRAP")), 0o600),
    "hidden": (".a.py", "TRAP", 0o600),
    "private": ("_a.py", "TRAP", 0o600),
    "init of the folder": ("__init__.py", "TRAP", 0o600),
    "main of the folder": ("__main__.py", "TRAP", 0o600),
    "conftest of a folder below": ("tests/conftest.py", "TRAP", 0o600),
    "bytecode": ("a.pyc", "TRAP", 0o600),
    "bytecode cache": ("__pycache__/a.cpython-311.pyc", "TRAP", 0o600),
    "path file": ("a.pth", "import os", 0o600),
    "site customisation in a folder": ("site/sitecustomize.py", "TRAP", 0o600),
    "compiled": ("a.so", "TRAP", 0o700),
    "no Python": ("a.sh", "TRAP", 0o700),
    "upper case": ("a.PY", "TRAP", 0o600),
    "two suffixes": ("a.py.bak", "TRAP", 0o600),
    "window of Python": ("a.pyw", "TRAP", 0o600),
    "null": ("a.py", "TRAP\0", 0o600),
    "cut off": ("a.py", "TRAP\ndef transform(", 0o600),
    "unknown encoding": ("a.py", "# coding: nothing\nTRAP", 0o600),
    "deep nesting": ("a.py", "TRAP\nx = " + "(" * 5000, 0o600),
    "no name": (".py", "TRAP", 0o600),
}
LINKS = ["out", "chain out", "folder out", "nothing", "itself", "pipe", "folder"]


@POSIX
@pytest.mark.parametrize(("name", "content", "mode"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_file_is_not_run_and_stops_nothing(folder, tmp_path, name, content, mode):
    mark = tmp_path / "mark"
    trap = TRAP.format(file=str(mark)).encode()
    content = (content if isinstance(content, bytes) else content.encode()).replace(b"TRAP", trap)
    path = folder / os.fsdecode(name)
    path.parent.mkdir(exist_ok=True, mode=0o700)
    path.write_bytes(content)
    path.chmod(mode)
    plugins, broken = registry.survey(folder)
    assert [plugin.name for plugin in plugins] == ["add", "double"]
    assert not mark.exists()
    assert all(str(item).isascii() or str(item).isprintable() for item in broken)


@POSIX
@pytest.mark.parametrize("kind", LINKS)
def test_hostile_link_or_pipe_is_not_run_and_stops_nothing(folder, tmp_path, kind):
    mark, outside = tmp_path / "mark", tmp_path / "outside"
    write(outside, a=TRAP.format(file=str(mark)), __init__=TRAP.format(file=str(mark)))
    path = folder / "a.py"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "folder out":
        (folder / "a").symlink_to(outside)
    else:
        (folder / "b").symlink_to(outside / "a.py")
        targets = {
            "out": outside / "a.py",
            "chain out": folder / "b",
            "nothing": "nothing",
            "itself": path,
        }
        path.symlink_to(targets[kind])
    plugins, [broken] = registry.survey(folder)
    assert [plugin.name for plugin in plugins] == ["add", "double"]
    assert broken.name == "a"
    assert not mark.exists()


ODD = {
    "attribute": ("def __getattr__(name): raise SystemExit", "SystemExit"),
    "help": ("def transform(frame): pass\ntransform.__doc__ = 5", "AttributeError"),
    "default": (
        "class V:\n    def __repr__(self): raise ValueError('odd')\ndef transform(frame, *, a=V()): pass",
        "ValueError: odd",
    ),
    "parameters": (
        "class V:\n    def __call__(self, frame): pass\n    __signature__ = property(lambda _: 1 / 0)\ntransform = V()",
        "ZeroDivisionError",
    ),
}


@pytest.mark.parametrize(("code", "complaint"), ODD.values(), ids=ODD)
def test_plugin_that_fails_when_it_is_looked_at_stops_none_of_the_others(folder, code, complaint):
    write(folder, odd=code)
    plugins, [broken] = registry.survey(folder)
    assert [plugin.name for plugin in plugins] == ["add", "double"]
    assert broken.error.startswith(complaint)


def test_partial_shows_the_help_of_its_function_and_knows_its_types(folder):
    code = '''
        from __future__ import annotations

        import enum
        import functools

        class Sign(enum.Enum):
            PLUS = "+"

        def work(frame, *, sign: Sign):
            """Work."""
            return [sign.value]

        transform = functools.partial(work)
    '''
    write(folder, part=code)
    [plugin] = registry.pick([{"use": "part", "sign": "+"}], folder)
    assert (plugin.help, plugin([])) == ("Work.", ["+"])


@pytest.mark.parametrize("error", ["SystemExit(0)", "BaseException"])
def test_plugin_that_ends_the_run_fails_like_another(folder, error):
    write(folder, broken=f"def transform(frame):\n    raise {error}")
    with pytest.raises(PluginError, match="plugin 'broken' failed: "):
        registry.apply(registry.pick(["broken"], folder), [1])


# As `setfacl -m u:65534:rw` writes it, after a version: tag (owner, user, group, mask, others), permissions, id.
ACL = [(0x01, 6, -1), (0x02, 6, 65534), (0x04, 0, -1), (0x10, 6, -1), (0x20, 0, -1)]


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="this system has other access control lists")
def test_what_an_access_control_list_lets_others_write_is_not_run(folder):
    write(folder, shared=DOUBLE)
    content = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in ACL)
    try:
        os.setxattr(folder / "shared.py", "system.posix_acl_access", content)
    except OSError as error:
        pytest.skip(f"this file system has no access control lists: {error.strerror}")
    plugins, [broken] = registry.survey(folder)
    assert [plugin.name for plugin in plugins] == ["add", "double"]
    assert "shared.py can be changed by others: take that away with chmod go-w" in broken.error


ENDS = {
    "Ctrl-C": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "its own Ctrl-C": ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", "KeyboardInterr"),
    "a signal": ("import os; os.kill(os.getpid(), 15)", r"it ends the process .*\(exit code -15\)"),
    "kill": ("import os; os.kill(os.getpid(), 9)", r"it ends the process .*\(exit code -9\)"),
    "exit": ("import os; os._exit(3)", r"it ends the process .*\(exit code 3\)"),
    "closed output": ("import os, sys; sys.stdout.close(); sys.__stdout__.close(); 1 / 0", "ZeroDiv"),
    "at exit": ("import atexit; atexit.register(lambda: 1 / 0)", r"it must define a function"),
    "printing": ("import os; os.write(1, b'x'); print('x'); 1 / 0", "ZeroDivisionError"),
}


@POSIX
@pytest.mark.parametrize(("code", "reason"), ENDS.values(), ids=ENDS)
def test_plugin_that_ends_its_process_is_listed_and_so_are_the_others(folder, capfd, code, reason):
    write(folder, between=code)
    plugins, [broken] = registry.survey(folder)
    assert [plugin.name for plugin in plugins] == ["add", "double"]
    assert re.match(reason, broken.error)
    assert capfd.readouterr() == ("", "")


@POSIX
def test_plugin_that_never_ends_is_given_up(folder, monkeypatch):
    write(folder, between="import signal; signal.alarm(1)\nwhile True:\n    pass")
    plugins, [broken] = registry.survey(folder)
    assert [plugin.name for plugin in plugins] == ["add", "double"]
    assert broken.error == "it takes more than 30 seconds"


@POSIX
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it is killed
def test_interrupt_while_plugins_are_listed_ends_the_list(folder):
    write(folder, between="import time; time.sleep(60)")
    timer = threading.Timer(1, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        registry.survey(folder)


KINDS = """
    from __future__ import annotations

    from typing import TYPE_CHECKING, Annotated, Literal

    from pydantic import Field

    if TYPE_CHECKING:
        from somewhere import Frame

    def transform(
        frame: Frame,
        *,
        column: str,
        low: Annotated[float, Field(ge=0)] = 0,
        kind: Literal["a", "b"] = "a",
        free=None,
        schema: dict[str, int] | None = None,
    ) -> Frame:
        return [column, low, kind, free, schema]
"""


def test_options_get_the_types_of_the_signature(folder):
    write(folder, kinds=KINDS)
    given = {"column": "x", "low": "1.5", "free": [1], "schema": {"a": "2"}}
    [plugin] = registry.pick([given | {"use": "kinds"}], folder)
    assert plugin([]) == ["x", 1.5, "a", [1], {"a": 2}]


def test_all_mistakes_of_options_are_told_at_once(folder):
    write(folder, kinds=KINDS)
    given = {"low": -1, "kind": "c", "lo": 1, "schema": {"a": "b"}}
    with pytest.raises(PluginError) as caught:
        registry.pick([given | {"use": "kinds"}], folder)
    told = str(caught.value)
    assert told.startswith("plugin 'kinds': option low = -1: Input should be greater than or equal")
    assert "option kind = 'c': Input should be 'a' or 'b'" in told
    assert "unknown option 'lo'; its options are column, low, kind, free, schema" in told
    assert "option schema.a = 'b': Input should be a valid integer" in told
    assert told.endswith("option 'column' is missing")


@pytest.mark.parametrize("given", ["", "frame, other", "frame, other=1", "frame, **more"])
def test_signature_without_a_frame_or_with_options_by_place_is_refused(folder, given):
    write(folder, odd=f"def transform({given}): pass")
    with pytest.raises(PluginError, match=r"transform must take \(frame, \*, option=…\), got \("):
        registry.pick(["odd"], folder)


def test_plugin_that_is_installed_is_refused_where_other_packages_are_not_looked_at(tmp_path, monkeypatch):
    if "installed" in registry._names(registry._SOURCES):
        pytest.skip("size = full has them")
    info = tmp_path / "waves-1.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: waves\nVersion: 1\n")
    info.joinpath("entry_points.txt").write_text(f"[{registry._PACKAGE}.plugins]\nwave = waves\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError) as refused:
        registry.pick(["wave"])
    assert str(refused.value) == (
        "plugin 'wave' is installed, but plugins of other packages are not part of this "
        "project: copier update --data size=full"
    )


def test_archive_and_lock_are_refused_where_they_are_not_there(folder):
    if registry._names(registry._SOURCES):
        pytest.skip("size = full has them")
    (folder / "more.zip").write_bytes(b"")
    absent = "not part of this project: copier update --data size=full"
    with pytest.raises(PluginError, match=f"more.zip cannot be loaded: zip archives are {absent}$"):
        registry.pick(["more"], folder)
    with pytest.raises(PluginError, match=f"^plugins lock is {absent}$"):
        registry.lock(folder)
