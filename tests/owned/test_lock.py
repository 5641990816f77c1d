import pytest

from my_project._internal import lock
from my_project.errors import DataError, PluginError


def test_lock_comes_back_as_it_was_written(tmp_path):
    path = lock.write(tmp_path, {"b.py": "2", "a.py": "1"}, {"dist.clean": "3"})
    assert path == tmp_path / "plugins.lock"
    assert lock.read(tmp_path) == lock.Approved({"a.py": "1", "b.py": "2"}, {"dist.clean": "3"})
    assert path.read_text().index("a.py") < path.read_text().index("b.py")


def test_no_lock_is_none(tmp_path):
    assert lock.read(tmp_path) is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", '{"files": {}}', '{"files": 1, "modules": {}}', "\xff"]
)
def test_broken_lock_approves_nothing(tmp_path, content):
    (tmp_path / "plugins.lock").write_text(content, encoding="latin-1")
    with pytest.raises(PluginError, match=r"plugins.lock is no lock that can be trusted"):
        lock.read(tmp_path)


@pytest.mark.parametrize("target", ["elsewhere", "nothing"])
def test_lock_that_is_a_link_out_is_no_lock(tmp_path, target):
    (folder := tmp_path / "mine").mkdir()
    lock.write(tmp_path, {}, {}).rename(tmp_path / "elsewhere")
    (folder / "plugins.lock").symlink_to(tmp_path / target)
    with pytest.raises(PluginError, match="no lock that can be trusted"):
        lock.read(folder)


def test_lock_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "plugins.lock").mkdir()
    with pytest.raises(DataError, match=r"cannot write .*plugins.lock"):
        lock.write(tmp_path, {}, {})


def test_lock_of_endless_brackets_is_no_lock(tmp_path):
    (path := tmp_path / lock.NAME).write_text("[" * 200_000)
    path.chmod(0o600)
    with pytest.raises(PluginError, match="no lock that can be trusted"):
        lock.read(tmp_path)
