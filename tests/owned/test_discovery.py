import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from my_project._internal import bundles, discovery, installed, lock
from my_project.errors import PluginError

CODE = "def transform(frame):\n    return frame\n"


@pytest.fixture
def folder(tmp_path):
    (folder := tmp_path / "mine").mkdir(mode=0o700)
    return folder


@pytest.fixture(autouse=True)
def sources(tmp_path, monkeypatch):
    """Have no plugins but those that a test puts into these lists."""
    given = SimpleNamespace(built_in=[], installed=[])
    monkeypatch.setattr(installed, "built_in", lambda: iter(given.built_in))
    monkeypatch.setattr(installed, "find", lambda: iter(given.installed))
    return given


def write(folder, **codes):
    folder.mkdir(exist_ok=True)
    for name, code in codes.items():
        (path := folder / f"{name}.py").write_text(code)
        path.chmod(0o600)


def module(folder, name, source="entry point", code=CODE):
    write(folder, **{name: code})
    return installed.Module(name, name, source, path=(str(folder),))


def test_sources_come_in_a_fixed_order(folder, tmp_path, sources):
    write(folder, b=CODE)
    sources.built_in += [module(tmp_path / "own", "d", "built in")]
    sources.installed += [
        module(tmp_path / "site", "c"),
        module(tmp_path / "site", "a", "namespace"),
    ]
    found, broken = discovery.find(folder)
    assert [(it.name, it.source) for it in found.values()] == [
        ("d", "built in"),
        ("b", "folder"),
        ("c", "entry point"),
        ("a", "namespace"),
    ]
    assert broken == []


def test_nothing_runs(folder, tmp_path, sources):
    write(folder, b="raise SystemExit")
    sources.installed += [module(tmp_path / "site", "c", code="raise SystemExit")]
    assert list(discovery.find(folder)[0]) == ["b", "c"]


def test_same_plugin_twice_is_once(folder, tmp_path, sources):
    write(folder, a=CODE)
    sources.installed += [module(tmp_path / "site", "a")] * 2
    found, broken = discovery.find(folder)
    assert [it.source for it in found.values()] == ["folder"]
    assert broken == []


def test_another_plugin_of_a_taken_name_is_told_with_both_files(folder, tmp_path, sources):
    write(folder, a="x = 1", b=CODE)
    sources.built_in += [module(tmp_path / "own", "a", "built in")]
    sources.installed += [module(tmp_path / "site", "b", code="x = 2")]
    found, broken = discovery.find(folder)
    assert [it.source for it in found.values()] == ["built in", "folder"]
    assert [str(it.file) for it in broken] == [
        str(folder / "a.py"),
        str(tmp_path / "site" / "b.py"),
    ]
    assert (
        broken[0].error
        == f"the name is taken by {tmp_path / 'own' / 'a.py'} (built in): rename one"
    )
    assert str(folder / "b.py") in broken[1].error


def test_only_built_in_leaves_the_rest_alone(tmp_path, sources):
    sources.built_in += [module(tmp_path / "own", "d", "built in")]
    sources.installed += [module(tmp_path / "site", "c")]
    found, broken = discovery.find(tmp_path / "nothing", only_built_in=True)
    assert (list(found), broken) == (["d"], [])


def test_with_a_lock_nothing_else_is_found(folder, tmp_path, sources):
    write(folder, a=CODE, b=CODE)
    site = tmp_path / "site"
    nowhere = installed.Module("nowhere", "nowhere", "entry point")
    sources.installed += [module(site, "c"), module(site, "d"), nowhere]
    path, approved, broken = discovery.approve(folder)
    assert path == folder / lock.NAME
    assert sorted(approved) == ["a.py", "b.py", "c", "d"]
    assert broken == []
    write(folder, b="x = 1", new=CODE)
    sources.installed[1] = module(site, "d", code="x = 1")
    found, broken = discovery.find(folder)
    assert list(found) == ["a", "c"]
    assert [it.name for it in broken] == ["b", "new", "d", "nowhere"]
    assert broken[2].error == "d is not approved: read it, then run `plugins lock`"


def test_lock_is_written_anew_over_a_broken_one(folder):
    write(folder, a=CODE)
    (folder / lock.NAME).write_text("{")
    with pytest.raises(PluginError, match="no lock"):
        discovery.find(folder)
    discovery.approve(folder)
    assert list(discovery.find(folder)[0]) == ["a"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no owners and modes")
def test_refused_file_is_not_approved(folder):
    write(folder, a=CODE, bad=CODE)
    (folder / "bad.py").chmod(0o606)
    _, approved, broken = discovery.approve(folder)
    assert list(approved) == ["a.py"]
    assert [(it.name, it.source) for it in broken] == [("bad", "folder")]


def test_what_was_sent_is_found_in_its_files_or_among_the_installed(tmp_path, sources):
    bundle = bundles.Bundle("a", tmp_path, {"a.py": CODE.encode()})
    sources.installed += [module(tmp_path / "site", "c")]
    assert discovery.arrived("a", "folder", bundle).sha256 == bundles.sha256(CODE.encode())
    assert discovery.arrived("c", "entry point", None).name == "c"
    assert discovery.arrived("c", "namespace", None) is None


def test_broken_plugin_says_nothing_that_a_terminal_obeys(tmp_path):
    told = str(discovery.Broken("a\x1b[2J", tmp_path / "a\udcff.py", "folder", "one\ntwo"))
    assert told.splitlines() == [
        "! a\\x1b[2J: one\\ntwo",
        f"    folder, {tmp_path}{os.sep}a\\udcff.py",
    ]


def test_two_attributes_of_one_file_are_two_plugins(tmp_path, sources):
    first = module(tmp_path / "site", "a")
    sources.installed += [first, replace(first, attribute="other")]
    assert [it.name for it in discovery.find()[1]] == ["a"]


def test_two_plugins_without_a_file_are_two(sources):
    sources.installed += [installed.Module("a", name, "entry point") for name in ("x", "y")]
    assert [str(it.file) for it in discovery.find()[1]] == ["y"]


def test_folder_of_endless_name_is_no_folder(tmp_path):
    with pytest.raises(PluginError, match="no plugin folder"):
        discovery.find(tmp_path / ("a" * 5000))
