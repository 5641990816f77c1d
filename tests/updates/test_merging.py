"""Three sides of a file become one: what the owner changed stays, what only the template changed arrives."""

import copy
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from releases import git
from session import update

KEYS = ["a", "b", "name", "with space"]
NAMES = ["numpy", "polars", "Scikit_Learn", "tqdm", "rich"]
scalars = st.one_of(st.booleans(), st.integers(0, 3), st.sampled_from(["", "x", 'q"uote', "# no comment", "é"]))
requirements = st.lists(
    st.builds(str.__add__, st.sampled_from(NAMES), st.sampled_from(["", ">=1", ">=2", ">=2,<3"])),
    max_size=4,
    unique_by=lambda text: text.partition(">")[0],
)
arrays = st.lists(st.sampled_from(["D", "E", "F", "W"]), unique=True, max_size=4)
tables = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["one", "two", "three"]), "strict": st.booleans()}),
    max_size=3,
    unique_by=lambda table: table["name"],
)
leaves = st.one_of(scalars, arrays, tables)
values = st.recursive(leaves, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=3), max_leaves=6)
documents = st.fixed_dictionaries(
    {"tool": st.dictionaries(st.sampled_from(KEYS), values, max_size=4)},
    optional={
        "project": st.fixed_dictionaries(
            {"dependencies": requirements},
            optional={"version": scalars, "scripts": st.dictionaries(st.sampled_from(KEYS), st.just("x"))},
        ),
        "dependency-groups": st.dictionaries(st.sampled_from(["test", "lint"]), requirements),
    },
)


def written(value: dict[str, Any], style: int) -> str:
    """Write TOML in one of the layouts that tools give it."""
    if style == 0:
        return tomlkit.dumps(value)
    if style == 1:  # dotted keys below the first table
        return "".join(_dotted(value))
    if style == 2:  # each table apart, whatever it is part of
        tables = sorted(_tables(value), key=lambda table: (len(table[0]), table[0][-1:]))
        return "".join(f"[{spell_key(*path)}] # why\n{lines}\n" for path, lines in tables)
    return "".join(f"{spell_key(key)} = {spell(item)} # why\n" for key, item in value.items())


def spell(value: Any) -> str:
    """Write a value on one line."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{spell_key(key)} = {spell(item)}' for key, item in value.items())} }}"
    return f"[{', '.join(map(spell, value))}]" if isinstance(value, list) else json.dumps(value, ensure_ascii=False)


def spell_key(*keys: str) -> str:
    """Write a dotted key."""
    return ".".join(map(json.dumps, keys))


def _dotted(value: dict[str, Any], *path: str) -> list[str]:
    lines = []
    for key, item in value.items():
        if isinstance(item, dict) and item:
            lines += _dotted(item, *path, key)
        else:
            lines.append(f"{spell_key(*path, key)} = {spell(item)}\n")
    return lines


def _tables(value: dict[str, Any], *path: str) -> list[tuple[tuple[str, ...], str]]:
    lines = [f"{spell_key(key)} = {spell(item)} # why\n" for key, item in value.items() if not isinstance(item, dict)]
    below = [table for key, item in value.items() if isinstance(item, dict) for table in _tables(item, *path, key)]
    return [(path, "".join(lines)), *below][not path :]


def leaf_paths(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Give what stands at the ends of a tree of tables."""
    if isinstance(value, dict) and value:
        return {key: leaf for name, item in value.items() for key, leaf in leaf_paths(item, (*path, name)).items()}
    return {path: value}


def at(value: Any, path: tuple[str, ...]) -> Any:
    """Give what stands at a path, `GONE` if nothing does."""
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return update.GONE
        value = value[key]
    return value


@pytest.fixture
def by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the merge by line, whose result is taken when it says the same."""
    monkeypatch.setattr(update, "merge_lines", lambda _base, _theirs, ours, **_: (ours, []))


def test_layouts_say_the_same() -> None:
    value = {"project": {"dependencies": ["a>=1"], "x": {"y": [{"name": "one"}, {"name": "two"}]}}, "tool": {}}
    for style in range(4):
        assert tomllib.loads(written(value, style)) == value


@pytest.mark.usefixtures("by_key")
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents, documents, documents, st.integers(0, 3))
def test_any_three_documents_merge(
    base: dict[str, Any], theirs: dict[str, Any], ours: dict[str, Any], style: int
) -> None:
    merge = update.Merge()
    sides = written(base, 0), written(theirs, 0), written(ours, style)
    text = update.merge_toml(*sides, merge)
    merged = tomllib.loads(text)
    for path, value in leaf_paths(ours).items():
        before, new = at(base, path), at(theirs, path)
        if not isinstance(value, list | dict) and not isinstance(before, list | dict):
            changed = not update.same(value, before)
            if changed:
                assert update.same(at(merged, path), value), path
            elif not isinstance(new, list | dict) and not changed:
                assert update.same(at(merged, path), new), path
    again = update.Merge()
    assert tomllib.loads(update.merge_toml(sides[1], sides[1], text, again)) == merged
    assert again.kept == []


@pytest.mark.usefixtures("by_key")
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents, documents, st.integers(0, 3))
def test_side_that_did_nothing_changes_nothing(base: dict[str, Any], other: dict[str, Any], style: int) -> None:
    old, new = written(base, style), written(other, style)
    for theirs, ours in ((new, old), (old, new)):
        merge = update.Merge()
        merged = tomllib.loads(update.merge_toml(old, theirs, ours, merge))
        assert update.unordered(merged) == update.unordered(other)
        assert merge.kept == []


@pytest.mark.usefixtures("by_key")
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents, st.dictionaries(st.sampled_from(["new", "other"]), values, min_size=1), st.integers(0, 3))
def test_what_a_writer_is_told_is_written(base: dict[str, Any], more: dict[str, Any], style: int) -> None:
    wanted = copy.deepcopy(base)
    wanted["tool"] |= more
    text = update.write_toml(written(base, style), written(wanted, 0), wanted)
    assert update.unordered(tomllib.loads(text)) == update.unordered(wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('x = [\n  "a", # first\n  "b" # last\n  # end\n]\ny = 1 # why\n', {"x": ["a", "b", "c"], "y": 2}),
        ('x = ["b", "a"] # mine\ny = 1 # why\n', {"x": ["a", "b"], "y": 2}),
    ],
    ids=["no comma before the last comment", "elements in another order"],
)
def test_comments_of_an_array_stay(text: str, wanted: dict[str, Any]) -> None:
    new = update.write_toml(text, "", wanted)
    assert {key: sorted(value) if key == "x" else value for key, value in tomllib.loads(new).items()} == wanted
    assert re.findall("# .*", new) == re.findall("# .*", text)


@pytest.mark.parametrize(
    ("mode", "here"),
    [("100644", None), ("120000", None), ("160000", None), (None, "file"), (None, "link")],
    ids=["file", "link", "submodule", "ignored file", "ignored link"],
)
def test_new_folder_takes_the_place_of_nothing(
    mode: str | None, here: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "--quiet", folder=tmp_path)
    monkeypatch.chdir(tmp_path)
    blob = update.Trees.file(None, ("100644", ""), "text\n")[1]
    answers = {update.ANSWERS: ("100644", blob)}
    base, theirs, ours = (
        update.changed(tmp_path, update.git("mktree", data="").strip(), "", answers | more)
        for more in ({}, {"tools/x.py": ("100644", blob)}, {"tools": (mode, blob)} if mode else {})
    )
    if here:
        (tmp_path / "tools").write_text("ours\n") if here == "file" else (tmp_path / "tools").symlink_to("elsewhere")
    trees = update.Trees(base, theirs, ours, update.Files())
    trees.merge()
    assert trees.changes.keys() == {update.ANSWERS}
    assert [kept.where() for kept in trees.files.kept] == ["tools/x.py new, but a file of yours is there"]


def test_file_of_the_template_becomes_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("init", "--quiet", folder=tmp_path)
    monkeypatch.chdir(tmp_path)
    file = update.Trees.file(None, ("100644", ""), "text\n")
    (tmp_path / "tools").write_text("text\n")
    base, theirs = (
        update.changed(tmp_path, update.git("mktree", data="").strip(), "", {update.ANSWERS: file, path: file})
        for path in ("tools", "tools/x.py")
    )
    trees = update.Trees(base, theirs, base, update.Files())
    trees.merge()
    assert (trees.changes, trees.files.kept) == ({"tools": None, "tools/x.py": file, update.ANSWERS: file}, [])


def test_submodule_in_place_of_a_file_of_the_template_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("init", "--quiet", folder=tmp_path)
    monkeypatch.chdir(tmp_path)
    old, new = (update.Trees.file(None, ("100644", ""), text) for text in ("old\n", "new\n"))
    base, theirs, ours = (
        update.changed(tmp_path, update.git("mktree", data="").strip(), "", {update.ANSWERS: old, "page.md": file})
        for file in (old, new, ("160000", old[1]))
    )
    trees = update.Trees(base, theirs, ours, update.Files())
    trees.merge()
    assert trees.changes.keys() == {update.ANSWERS}
    assert [kept.where() for kept in trees.files.kept] == ["page.md no text, changed on both sides"]
