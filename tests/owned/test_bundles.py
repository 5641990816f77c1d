import ast
import contextlib
import io
import stat
import warnings
import zipfile
from pathlib import Path

import pytest

from my_project._internal import bundles
from my_project.errors import PluginError


def split(**files):
    """Make bundles of modules, by name."""
    contents = {f"{name}.py": code.encode() for name, code in files.items()}
    return {bundle.plugin: bundle for bundle in bundles.split(Path("mine"), contents)}


def archive(*members):
    """Zip (name, content) pairs."""
    with warnings.catch_warnings(), zipfile.ZipFile(stream := io.BytesIO(), "w") as made:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, content in members:
            made.writestr(name, content)
    return stream.getvalue()


def test_each_public_module_and_package_is_a_plugin():
    found = split(one="", _private="", **{"two/__init__": "", "two/part": "", "three/part": ""})
    assert {name: bundle.file for name, bundle in found.items()} == {
        "one": Path("mine/one.py"),
        "two": Path("mine/two/__init__.py"),
    }


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("from . import _shared", ["_shared.py", "p.py"]),
        ("from ._shared import x", ["_shared.py", "p.py"]),
        ("def f():\n    from . import _shared", ["_shared.py", "p.py"]),
        ("from ._chain import x", ["_chain.py", "_shared.py", "p.py"]),
        ("from .box.part import x", ["box/__init__.py", "box/part.py", "p.py", "q.py"]),
        ("from . import nothing", ["p.py"]),
        ("from .. import q\nfrom ... import q", ["p.py", "q.py"]),
        ("import _shared\nfrom _shared import x", ["p.py"]),
        ("from . import", ["p.py"]),
        ("from . import x\0", ["p.py"]),
    ],
)
def test_bundle_has_what_the_plugin_imports_beside_it_and_nothing_else(code, files):
    found = split(
        p=code,
        q="",
        _shared="x = 1",
        _chain="from ._shared import x",
        **{"box/__init__": "", "box/part": "from .. import q"},
    )
    assert sorted(found["p"].files) == files


def test_modules_that_import_each_other_are_one_bundle_each():
    found = split(a="from . import b", b="from . import a")
    assert [sorted(bundle.files) for bundle in found.values()] == [["a.py", "b.py"]] * 2


def test_hash_is_that_of_the_one_file_or_of_all():
    alone, other = split(p="x"), split(p="x", _q="")
    assert alone["p"].sha256 == other["p"].sha256 == bundles.sha256(b"x")
    pair, changed = split(p="from . import _q", _q="1"), split(p="from . import _q", _q="2")
    assert pair["p"].sha256 != changed["p"].sha256


def test_archive_gives_its_python_files():
    content = archive(("a.py", "x"), ("box/__init__.py", ""), ("data.csv", "1"), ("box/", ""))
    assert bundles.unpack(content) == {"a.py": b"x", "box/__init__.py": b""}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"no archive", "cannot be unpacked: File is not a zip file"),
        (archive(("a.py", "x" * 99))[:60], "cannot be unpacked"),
        (archive(("../a.py", "")), r"no module can be: '../a.py'"),
        (archive(("/a.py", "")), r"no module can be: '/a.py'"),
        (archive(("a b.py", "")), "no module can be"),
        (archive(("a\\b.py", "")), "no module can be"),
        (archive(("a.py", "1"), ("a.py", "2")), "holds a file twice: 'a.py'"),
    ],
    ids=["text", "cut", "up", "absolute", "blank", "backslash", "twice"],
)
def test_archive_that_is_broken_or_leads_astray_is_refused(content, complaint):
    with pytest.raises(PluginError, match=complaint):
        bundles.unpack(content)


def test_archive_whose_content_differs_from_its_sum_is_refused():
    content = archive(("a.py", "x = 1"))
    with pytest.raises(PluginError, match="cannot be unpacked: Bad CRC-32"):
        bundles.unpack(content.replace(b"x = 1", b"x = 2"))


def test_archive_that_is_encrypted_is_refused():
    content = bytearray(archive(("a.py", "x = 1")))
    content[6] |= 1  # the flag in the header of the file, and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(PluginError, match="cannot be unpacked: .*encrypted"):
        bundles.unpack(bytes(content))


def test_archive_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(bundles, "MAX_BYTES", 9)
    assert bundles.unpack(archive(("a.py", "x" * 9)))
    with pytest.raises(PluginError, match="holds more than 0 MiB"):
        bundles.unpack(archive(("a.py", "x" * 5), ("b.py", "x" * 5)))


def test_link_in_an_archive_is_only_a_text():
    link = zipfile.ZipInfo("a.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(stream := io.BytesIO(), "w") as made:
        made.writestr(link, "/etc/passwd")
    assert bundles.unpack(stream.getvalue()) == {"a.py": b"/etc/passwd"}


@pytest.mark.parametrize(
    "kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_archive_with_any_byte_changed_is_read_or_refused(kind):
    with zipfile.ZipFile(stream := io.BytesIO(), "w", kind) as made:
        made.writestr("é.py", "x = 1\n" * 20)
    content = stream.getvalue()
    for place in range(len(content)):
        changed = content[:place] + b"\xff" + content[place + 1 :]
        with contextlib.suppress(PluginError):
            bundles.unpack(changed)


@pytest.mark.parametrize(
    "code", ["from  ._a import x", "from._a import x", "from \\\n ._a import x"]
)
def test_import_may_be_spaced_in_any_way(code):
    assert "_a.py" in split(p=code, _a="x = 1")["p"].files


def test_each_file_is_parsed_once(monkeypatch):
    parsed, parse = [], ast.parse
    monkeypatch.setattr(ast, "parse", lambda code: parsed.append(code) or parse(code))
    split(a="from . import b", b="from . import a, c", c="from . import a")
    assert len(parsed) == 3
