import os
import socket

import pytest

from my_project._internal import trust
from my_project.errors import PluginError

POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no owners and modes")


@pytest.fixture
def file(tmp_path):
    (path := tmp_path / "plugin.py").write_bytes(b"x = 1")
    path.chmod(0o600)
    return path


def test_content_is_given_as_it_is(file):
    assert trust.read(file, file.parent) == b"x = 1"


def test_hash_is_that_of_the_bytes():
    assert trust.sha256(b"").startswith("e3b0c44298fc1c14")


@POSIX
@pytest.mark.parametrize(
    ("mode", "complaint"),
    [(0o602, "changed by everyone: .*chmod o-w"), (0o622, "everyone"), (0o644, None)],
)
def test_file_that_others_may_write_is_refused(file, mode, complaint):
    file.chmod(mode)
    if complaint is None:
        assert trust.read(file, file.parent)
    else:
        with pytest.raises(PluginError, match=complaint):
            trust.read(file, file.parent)


@POSIX
@pytest.mark.parametrize(
    ("members", "primary", "name", "trusted"),
    [
        ([], True, "ada", True),
        (["ada"], True, "ada", True),
        (["ada", "bob"], True, "ada", False),
        ([], False, "ada", False),
        ([], True, "staff", False),
    ],
    ids=["own group", "named in it", "another member", "not the first group", "another's group"],
)
def test_group_may_write_where_it_is_the_user_alone(
    file, monkeypatch, members, primary, name, trusted
):
    import grp
    import pwd
    from types import SimpleNamespace

    file.chmod(0o620)
    gid = file.stat().st_gid
    user = SimpleNamespace(pw_gid=gid if primary else gid + 1, pw_name="ada")
    monkeypatch.setattr(pwd, "getpwuid", lambda _: user)
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name=name, gr_mem=members))
    assert (trust.distrust(file.stat()) == "") is trusted


@POSIX
def test_group_without_a_name_is_not_trusted(file, monkeypatch):
    import grp

    def unknown(_):
        raise KeyError

    file.chmod(0o620)
    monkeypatch.setattr(grp, "getgrgid", unknown)
    assert "chmod g-w" in trust.distrust(file.stat())


@POSIX
def test_file_of_another_user_is_refused_but_root_is_trusted(file, monkeypatch):
    owner = file.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    complaint = trust.distrust(file.stat())
    assert complaint == (
        "" if owner == 0 else f"belongs to another user (uid {owner}): make it yours with chown"
    )
    stranger = os.stat_result((0o600, 0, 0, 1, owner + 2, 0, 0, 0, 0, 0))
    assert f"another user (uid {owner + 2})" in trust.distrust(stranger)


def test_system_without_owners_trusts_what_is_there(file, monkeypatch):
    monkeypatch.delattr(os, "geteuid", raising=False)
    assert trust.distrust(file.stat()) == ""


def test_link_inside_is_followed_one_that_leads_out_is_refused(file, tmp_path):
    (inside := tmp_path / "same.py").symlink_to(file)
    assert trust.read(inside, tmp_path) == b"x = 1"
    (folder := tmp_path / "folder").mkdir()
    (out := folder / "out.py").symlink_to(file)
    with pytest.raises(PluginError, match=r"is a link out of the plugin folder, to .*plugin.py"):
        trust.read(out, folder)


@POSIX
def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "folder.py").mkdir()
    for name in ("pipe.py", "folder.py"):
        with pytest.raises((PluginError, OSError), match="no regular file|directory"):
            trust.read(tmp_path / name, tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(tmp_path)  # a socket's path is short
        server.bind("s.py")
        with pytest.raises(OSError, match="No such device"):
            trust.read(tmp_path / "s.py", tmp_path)


def test_file_that_is_too_large_is_refused(file, monkeypatch):
    monkeypatch.setattr(trust, "MAX_BYTES", 5)
    assert trust.read(file, file.parent) == b"x = 1"
    file.write_bytes(b"x = 12")
    with pytest.raises(PluginError, match="holds more than 0 MiB"):
        trust.read(file, file.parent)
