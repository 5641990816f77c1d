import io
import os
import zipfile

import pytest

from my_project._internal import folders, trust
from my_project.errors import PluginError

POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no owners and modes")


@pytest.fixture
def folder(tmp_path):
    (folder := tmp_path / "mine").mkdir(mode=0o700)
    return folder


def write(path, content="def transform(frame):\n    return frame\n", mode=0o600):
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def archive(*names):
    with zipfile.ZipFile(stream := io.BytesIO(), "w") as made:
        for name in names:
            made.writestr(name, "def transform(frame):\n    return frame\n")
    return stream.getvalue()


def names(folder, approved=None):
    found, _, refused = folders.read(folder, approved)
    return [bundle.plugin for bundle in found], {it.file.name: it.reason for it in refused}


def test_modules_packages_and_archives_are_found(folder):
    write(folder / "one.py")
    write(folder / "two" / "__init__.py")
    write(folder / "two" / "part" / "__init__.py")
    write(folder / "two" / "part" / "deep.py")
    write(folder / "more.zip", archive("three.py", "four/__init__.py", "_five.py"))
    found, hashes, refused = folders.read(folder)
    assert {bundle.plugin: str(bundle.file.relative_to(folder)) for bundle in found} == {
        "one": "one.py",
        "two": os.path.join("two", "__init__.py"),  # noqa: PTH118 - as the system writes it
        "four": os.path.join("more.zip", "four", "__init__.py"),  # noqa: PTH118
        "three": os.path.join("more.zip", "three.py"),  # noqa: PTH118
    }
    assert sorted(hashes) == [
        "more.zip",
        "one.py",
        "two/__init__.py",
        "two/part/__init__.py",
        "two/part/deep.py",
    ]
    assert hashes["more.zip"] == trust.sha256((folder / "more.zip").read_bytes())
    assert refused == []


@pytest.mark.parametrize(
    "name",
    [
        "_private.py",
        ".hidden.py",
        "notes.txt",
        "data/table.py",
        "__pycache__/one.py",
        "one.pyc",
        "one.so",
    ],
)
def test_what_is_no_plugin_is_left_alone(folder, name):
    write(folder / name, "raise RuntimeError")
    assert names(folder) == ([], {})


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(PluginError, match="no plugin folder .*nothing"):
        folders.read(tmp_path / "nothing")
    with pytest.raises(PluginError, match="no plugin folder .*file"):
        folders.read(write(tmp_path / "file"))


def test_folder_that_cannot_be_read_is_named(folder, monkeypatch):
    def deny(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(folder), "iterdir", deny)
    with pytest.raises(
        PluginError, match=r"plugin folder .*mine cannot be read: Permission denied"
    ):
        folders.read(folder)


@POSIX
def test_folder_that_others_may_write_is_refused(folder):
    folder.chmod(0o707)
    with pytest.raises(PluginError, match=r"plugin folder .*mine can be changed by everyone"):
        folders.read(folder)


def test_folder_may_be_a_link(folder, tmp_path):
    write(folder / "one.py")
    (tmp_path / "link").symlink_to(folder)
    assert names(tmp_path / "link") == (["one"], {})


@POSIX
def test_refused_file_stops_none_of_the_others(folder):
    write(folder / "bad.py", mode=0o606)
    write(folder / "good.py")
    found, refused = names(folder)
    assert found == ["good"]
    assert "changed by everyone" in refused["bad.py"]


@POSIX
def test_package_is_refused_whole(folder):
    write(folder / "bad" / "__init__.py")
    write(folder / "bad" / "part.py", mode=0o602)
    (folder / "open").mkdir()
    write(folder / "open" / "__init__.py")
    (folder / "open").chmod(0o777)
    found, refused = names(folder)
    assert found == []
    assert "everyone" in refused["bad"]
    assert "folder" in refused["open"]


def test_package_that_is_a_link_is_refused_in_circles_too(folder, tmp_path):
    write(tmp_path / "other" / "__init__.py")
    (folder / "out").symlink_to(tmp_path / "other")
    write(folder / "box" / "__init__.py")
    (folder / "box" / "again").symlink_to(folder / "box")
    found, refused = names(folder)
    assert found == []
    assert all("is a link to a folder" in reason for reason in refused.values())
    assert sorted(refused) == ["box", "out"]


@pytest.mark.parametrize("target", ["nothing", "loop.py"])
def test_link_to_nothing_or_to_itself_is_refused(folder, target):
    (folder / "loop.py").symlink_to(folder / target)
    assert names(folder)[0] == []
    assert list(names(folder)[1]) == ["loop.py"]


@pytest.mark.parametrize("name", ["a b.py", "a.b.py", "a,b.py", "a\n.py", "a\x1b[2J.py", "'.py"])
def test_name_that_could_not_be_written_in_a_list_is_refused(folder, name):
    write(folder / name)
    assert names(folder) == (
        [],
        {name: "the name of a plugin must be letters, digits, underscores and hyphens"},
    )


def test_package_may_not_be_larger_than_a_file(folder, monkeypatch):
    monkeypatch.setattr(trust, "MAX_BYTES", 5)
    write(folder / "box" / "__init__.py", "x = 1")
    write(folder / "box" / "part.py", "x = 2")
    assert "holds more than 0 MiB" in names(folder)[1]["box"]


def test_only_what_is_approved_is_read(folder):
    for name in ("one.py", "two.py", "box/__init__.py", "box/part.py", "more.zip"):
        write(folder / name, archive("three.py") if name == "more.zip" else "x = 1")
    _, hashes, _ = folders.read(folder)
    assert names(folder, hashes)[1] == {}
    write(folder / "new.py")
    write(folder / "two.py", "x = 2")
    write(folder / "box" / "part.py", "x = 2")
    write(folder / "more.zip", archive("three.py", "four.py"))
    found, refused = names(folder, hashes)
    assert found == ["one"]
    assert refused["new.py"] == "new.py is not approved: read it, then run `plugins lock`"
    assert "two.py has changed since it was approved" in refused["two.py"]
    assert "box/part.py has changed" in refused["box"]
    assert "more.zip has changed" in refused["more.zip"]


def test_file_that_cannot_be_opened_is_refused_with_the_reason(folder, monkeypatch):
    def deny(*_):
        raise PermissionError(13, "Permission denied")

    write(folder / "one.py")
    monkeypatch.setattr(trust, "read", deny)
    assert names(folder)[1] == {"one.py": "Permission denied"}


def test_name_of_a_package_may_have_no_dot(folder):
    write(folder / "a.\x1b[2J" / "__init__.py")
    assert names(folder)[0] == []
    assert "letters, digits" in names(folder)[1]["a.\x1b[2J"]


def test_folder_that_cannot_be_named_or_looked_into_is_no_folder(folder):
    for path in (folder / ("a" * 5000), folder / "a\0b"):
        with pytest.raises(PluginError, match="no plugin folder"):
            folders.read(path)
