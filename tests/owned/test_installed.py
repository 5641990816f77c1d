import sys
import sysconfig
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from my_project._internal import installed, trust
from my_project.errors import PluginError

NAMESPACE = installed._NAMESPACE
CODE = "def transform(frame):\n    return frame\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Give a folder of its own to install to; nothing else is found."""
    (site := tmp_path / "site").mkdir()
    standard = sysconfig.get_path("stdlib")  # which importing metadata may need
    found = [path for path in sys.path if path.startswith(standard) and "-packages" not in path]
    monkeypatch.setattr(sys, "path", [str(site), *found])
    yield site
    installed.forget()


def install(site, dist, *, points="", version="1.2", **modules):
    """Install a distribution as pip would: modules, named with a dot for a slash, and metadata."""
    for name, code in modules.items():
        path = site / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    (info := site / f"{dist}-{version}.dist-info").mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{name.replace('.', '/')}.py,,\n" for name in modules))
    (info / "entry_points.txt").write_text(
        f"[{installed._GROUP}]\n{points}" if points else "[other]\na = b\n"
    )


def test_nothing_is_found_where_nothing_is_installed(site):
    install(site, "other", other=CODE)
    assert list(installed.find()) == []


def test_entry_points_come_by_distribution_then_the_namespace(site):
    install(site, "zoo", points="z = zoo\n", zoo=CODE, **{f"{NAMESPACE}.a": CODE})
    install(site, "ant", points="y = ant\nx = ant:other\n", ant="def other(frame):\n    return 1\n")
    found = [(item.name, item.source, item.attribute) for item in installed.find()]
    assert found == [
        ("x", "entry point", "other"),
        ("y", "entry point", "transform"),
        ("z", "entry point", "transform"),
        ("a", "namespace", "transform"),
    ]


def test_file_hash_and_version_are_known_before_anything_runs(site):
    code = "raise RuntimeError"
    install(
        site,
        "zoo",
        points="z = zoo.deep.z\n",
        **{"zoo.__init__": code, "zoo.deep.__init__": code, "zoo.deep.z": code},
    )
    install(site, "ant", version="3", **{f"{NAMESPACE}.a": code})
    z, a = installed.find()
    assert (z.file, z.version) == (site / "zoo" / "deep" / "z.py", "zoo 1.2")
    assert (a.file, a.version) == (site / NAMESPACE / "a.py", "ant 3")
    assert z.sha256 == a.sha256 == trust.sha256(code.encode())
    assert not {"zoo", NAMESPACE} & sys.modules.keys()


def test_egg_info_is_read_too(site):
    install(site, "zoo", points="z = zoo\n", zoo=CODE)
    (site / "zoo-1.2.dist-info").rename(site / "zoo.egg-info")
    (site / "zoo.egg-info" / "METADATA").rename(site / "zoo.egg-info" / "PKG-INFO")
    assert [item.version for item in installed.find()] == ["zoo 1.2"]


def test_namespace_is_shared_by_folders_and_a_name_in_both_is_told_twice(site, tmp_path):
    install(site, "ant", **{f"{NAMESPACE}.a": CODE, f"{NAMESPACE}._b": CODE})
    sys.path.append(str(tmp_path / "second"))
    install(tmp_path / "second", "bee", **{f"{NAMESPACE}.a": "x = 2", f"{NAMESPACE}.b": CODE})
    found = list(installed.find())
    assert [(item.name, item.file.parents[1].name) for item in found] == [
        ("a", "site"),
        ("a", "second"),
        ("b", "second"),
    ]
    assert found[2].load().transform(3) == 3


def test_working_folder_is_no_source_though_python_looks_there(site, tmp_path, monkeypatch):
    install(tmp_path, "evil", points="e = evil\n", evil=CODE, **{f"{NAMESPACE}.evil": CODE})
    install(site, "ant", **{f"{NAMESPACE}.a": CODE})
    monkeypatch.chdir(tmp_path)
    sys.path[:0] = ["", str(tmp_path), f"{tmp_path}/site/.."]
    assert [item.name for item in installed.find()] == ["a"]
    assert Path(next(installed.find()).load().__file__) == site / NAMESPACE / "a.py"
    with pytest.raises(ModuleNotFoundError):
        __import__(f"{NAMESPACE}.evil")


def test_module_that_is_nowhere_has_no_file_and_no_hash(site):
    install(site, "zoo", points="z = nothing.at.all\n")
    [found] = installed.find()
    assert (str(found.file), found.sha256) == ("nothing.at.all", "")


def test_module_of_no_distribution_has_no_version(site):
    install(site, "ant", **{f"{NAMESPACE}.a": CODE})
    (site / "ant-1.2.dist-info" / "RECORD").write_text("")
    assert [item.version for item in installed.find()] == [""]


def test_archive_and_missing_folder_on_the_path_are_passed_over(site, tmp_path):
    (tmp_path / "some.zip").write_bytes(b"")
    sys.path += [str(tmp_path / "some.zip"), str(tmp_path / "nothing")]
    assert list(installed.find()) == []


def test_forgotten_module_is_imported_anew(site):
    install(site, "ant", **{f"{NAMESPACE}.a": "x = object()"})
    [found] = installed.find()
    first = found.load()
    assert found.load() is first
    installed.forget()
    assert found.load() is not first


def test_built_in_are_the_public_modules_of_plugins(site, monkeypatch):
    monkeypatch.setattr(installed, "_PACKAGE", "own")
    install(site, "own", **{"own.plugins.b": CODE, "own.plugins.a": CODE, "own.plugins._c": CODE})
    found = list(installed.built_in())
    assert [(item.name, item.source) for item in found] == [("a", "built in"), ("b", "built in")]
    assert found[0].file == site / "own" / "plugins" / "a.py"
    assert found[0].load().transform(3) == 3
    assert found[0].version == "own 1.2"


def test_package_without_plugins_has_none_built_in(monkeypatch):
    monkeypatch.setattr(installed, "_PACKAGE", "json")
    assert list(installed.built_in()) == []


@pytest.mark.parametrize("points", ["one line\n", "x =\n", "x = a\0b\n", "x = m\n\xff = 1\n"])
def test_broken_entry_points_are_told_and_stop_none_of_the_others(site, points):
    install(site, "ant", points="a = ant\n", ant=CODE)
    install(site, "bee", points="b = bee\n")
    path = site / "bee-1.2.dist-info" / "entry_points.txt"
    path.write_bytes(f"[{installed._GROUP}]\n{points}".encode("latin-1"))
    ant, bee = installed.find()
    assert (ant.name, bee.name) == ("a", "bee-1.2.dist-info")
    with pytest.raises(PluginError, match="its entry points cannot be read"):
        bee.load()


def test_distribution_without_metadata_stops_none_of_the_others(site):
    for name in ("ant", "bee"):
        install(site, name, points=f"{name} = {name}\n", **{name: CODE})
    (site / "bee-1.2.dist-info" / "METADATA").unlink()
    assert [item.name for item in installed.find()] == ["ant", "bee"]
    assert [item.version for item in installed.find()] == ["ant 1.2", ""]


def test_package_that_is_not_installed_has_no_version(site, monkeypatch):
    monkeypatch.setattr(installed, "_PACKAGE", "nothing")
    assert installed.Module("a", "a", "built in").version == ""


def test_file_is_found_by_the_finder_of_an_editable_installation(site, tmp_path, monkeypatch):
    install(site, "zoo", points="z = zoo.deep\n")
    install(tmp_path / "source", "zoo", **{"zoo.__init__": CODE, "zoo.deep": CODE})

    class Editable:
        @staticmethod
        def find_spec(name, path, target=None):
            return PathFinder.find_spec(name, [str(tmp_path / "source")]) if name == "zoo" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Editable])
    [found] = installed.find()
    assert found.file == tmp_path / "source" / "zoo" / "deep.py"
    assert found.sha256 == trust.sha256(CODE.encode())


def test_parts_of_a_package_are_forgotten_too(site):
    install(
        site, "zoo", points="z = zoo\n", **{"zoo.__init__": "import zoo.part", "zoo.part": CODE}
    )
    [found] = installed.find()
    first = found.load().part
    installed.forget()
    assert found.load().part is not first


def test_part_of_the_namespace_that_is_a_package_hides_no_other_and_is_not_run(site, tmp_path):
    install(site, "ant", **{f"{NAMESPACE}.__init__": "raise SystemExit", f"{NAMESPACE}.a": CODE})
    sys.path.append(str(tmp_path / "second"))
    install(tmp_path / "second", "bee", **{f"{NAMESPACE}.b": CODE})
    assert [(item.name, item.load().transform(3)) for item in installed.find()] == [
        ("a", 3),
        ("b", 3),
    ]
