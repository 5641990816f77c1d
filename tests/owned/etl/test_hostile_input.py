"""Settings, expressions and names by chance: one line each, exit code 2, and nothing is changed."""

import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from my_project import config
from my_project.errors import ConfigError, PackageError

pipeline = pytest.importorskip("my_project.pipeline")
addresses = pytest.importorskip("my_project.addresses")
expressions = pytest.importorskip("my_project.expressions")

BOUNDED = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NUMBERS = st.integers() | st.integers(2**62, 2**70) | st.floats()
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
USES = ["cast", "clip", "deduplicate", "derive", "fill", "filter", "group", "join", "rename", "select", "sort"]
OPTIONS = ["by", "column", "columns", "descending", "drop", "file", "high", "keep", "low", "missing", "on", "where"]
NAMES = st.sampled_from(["x", "name", "", "a\0", "_rejected"]) | st.text(max_size=9)


@pytest.fixture(autouse=True)
def _table():
    Path("t.csv").write_text("x,name\n1,a\n2,b\n,c\n")
    Path("keys.csv").write_text("x,y\n1,a\n")


def refused_in_one_line(call):
    """Call, and tell whether it was refused; any other error than ours passes through."""
    before = {path: path.read_bytes() for path in Path().iterdir() if path.name != "new.csv"}
    try:
        call()
    except PackageError as error:
        text = str(error)
        assert text.strip()
        assert "\n" not in " ".join(text.split())
    else:
        Path("new.csv").unlink(missing_ok=True)
    Path("new.csv.rejects.jsonl").unlink(missing_ok=True)
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def go(target="new.csv", sources=("t.csv",), **given):
    plan = pipeline.prepare(config.load(**given), sources, target)
    pipeline.sample(plan)
    pipeline.execute(plan)


@BOUNDED
@given(st.dictionaries(st.sampled_from(["batch_rows", "checks", "failing", "text"]), VALUES))
def test_settings(given):
    refused_in_one_line(lambda: go(**given))


@BOUNDED
@given(st.sampled_from(USES), st.dictionaries(st.sampled_from(OPTIONS), VALUES | NAMES | st.lists(NAMES)))
def test_options_of_steps(use, options):
    refused_in_one_line(lambda: go(transforms=[{**options, "use": use}]))


@BOUNDED
@given(
    st.sampled_from(["rename", "fill", "cast", "derive", "group"]),
    st.dictionaries(NAMES, NAMES | NUMBERS | st.sampled_from(["integer", "sum(x)", "date"]), max_size=3),
)
def test_columns_of_steps(use, columns):
    by = {"by": ["name"]} if use == "group" else {}
    refused_in_one_line(lambda: go(transforms=[{"use": use, "columns": columns, **by}]))


TEXTS = st.text(alphabet=string.printable, max_size=30)
LEAVES = st.sampled_from(["x", "name", "'a'", "1", "2.5", "None", "True", "10**400", "99999999999999999999", "[]"])
CALLS = st.sampled_from([*expressions.FUNCTIONS, "col", "date", "open"])
GROWN = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "**", "/", "<", "==", "and", "in", "is"]), inner).map(" ".join)
        | st.tuples(CALLS, st.lists(inner, max_size=3)).map(lambda call: f"{call[0]}({', '.join(call[1])})")
        | st.lists(inner, max_size=3).map(lambda values: f"[{', '.join(values)}]")
        | inner.map("not ({})".format)
        | inner.map("-({})".format)
    ),
    max_leaves=6,
)


@BOUNDED
@given(TEXTS | GROWN)
def test_expressions(text):
    refused_in_one_line(lambda: go(checks={"fine": text}))
    refused_in_one_line(lambda: go(transforms=[{"use": "derive", "columns": {"y": text}}]))


SCHEMES = st.sampled_from(["sqlite:///", "sqlite:", "postgresql://", "postgresql:/", "mysql://", "", "./"])


@BOUNDED
@given(SCHEMES, st.text(max_size=30) | st.text(alphabet="a/.#%:@?;\0\udcff ", max_size=30))
def test_names_of_sources_and_targets(scheme, name):
    def prepare(sources, target):
        return pipeline.prepare(config.load(), sources, target)

    refused_in_one_line(lambda: prepare([scheme + name], "new.csv"))
    refused_in_one_line(lambda: prepare(["t.csv"], scheme + name))
    refused_in_one_line(lambda: prepare(["t.csv"], f"{scheme}{name}.csv"))


SECRET = "Xq7"
PARTS = st.lists(st.sampled_from([*"@:/?#; %&=\\", SECRET, "me", "%40", "%77", "password"]), max_size=6)


@BOUNDED
@given(PARTS, st.sampled_from(["@127.0.0.1:1/db", "@127.0.0.1:1/db#t", "@[::1/db", "@127.0.0.1:port/db"]))
def test_password_is_never_shown(parts, end):
    url = f"postgresql://me:{''.join(parts)}{SECRET}{end}"
    assert SECRET not in addresses.shown(url)
    with pytest.raises(PackageError) as caught:
        pipeline.prepare(config.load(), [url], "new.csv", query="SELECT 1")
    assert SECRET not in str(caught.value)


SPELLINGS = [
    *(f"{scheme}me:{SECRET}@h/db" for scheme in ("postgresql:/", "postgresql:", "postgresql//", "postgresql:///")),
    *(f"postgresql://me{sign}{SECRET}@h/db" for sign in (";", "/", "#", "?", " ", "::", "%3A", "|", "\\")),
    *(f"postgresql://h/db?{key}={SECRET}" for key in ("password", "pass%77ord", "PASSWORD", "sslpassword", "pwd")),
    *(f"postgresql://me:{sign}{SECRET}@h/db" for sign in ("%", "%zz", "@", "@@", "#", "%2F", "?", " ", "[", "'")),
    f"postgresql://h/db?password=a#{SECRET}",
    f"postgresql://h/db;password={SECRET}",
    f"postgresql://h/db password={SECRET}@x",
    f"me:{SECRET}@h/db",
    f" postgresql://me:{SECRET}@h/db",
]


@pytest.mark.parametrize("url", SPELLINGS)
@pytest.mark.parametrize("way", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_odd_spelling_of_an_address_does_not_leak_the_password(run, url, way):
    for words in (["run", url, "-o", "new.csv"], ["run", "t.csv", "-o", f"{url}#t"]):
        result = run("-vv", *words, *way)
        assert result.code in (0, 2)
        assert SECRET not in result.out + result.err
        assert [path.name for path in Path().iterdir() if SECRET in path.name] == []


def test_deeply_nested_setting_is_refused(monkeypatch):
    deep = "[" * 10_000 + "]" * 10_000
    Path("c.toml").write_text(f"a = {deep}\n")
    with pytest.raises(ConfigError, match="cannot read the config file"):
        config.load(Path("c.toml"))
    monkeypatch.setenv(f"{config.PREFIX}CHECKS", deep)
    with pytest.raises(ConfigError):
        config.load()
