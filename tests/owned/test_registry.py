import io
import logging
import os
import pickle
import subprocess
import sys
import textwrap
import zipfile
from importlib import reload

import pytest

from my_project._internal import installed, lock, registry
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

    __version__ = "1.5"

    def transform(frame, *, n: int = 1):
        return [number + n for number in frame]
'''
TRAP = "from pathlib import Path\nPath({file!r}).touch()\n"
POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no owners and modes")


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch):
    """Have no plugins but those of folders; forget what was loaded."""
    monkeypatch.setattr(installed, "built_in", lambda: iter(()))
    monkeypatch.setattr(installed, "find", lambda: iter(()))
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


def test_version_and_signature_are_what_the_file_says(folder):
    found = registry.find(folder)
    assert (found["add"].version, found["add"].signature) == ("1.5", "(n: int = 1)")
    assert (found["double"].version, found["double"].signature) == ("", "")


def test_version_of_what_is_installed_is_its_distribution_s(folder, monkeypatch):
    [add, _] = [
        installed.Module(name, name, "entry point", path=(str(folder),)) for name in ("add", "x")
    ]
    monkeypatch.setattr(installed, "find", lambda: iter([add]))
    monkeypatch.setattr(installed.Module, "version", "dist 3")
    monkeypatch.syspath_prepend(folder)
    write(folder, add=ADD.replace("__version__", "_version"))
    assert registry.find()["add"].version == "dist 3"


def test_module_says_whether_it_needs_the_whole_table(folder):
    write(folder, whole="WHOLE_TABLE = True\ndef transform(frame):\n    return frame")
    found = registry.find(folder)
    assert (found["whole"].whole_table, found["add"].whole_table) == (True, False)


def test_nothing_is_written_beside_a_plugin(folder):
    registry.find(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["add.py", "double.py"]


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


def test_plugin_of_an_archive_and_of_a_package_work_like_a_file(folder):
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("zipped.py", textwrap.dedent(ADD))
    (folder / "more.zip").chmod(0o600)
    write(folder / "box", __init__="from .part import transform", part=DOUBLE)
    picked = registry.pick(["zipped", "box"], folder)
    assert registry.apply(picked, [3]) == [8]


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
    "output": ("while True: print('x' * 99)", ".*printed more than"),
    "half": ("def transform(frame): pass\nraise ValueError('late')", "ValueError: late"),
}


@pytest.mark.parametrize(("code", "complaint"), BROKEN.values(), ids=BROKEN)
def test_broken_plugin_is_named_and_stops_none_of_the_others(folder, code, complaint, caplog):
    write(folder, broken=code)
    plugins, [broken] = registry.survey(folder)
    assert [plugin.name for plugin in plugins] == ["add", "double"]
    assert (broken.name, broken.file) == ("broken", folder / "broken.py")
    with pytest.raises(PluginError, match=rf"plugin .*broken.py: {complaint}"):
        registry.survey(folder, strict=True)
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
    with pytest.raises(
        PluginError, match='a transform is a name, or a table with its name as "use"'
    ):
        registry.pick([step], folder)


def test_nothing_is_loaded_when_no_plugin_is_named_or_another(folder):
    write(folder, broken="raise RuntimeError")
    assert registry.pick((), folder) == []
    assert len(registry.pick(("add",), folder)) == 1


def test_refused_plugin_is_told_with_the_reason_when_it_is_picked(folder):
    write(folder, broken="", double=DOUBLE)
    lock.write(folder, {}, {})
    with pytest.raises(PluginError, match=r"double.py cannot be loaded: double.py is not approved"):
        registry.pick(["double"], folder)


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
    module = sys.modules[registry.pick(["add"], folder)[0].transform.__module__]
    assert reload(module).transform([4]) == [8]


ARRIVE = """
import pickle, sys
plugin = pickle.load(sys.stdin.buffer)
print(plugin.name, plugin([1, 2]), plugin.sha256)
"""


load = pickle.loads  # of what the tests made themselves


def arrive(content, cwd):
    words = [sys.executable, "-c", ARRIVE]
    return subprocess.run(words, input=content, capture_output=True, cwd=cwd, check=False)


def test_step_travels_to_a_process_that_has_only_the_package(folder, tmp_path):
    write(
        folder,
        _shared="FACTOR = 10",
        far="""
        def transform(frame, *, n: int = 1):
            from ._shared import FACTOR
            return [n * FACTOR * number for number in frame]
    """,
    )
    [plugin] = registry.pick([{"use": "far", "n": 2}], folder)
    content = pickle.dumps(plugin)
    assert b"pathlib" not in content, "a path is another class on other systems and Pythons"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    done = arrive(content, tmp_path)
    assert done.stdout.decode().split(" ", 1) == ["far", f"[20, 40] {plugin.sha256}\n"], done.stderr


def test_step_travels_with_joblib(folder, tmp_path):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    plugins = registry.pick(["double", {"use": "add", "n": 3}], folder)
    joblib.dump(plugins, tmp_path / "steps")
    assert registry.apply(joblib.load(tmp_path / "steps"), [1]) == [5]
    work = joblib.Parallel(n_jobs=2)(joblib.delayed(plugin)([1]) for plugin in plugins)
    assert work == [[2], [4]]


def test_step_that_was_changed_on_its_way_is_refused(folder, tmp_path):
    content = pickle.dumps(registry.pick(["double"], folder)[0])
    done = arrive(content.replace(b"[2 * number", b"[3 * number"), tmp_path)
    assert b"plugin 'double' (folder) is another one here" in done.stderr
    assert done.returncode == 1


def test_installed_step_needs_the_same_where_it_arrives(folder, monkeypatch):
    found = [installed.Module("add", "add", "entry point", path=(str(folder),))]
    monkeypatch.setattr(installed, "find", lambda: iter(found))
    monkeypatch.syspath_prepend(folder)
    content = pickle.dumps(registry.pick([{"use": "add", "n": 2}])[0])
    assert load(content)([1]) == [3]
    write(folder, add=DOUBLE)
    found[0] = installed.Module("add", "add", "entry point", path=(str(folder),))
    with pytest.raises(PluginError, match=r"'add' \(entry point\) is another one here: install"):
        load(content)
    found.clear()
    with pytest.raises(PluginError, match=r"'add' \(entry point\) is not here: install the same"):
        load(content)


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


@pytest.mark.parametrize("change", ["edit", "new", "sibling", "gone lock entry"])
def test_with_a_lock_nothing_else_is_run(folder, tmp_path, change):
    mark = tmp_path / "mark"
    trap = TRAP.format(file=str(mark)) + "def transform(frame):\n    return frame\n"
    write(folder, near="from ._shared import transform", _shared=ADD)
    from my_project._internal import discovery

    discovery.approve(folder)
    assert [plugin.name for plugin in registry.survey(folder)[0]] == ["add", "double", "near"]
    registry.reload()
    if change == "gone lock entry":
        lock.write(folder, {}, {})
    target = {"new": "other", "sibling": "_shared"}.get(change, "near")
    write(folder, **{target: trap})
    plugins, broken = registry.survey(folder)
    assert "other" not in [plugin.name for plugin in plugins]
    assert "near" not in [plugin.name for plugin in plugins] or change == "new"
    assert broken
    assert not mark.exists()


ODD = {
    "attribute": ("def __getattr__(name): raise SystemExit", "SystemExit"),
    "help": ("def transform(frame): pass\ntransform.__doc__ = 5", "AttributeError"),
    "version": (
        "class V:\n    def __str__(self): raise ValueError('odd')\n"
        "__version__ = V()\ndef transform(frame): pass",
        "ValueError: odd",
    ),
    "default": (
        "class V:\n    def __repr__(self): raise ValueError('odd')\n"
        "def transform(frame, *, a=V()): pass",
        "ValueError: odd",
    ),
    "parameters": (
        "class V:\n    def __call__(self, frame): pass\n"
        "    __signature__ = property(lambda _: 1 / 0)\ntransform = V()",
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


def test_version_is_the_file_s_own_where_another_module_wraps_its_function(folder):
    code = """
        import narwhals as nw

        __version__ = "1.5"

        @nw.narwhalify
        def transform(frame):
            return frame
    """
    write(folder, wrapped=code)
    assert registry.pick(["wrapped"], folder)[0].version == "1.5"


def test_options_of_the_plugin_s_own_types_travel(folder, tmp_path):
    code = """
        import enum

        class Sign(enum.Enum):
            PLUS = "+"

        def transform(frame, *, sign: Sign):
            return [sign.value]
    """
    write(folder, sign=code)
    [plugin] = registry.pick([{"use": "sign", "sign": "+"}], folder)
    done = arrive(pickle.dumps(plugin), tmp_path)
    assert done.stdout.decode().startswith("sign ['+'] "), done.stderr


@pytest.mark.parametrize("error", ["SystemExit(0)", "BaseException"])
def test_plugin_that_ends_the_run_fails_like_another(folder, error):
    write(folder, broken=f"def transform(frame):\n    raise {error}")
    with pytest.raises(PluginError, match="plugin 'broken' failed: "):
        registry.apply(registry.pick(["broken"], folder), [1])


def test_plugin_that_another_one_hides_is_warned_of_when_its_name_is_used(
    folder, tmp_path, monkeypatch, caplog
):
    write(tmp_path / "site", add=DOUBLE)
    found = installed.Module("add", "add", "entry point", path=(str(tmp_path / "site"),))
    monkeypatch.setattr(installed, "find", lambda: iter([found]))
    registry.pick(["double"], folder)
    assert caplog.messages == []
    assert registry.apply(registry.pick(["add"], folder), [1]) == [2]
    assert caplog.messages == [
        f"plugin {tmp_path / 'site' / 'add.py'} is not used: "
        f"the name is taken by {folder / 'add.py'} (folder): rename one"
    ]


def test_strict_says_nothing_that_a_terminal_obeys(folder):
    write(folder, **{"a\x1b[2J": ""})
    with pytest.raises(PluginError, match=r"a\\x1b\[2J.py: the name of a plugin"):
        registry.survey(folder, strict=True)
