"""Plugins of zip archives and other distributions, locks, and plugins that travel."""

import os
import pickle
import subprocess
import sys
import textwrap
import zipfile

import pytest
from my_project._internal import registry
from my_project.errors import PluginError

archives = pytest.importorskip("my_project._internal.sources.archives")

ADD = """
    \"\"\"Add a number.\"\"\"

    import enum

    class Sign(enum.Enum):
        PLUS = "+"
        MINUS = "-"

    def transform(frame, *, n: int = 1, sign: Sign = Sign.PLUS):
        return [number + n if sign is Sign.PLUS else number - n for number in frame]
"""


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch):
    monkeypatch.setattr(registry, "_built_in", lambda: iter(()))
    yield
    registry.reload()


@pytest.fixture
def folder(tmp_path):
    (folder := tmp_path / "mine").mkdir(mode=0o700)
    return folder


def write(path, code=ADD):
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    path.chmod(0o600)
    return path


def zipped(path, *members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members:
            archive.writestr(name, text)
    path.chmod(0o600)
    return path


def test_modules_and_packages_at_the_top_of_an_archive_are_plugins(folder):
    add = textwrap.dedent(ADD)
    box = [("box/__init__.py", "from .part import transform"), ("box/part.py", add)]
    zipped(folder / "more.zip", ("one.py", add), *box, ("_no.py", "1 / 0"), ("data.txt", "x"))
    plugins, broken = registry.survey(folder)
    assert ([plugin.name for plugin in plugins], broken) == (["box", "one"], [])
    assert {plugin.source for plugin in plugins} == {"archive more.zip"}
    assert registry.apply(registry.pick(["one", {"use": "box", "n": 3}], folder), [1]) == [5]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("../a.py", "")], "no module can be, or twice: '../a.py'"),
        ([("/a.py", "")], "no module can be"),
        ([("a b.py", "")], "no module can be"),
        ([("big.py", "x" * (1 << 21))], "holds more than"),
        ([(f"{number}.py", "") for number in range(2_000)], "holds more than 1,000 files"),
        ([(f"{number}.py", "") for number in range(150_000)], "holds more than 1,000 files or 1 MiB"),
    ],
    ids=["up", "root", "blank", "large", "many", "very many"],
)
def test_odd_archive_is_refused(folder, members, reason):
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text)
    (folder / "a.zip").chmod(0o600)
    plugins, [broken] = registry.survey(folder)
    assert (plugins, broken.name) == ([], "a")
    assert reason in broken.error


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_broken_or_ambiguous_archive_is_refused(folder):
    zipped(folder / "a.zip", ("a.py", ""), ("a.py", "1"))
    (folder / "b.zip").write_bytes((folder / "a.zip").read_bytes()[:40])
    (folder / "b.zip").chmod(0o600)
    _, [twice, cut] = registry.survey(folder)
    assert "or twice: 'a.py'" in twice.error
    assert cut.error.startswith("cannot be unpacked: ")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Give a way to install a distribution with an entry point."""
    (site := tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(site)

    def install(name, value):
        info = site / "waves-1.2.dist-info"
        write(info / "METADATA", "Metadata-Version: 2.1\nName: waves\nVersion: 1.2\n")
        write(info / "entry_points.txt", f"[{registry._PACKAGE}.plugins]\n{name} = {value}\n")
        return site

    return install


def test_plugin_of_another_distribution_is_found_and_not_imported(install):
    write(install("wave", "far.away:transform") / "far" / "__init__.py", "1 / 0")
    found, broken = registry._find(None, only_built_in=False)
    assert broken[0].error == "there is no module far.away"
    write(install("wave", "far.away") / "far" / "away.py")
    found, _ = registry._find(None, only_built_in=False)
    assert (found["wave"].file.name, found["wave"].source) == ("away.py", "entry point of waves 1.2")


def test_entry_point_names_its_function(install):
    write(install("wave", "waves_:work") / "waves_.py", ADD.replace("transform", "work"))
    assert registry.pick([{"use": "wave", "n": 2}])[0]([1]) == [3]
    assert registry.survey()[0][0].help == "Add a number."


def test_module_of_the_namespace_is_a_plugin_but_not_of_the_working_folder(install, tmp_path):
    name = f"{registry._PACKAGE}_plugins"
    write(install("wave", "waves_") / name / "tide.py")
    write(tmp_path / name / "here.py")
    found, _ = registry._find(None, only_built_in=False)
    assert [*found] == ["tide"]
    assert registry.pick(["tide"])[0]([1]) == [2]


@pytest.mark.parametrize("change", ["edit", "new", "part", "gone", "installed"])
def test_with_a_lock_nothing_else_is_run(folder, install, change):
    mark = folder.parent / "mark"
    trap = f"open({str(mark)!r}, 'w')\ndef transform(frame):\n    return frame\n"
    write(folder / "one.py")
    write(folder / "box" / "__init__.py", "from .part import transform")
    write(folder / "box" / "part.py")
    write(install("wave", "waves_") / "waves_.py")
    lines, broken = registry.lock(folder)
    assert ([line[14:] for line in lines[:-1]], broken) == (["box", "one", "wave"], [])
    assert len(registry.survey(folder)[0]) == 3
    if change == "gone":
        (folder / "plugins.lock").write_text('{"plugins": {}}')
    changed = {"new": folder / "two.py", "part": folder / "box/part.py"}
    changed["installed"] = folder.parent / "site" / "waves_.py"
    write(changed.get(change, folder / "one.py"), trap)
    _, refused = registry.survey(folder)
    assert refused
    assert all("approved: read it, then run `plugins lock`" in each.error for each in refused) or (
        change == "installed"
    )
    assert not mark.exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"plugins": 1}'])
def test_lock_that_is_none_stops_everything(folder, content):
    write(folder / "plugins.lock", content)
    with pytest.raises(PluginError, match="plugins.lock is no lock that can be trusted"):
        registry.survey(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no owners and modes")
def test_lock_that_others_can_change_stops_everything(folder):
    registry.lock(folder)
    (folder / "plugins.lock").chmod(0o666)
    with pytest.raises(PluginError, match="plugins.lock can be changed by others"):
        registry.survey(folder)


ARRIVE = """
import pickle, sys
plugin = pickle.load(sys.stdin.buffer)
print(plugin.name, plugin([1, 2]), plugin.sha256)
"""


def arrive(content, cwd):
    words = [sys.executable, "-c", ARRIVE]
    return subprocess.run(words, input=content, capture_output=True, cwd=cwd, check=False)


@pytest.fixture
def travel(monkeypatch):
    import copyreg

    from my_project._internal.engines import _travel

    _travel.install()
    yield
    copyreg.dispatch_table.pop(registry.Plugin)


@pytest.mark.parametrize("name", ["one.py", "one/__init__.py"])
def test_plugin_of_a_folder_travels_with_its_files_and_options(folder, tmp_path, travel, name):
    file = write(folder / name)
    [plugin] = registry.pick([{"use": "one", "n": 2, "sign": "-"}], folder)
    content = pickle.dumps(plugin)
    assert b"pathlib" not in content, "a path is another class on other systems and Pythons"
    file.unlink()
    done = arrive(content, tmp_path)
    assert done.stdout.decode() == f"one [-1, 0] {plugin.sha256}\n", done.stderr


def test_plugin_that_was_changed_on_its_way_is_refused(folder, tmp_path, travel):
    write(folder / "one.py")
    content = pickle.dumps(registry.pick(["one"], folder)[0])
    done = arrive(content.replace(b"number + n", b"number * n"), tmp_path)
    assert b"plugin 'one' is another one here: install the same version" in done.stderr
    assert done.returncode == 1


def test_installed_plugin_must_be_the_same_where_it_arrives(install, travel):
    path = write(install("wave", "waves_") / "waves_.py")
    content = pickle.dumps(registry.pick(["wave"])[0])
    assert pickle.loads(content)([1]) == [2]
    write(path, ADD.replace("number + n", "number * n"))
    with pytest.raises(PluginError, match="plugin 'wave' is another one here"):
        pickle.loads(content)
