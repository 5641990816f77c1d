"""The preview shows what copier writes: every combination's tree, and files read out of a browser, byte for byte."""

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import preview
import pytest
from browsing import BROWSER, DRIVER, MISSING, browser, resize
from combinations import combinations
from questions import ASKED, ROOT, choices
from rendering import Renderer, contents
from selenium import webdriver
from texts import TEXTS

pytestmark = pytest.mark.site

SITE = ROOT / "docs" / "_build" / "preview"
LIMIT = 3 << 20
READ = """
const found = {};
for (const [key, value] of Object.entries(arguments[0])) document.getElementById(`answer-${key}`).value = value;
document.getElementById("form").dispatchEvent(new Event("input"));
for (const button of document.querySelectorAll("#tree button")) {
  button.click();
  found[button.dataset.path] = document.getElementById("content").textContent;
}
return found;
"""
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


def written(renderer: Renderer, folder: Path, given: dict[str, str]) -> dict[str, str]:
    """Render with copier; the source of the template has the name that people type."""
    files = contents(renderer.copy(folder, given))
    shutil.rmtree(folder)
    source = str(renderer.template).encode()
    files[preview.ANSWERS_FILE] = files[preview.ANSWERS_FILE].replace(source, preview.SOURCE.encode())
    return {path: data.decode() for path, data in files.items()}


def count(config: pytest.Config) -> int:
    """Say how many projects are compared."""
    return 200 if config.getoption("--long", default=False) else 12


def test_data_are_small(data: dict[str, Any]) -> None:
    assert len((SITE / "data.js").read_bytes()) < LIMIT
    assert {question["key"] for question in data["questions"]} == ASKED.keys()


def test_tree_of_every_combination_is_foreseen(data: dict[str, Any], renderer: Renderer, tmp_path: Path) -> None:
    files = [
        {"path": file["path"], "parts": [(data["conditions"][place], text) for place, text in file["parts"]]}
        for file in data["files"]
    ]
    every = {tree(files, combination) for combination in combinations()}
    assert 10 < len(every) < len(combinations())
    chance = random.Random(0)  # noqa: S311 - a sample
    for combination in chance.sample(combinations(), 8):
        given = combination | {"project_name": "Tide", "package_name": "tide", "user_name": ""}
        wanted = {path.replace("tide", "x") for path in written(renderer, tmp_path / "p", given)}
        assert {path.replace("\x02package_name raw\x03", "x") for path in tree(files, combination)} == wanted


def tree(files: list[dict[str, Any]], combination: dict[str, Any]) -> frozenset[str]:
    """Give the paths for a combination with as few texts as there can be."""
    state = dict.fromkeys(preview.texts(combination), "") | {"project_name": "given", "package_name": "given"}
    state |= combination
    found = set()
    for file in files:
        for (keys, cases), _ in file["parts"]:
            if [state.get(key) for key in keys] in cases:
                found.add(file["path"])
                break
    return frozenset(found)


@in_browser
def test_page_shows_what_copier_writes(
    driver: webdriver.Chrome, renderer: Renderer, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    for seed in range(count(pytestconfig)):
        given = answers(seed)
        shown = driver.execute_script(READ, given)
        wanted = written(renderer, tmp_path / "project", given)
        assert shown.keys() == wanted.keys(), given
        assert {path for path in wanted if shown[path] != wanted[path]} == set(), given


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
