import importlib
import inspect
import json
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from my_project._internal import bundles, modules
from my_project.errors import PluginError


@pytest.fixture(autouse=True)
def _forget():
    yield
    modules.forget()


def load(code, *, name="plugin", **others):
    """Import a module from code, beside others."""
    files = {f"{key}.py": text.encode() for key, text in {name: code, **others}.items()}
    found = {bundle.plugin: bundle for bundle in bundles.split(Path("mine"), files)}
    return modules.load(found[name])


@pytest.mark.parametrize("name", ["json", "pandas", "test", "polars", "os", "a-b", "class"])
def test_plugin_may_have_any_name_and_hides_no_module(name):
    before = sys.modules.get(name)
    module = load("import json\nx = json.loads('1')", name=name)
    assert module.x == 1
    assert sys.modules.get(name) is before
    assert json.loads("[1]") == [1]


def test_path_is_as_it_was():
    before = [*sys.path]
    load("x = 1")
    assert sys.path == before


def test_same_content_is_imported_once_another_beside_it():
    first = load("x = object()")
    assert load("x = object()") is first
    assert load("x = object() ") is not first


def test_sibling_is_imported_with_a_dot():
    assert load("from . import _other\nx = _other.x", _other="x = 5").x == 5


def test_package_imports_its_parts():
    files = {"box/__init__.py": b"from .part import x", "box/part.py": b"x = 7"}
    [bundle] = bundles.split(Path("mine"), files)
    assert modules.load(bundle).x == 7


def test_source_is_shown_in_tracebacks_and_to_inspect():
    module = load("def transform(frame):\n    return frame / 0\n", name="shown")
    assert inspect.getsource(module.transform).startswith("def transform(frame):")
    with pytest.raises(ZeroDivisionError) as caught:
        module.transform(1)
    assert "frame / 0" in "".join(traceback.format_exception(caught.value))


def test_source_may_say_its_encoding():
    code = "# -*- coding: latin-1 -*-\nx = 'é'".encode("latin-1")
    assert modules.load(bundles.Bundle("p", Path("mine"), {"p.py": code})).x == "é"


def test_module_can_be_reloaded_and_then_runs_the_same_bytes():
    module = load("x = 1")
    module.x = 2
    assert importlib.reload(module).x == 1


def test_what_was_forgotten_is_imported_anew():
    first = load("x = object()").x
    modules.forget()
    assert load("x = object()").x is not first


def test_module_that_is_in_no_bundle_is_not_found():
    package = load("").__name__.rpartition(".")[0]
    for name in (f"{package}.nothing", f"{modules._PREFIX}nothing"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("from . import nothing", "ImportError: cannot import name 'nothing'"),
        ("x = (", r"SyntaxError: '\(' was never closed"),
        ("x = 1\0", "source code string cannot contain null bytes"),
        ("raise ValueError('first\\nsecond')", "ValueError: first$"),
        ("raise ValueError", "ValueError$"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import sys; sys.exit()", "SystemExit$"),
        ("raise BaseException('odd')", "BaseException: odd"),
        ("def f(): f()\nf()", "RecursionError: "),
        ("while True: print('again')", "printed more than 10000 characters"),
        ("import sys\nwhile True: sys.stderr.write('again')", "printed more than"),
        ("print('x' * 20_000)", "printed more than"),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "^E$"),
        ("class E(Exception):\n    def __str__(self): raise SystemExit\nraise E", "^E$"),
        (
            "class M(type):\n    __name__ = property(lambda _: 1 / 0)\n"
            "class E(Exception, metaclass=M): pass\nraise E",
            "^E$",
        ),
        ("# coding: nothing", "unknown encoding"),
    ],
)
def test_whatever_a_plugin_raises_is_one_error(code, reason):
    with pytest.raises(PluginError, match=reason):
        load(code)


def test_plugin_that_fails_leaves_nothing_behind():
    before, path, finders = dict(sys.modules), [*sys.path], [*sys.meta_path]
    with pytest.raises(PluginError, match="half"):
        load(
            "import sys\nfrom . import _other\nsys.modules['json'] = None\n"
            "del sys.modules['logging']\nsys.path.insert(0, 'mine')\n"
            "sys.meta_path.clear()\nraise ValueError('half')",
            _other="x = 1",
        )
    assert {name for name in sys.modules if name.startswith(modules._PREFIX)} <= before.keys() | {
        name for name in sys.modules if name.count(".") == 0
    }
    assert (sys.modules["json"], sys.modules["logging"]) == (before["json"], before["logging"])
    assert sys.path == path
    assert [finder for finder in finders if finder not in sys.meta_path] == []


def test_an_interrupt_stops_everything():
    with pytest.raises(KeyboardInterrupt):
        load("raise KeyboardInterrupt")


def test_what_a_plugin_prints_goes_to_the_log(capsys, caplog):
    with caplog.at_level("DEBUG"):
        load("print('hello')")
    assert capsys.readouterr() == ("", "")
    assert caplog.messages == ["a plugin printed while it was loaded: hello"]


def test_two_plugins_of_one_content_are_two_modules():
    first, second = load("x = object()", name="a"), load("x = object()", name="b")
    assert first.x is not second.x
    assert importlib.reload(first).__name__.endswith(".a")


def test_what_is_in_use_can_import_its_parts_after_it_was_forgotten():
    module = load("def get():\n    from ._other import x\n    return x", _other="x = 5")
    modules.forget()
    assert module.get() == 5


def test_plugin_may_keep_a_stream_or_ask_it(capsys):
    code = "import sys\nkept = sys.stderr\nname = sys.stdout.encoding.lower()\nsys.stdout.close()"
    module = load(code)
    print("late", file=module.kept)
    sys.stdout.write("later\n")
    assert capsys.readouterr() == ("later\n", "late\n")


def test_threads_load_one_after_the_other():
    def code(number):
        return f"import time\ntime.sleep(0.005)\nx = {number}\nassert x % 3"

    def attempt(number):
        try:
            return load(code(number), name=f"p{number}").x
        except PluginError:
            return None

    before = sys.stdout
    with ThreadPoolExecutor(8) as pool:
        made = [*pool.map(attempt, range(16))]
    assert made == [number if number % 3 else None for number in range(16)]
    assert sys.stdout is before
