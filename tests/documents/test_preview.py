"""The preview shows what copier writes: the tree of every combination, and files read from a browser, byte for byte."""

import gzip
import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import preview
import pytest
import yaml
from browsing import BROWSER, DRIVER, MISSING, browser, resize
from combinations import combinations
from jinja2 import Environment
from questions import ASKED, FOLDERS, HIDDEN, ROOT, SETTINGS, choices
from releases import export, releases
from rules import asked
from samples import long
from selenium import webdriver
from texts import TEXTS

pytestmark = pytest.mark.site

SITE = ROOT / "docs" / "_build" / "preview"
LIMIT = 3 << 20  # bytes, compressed
compiled = cache(Environment().from_string)  # noqa: S701 - no HTML
FEWEST_TEXTS = {"project_name": "Tide", "package_name": "tide", "user_name": ""}
READ = """
window.seen ??= new Map();
const [found, fresh] = [{}, []];
for (const [key, value] of Object.entries(arguments[0])) document.getElementById(`answer-${key}`).value = value;
document.getElementById("release").value = arguments[1];
document.getElementById("form").dispatchEvent(new Event("input"));
for (const button of document.querySelectorAll("#tree button")) {
  button.click();
  const text = document.getElementById("content").textContent;
  if (!seen.has(text)) fresh.push([seen.size, text]) && seen.set(text, seen.size);
  found[button.dataset.path] = seen.get(text);
}
return [found, fresh];
"""
"""Gives a number for the text of each file, and the texts that are new: most files are the same in many projects."""
in_browser = pytest.mark.skipif(not (BROWSER and DRIVER), reason=MISSING)


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    """Open the preview."""
    with browser() as driver:
        resize(driver, 1200)
        driver.get((SITE / "index.html").as_uri())
        yield driver


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    """Read what the page reads."""
    text = (SITE / "data.js").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text.removeprefix("window.PREVIEW = ").removesuffix(";\n"))
    return loaded


def answers(seed: int) -> dict[str, str]:
    """Draw answers: a combination, with hostile texts."""
    chance = random.Random(seed)  # noqa: S311 - a sample
    [state] = preview.random_states(1, seed)
    return {key: state[key] if choices(key) else chance.choice(TEXTS[key]) for key in state}


def written(template: Path, folder: Path, given: dict[str, str]) -> dict[str, str]:
    """Render with copier, and build the wheel."""
    return {path: data.decode() for path, data in preview.render(template, given, folder).items()}


def count(few: int, many: int) -> int:
    """Say how many projects are compared; with `--long`, many."""
    return many if long() else few


def test_data_are_small(data: dict[str, Any]) -> None:
    assert sum(len(gzip.compress(path.read_bytes())) for path in SITE.iterdir()) < LIMIT
    assert {question["key"] for question in data["questions"]} == ASKED.keys()


def test_tree_of_every_combination_is_that_of_copier(data: dict[str, Any], template: Path, tmp_path: Path) -> None:
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for combination in combinations():
        groups.setdefault(left_out(combination), []).append(combination | FEWEST_TEXTS)
    found = data["releases"][preview.MAIN]
    order = random.Random(0).sample(sorted(groups), len(groups))  # noqa: S311 - a sample
    for number, group in enumerate(order):
        trees = {tree(found, combination) for combination in groups[group]}
        assert len(trees) == 1, "copier leaves out the same paths, the page does not"
        if number < count(10, len(groups)):
            given = groups[group][0]
            wanted = {path for path in written(template, tmp_path / f"p{number}", given) if path[:5] != "dist/"}
            assert trees == {frozenset(wanted)}, given


def left_out(combination: dict[str, Any]) -> tuple[str, ...]:
    """Render the patterns and the names of folders that decide which paths copier leaves out."""
    known = combination | FEWEST_TEXTS | {"_copier_operation": "copy", "previous": {}}
    known |= {key: compiled(HIDDEN[key]["default"]).render(known) for key in HIDDEN if key.startswith("if_")}
    return tuple(compiled(text).render(known) for text in [*SETTINGS["_exclude"], *FOLDERS])


def tree(release: dict[str, Any], combination: dict[str, Any]) -> frozenset[str]:
    """Give the paths that the page shows for a combination, but for the wheel."""
    asked = dict.fromkeys(preview.texts(combination), "") | combination
    state = {key: ("given" if value and not choices(key) else value) for key, value in asked.items()}
    held = [[state.get(key) for key in keys] in cases for keys, cases in release["conditions"]]
    paths = {file["path"] for file in release["files"] if any(held[place] for place, _ in file["parts"])}
    return frozenset(path.replace("\x02package_name raw\x03", "tide") for path in paths if path[:5] != "dist/")


@in_browser
def test_page_shows_what_copier_writes(driver: webdriver.Chrome, template: Path, tmp_path: Path) -> None:
    texts: dict[int, str] = {}
    for seed in range(count(30, 200)):
        given = answers(seed)
        compare(driver, texts, preview.MAIN, given, written(template, tmp_path / f"p{seed}", given))


@in_browser
@pytest.mark.parametrize("release", releases())
def test_page_shows_what_a_release_writes(driver: webdriver.Chrome, release: str, tmp_path: Path) -> None:
    driver.refresh()
    template = export(releases()[release], tmp_path / "template")
    config = yaml.safe_load((template / "copier.yml").read_text(encoding="utf-8"))
    texts: dict[int, str] = {}
    with pytest.MonkeyPatch.context() as patch:
        for key in ASKED.keys() - asked(config).keys():
            patch.delitem(ASKED, key)
        for seed in range(count(5, 40)):
            given = answers(seed)
            compare(driver, texts, release, given, written(template, tmp_path / f"p{seed}", given))


def compare(
    driver: webdriver.Chrome, texts: dict[int, str], release: str, given: dict[str, str], wanted: dict[str, str]
) -> None:
    """Read every file out of the page and compare it with what copier wrote."""
    numbers, fresh = driver.execute_script(READ, given, release)
    texts |= dict(fresh)
    shown = {path: texts[number] for path, number in numbers.items()}
    assert shown.keys() == wanted.keys(), given
    assert {path: shown[path] for path in wanted if shown[path] != wanted[path]} == {}, given


@in_browser
def test_difference_of_two_sets_of_answers_names_each_file(driver: webdriver.Chrome) -> None:
    driver.refresh()
    driver.find_element("id", "keep").click()
    assert "0 differ" in driver.find_element("id", "status").text
    driver.find_element("id", "answer-license").send_keys("Proprietary")
    differ = {button.text for button in driver.find_elements("css selector", "#tree button")}
    assert {"LICENSE", "pyproject.toml"} <= differ
    assert "_internal" not in "".join(differ)
    assert "differ" in driver.find_element("id", "status").text
    assert driver.find_elements("css selector", "#content .minus")


@in_browser
def test_difference_of_two_releases_names_each_file(driver: webdriver.Chrome) -> None:
    driver.refresh()
    release = driver.find_element("id", "release")
    release.send_keys("v0.1.0")
    assert not driver.find_element("id", "label-pipeline").is_displayed()  # it is newer
    assert "--vcs-ref v0.1.0" in driver.find_element("id", "command").text
    driver.find_element("id", "keep").click()
    release.send_keys("v0.2.0")
    differ = {button.get_attribute("data-path") for button in driver.find_elements("css selector", "#tree button")}
    assert "CHANGELOG.md" not in differ
    assert "noxfile.py" in differ
    assert f"{len(differ)} differ" in driver.find_element("id", "status").text


@in_browser
def test_wheel_metadata_are_shown(driver: webdriver.Chrome) -> None:
    driver.refresh()
    driver.find_element("css selector", "[data-path$=METADATA]").click()
    shown = driver.find_element("id", "content").text
    assert shown.startswith("Name: my-project\nVersion: 0.1.0\n")
    assert "License-Expression: MIT\nRequires-Python: >=3.11\n" in shown
    assert "Command: my-project = my_project.cli:main" in shown


@in_browser
def test_form_is_used_by_keyboard_and_says_what_it_does(driver: webdriver.Chrome) -> None:
    driver.refresh()
    fields = driver.find_elements("css selector", "#form input, #form select")
    assert len(fields) == len(ASKED) + 1
    assert [field for field in fields if field.is_displayed() and not field.accessible_name] == []
    status = driver.find_element("id", "status")
    assert status.get_attribute("aria-live") == "polite"
    before = status.text
    driver.find_element("id", "answer-pipeline").send_keys("etl")
    assert status.text != before
    button = driver.find_element("css selector", "#tree button")
    button.send_keys("\ue007")  # Enter
    assert driver.find_element("id", "name").text == button.get_attribute("data-path")
    assert driver.switch_to.active_element == button


@in_browser
def test_command_gives_each_answer(driver: webdriver.Chrome) -> None:
    driver.refresh()
    shown = driver.find_element("id", "command").text
    assert shown.startswith("copier copy --defaults --data 'project_name=My project' ")
    assert shown.endswith(f" {preview.SOURCE} my-project")
    assert [key for key in ASKED if f"{key}=" not in shown] == ["gitlab_user"]


@in_browser
@pytest.mark.skipif(not shutil.which("npm"), reason="no npm on PATH, which brings axe-core")
def test_axe_finds_nothing_serious(driver: webdriver.Chrome, tmp_path: Path) -> None:
    subprocess.run(["npm", "pack", "--silent", "axe-core@4"], cwd=tmp_path, check=True, capture_output=True)
    [archive] = tmp_path.glob("*.tgz")
    shutil.unpack_archive(archive, tmp_path, filter="data")
    driver.refresh()
    driver.execute_script((tmp_path / "package" / "axe.min.js").read_text(encoding="utf-8"))
    found = driver.execute_async_script("axe.run().then(arguments[0])")
    serious = [item for item in found["violations"] if item["impact"] in ("serious", "critical")]
    assert [(item["id"], [node["html"] for node in item["nodes"]][:3]) for item in serious] == []
    assert found["passes"]
