"""The report is opened in a browser: nothing is fetched, nothing goes wrong, a phone shows it whole."""

import csv
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from interpreters import VERSIONS
from projects import Project
from questions import KINDS
from rendering import Renderer
from selenium import webdriver

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.projects,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="no chromium (or google-chrome) with chromedriver on PATH"),
]

FLAGS = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-sync"
WIDTH = 360  # of a small phone, in CSS pixels
HOSTILE = ["<script>alert(1)</script>", "\"><img src='http://example.invalid/x.png'>", "$x^2$", "名前 😀", "x" * 300]
# What makes report.html in a folder of its own, and how many plots are in it; the traps are two folders up.
RUNS = {
    "model": {
        "classification": (13, ["train", "-o", "."]),
        "regression": (12, ["train", "-o", ".", "--target", "body_mass_g"]),
        "traps": (13, ["train", "../../traps.csv", "-o", ".", "--target", HOSTILE[0]]),
    },
    "etl": {
        "sample": (0, ["run", "-o", "out.csv", "--report", "report.html"]),
        "traps": (0, ["run", "../../traps.csv", "-o", "out.csv", "--report", "report.html"]),
    },
}
BAD_PAGE = """<!DOCTYPE html><meta name="viewport" content="width=device-width"><div style="width: 361px">wide</div>
<img src="http://example.invalid/pixel.png"><script>console.error("broken")</script>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """Start a browser that is as narrow as a phone and notes what it does."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in FLAGS.split():
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options, webdriver.ChromeService(DRIVER)) as driver:
        screen = {"width": WIDTH, "height": 740, "deviceScaleFactor": 2, "mobile": True}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        yield driver


@pytest.fixture(scope="module")
def reports(renderer: Renderer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make reports with a project of each kind: of the sample, of a number, of a table full of traps."""
    folder = tmp_path_factory.mktemp("reports")
    write_traps(folder / "traps.csv")
    made = {}
    for kind, runs in RUNS.items():
        answers = {"project_name": "Report page", "package_name": "report_page", "pipeline": kind}
        project = Project(renderer.render(answers), answers, VERSIONS[0])
        project.installed()
        for name, (_, words) in runs.items():
            (here := folder / kind / name).mkdir(parents=True)
            made[f"{kind} {name}"] = here / "report.html"
            project.run(project.program("tests", "report-page"), *words, cwd=here)
    return made


def write_traps(path: Path) -> None:
    """Write a table with hostile names, forty columns, twenty long labels and few values."""
    chance = random.Random(0)  # noqa: S311 - numbers for a test
    names = [*HOSTILE, *(f"a column with a long name, number {place}" for place in range(40))]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        for row in range(120):
            label = f"{HOSTILE[row % 5]} and a label of many words {row % 20}"
            writer.writerow([label, *(chance.choice(["", chance.random()]) for _ in names[1:])])


def log(browser: webdriver.Chrome, kind: str) -> list[dict[str, Any]]:
    """Read what the browser noted since the last time (the driver's own method for it has no types)."""
    return list(browser.execute("getLog", {"type": kind})["value"])


def faults(browser: webdriver.Chrome, page: Path) -> list[str]:
    """List what the page fetched, what the browser complained about, and how far it is too wide."""
    browser.get(page.as_uri())
    events = [json.loads(entry["message"])["message"] for entry in log(browser, "performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    excess = browser.execute_script("return document.documentElement.scrollWidth") - WIDTH
    assert page.as_uri() in urls, "the browser does not say what it fetches"
    return [
        *(f"fetched {url}" for url in urls if url != page.as_uri()),
        *(f"said {entry['message']}" for entry in log(browser, "browser")),
        *([f"{excess} px too wide"] if excess > 0 else []),
    ]


def test_every_kind_makes_reports() -> None:
    assert [*RUNS] == KINDS


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, runs in RUNS.items() for name in runs])
def test_report_opens_on_a_phone_and_fetches_nothing(
    browser: webdriver.Chrome, reports: dict[str, Path], kind: str, name: str
) -> None:
    assert faults(browser, reports[f"{kind} {name}"]) == []
    plots = browser.find_elements("css selector", "svg[role=img]")
    assert len(plots) == RUNS[kind][name][0]
    assert all(plot.size["width"] > 300 and plot.size["height"] > 50 for plot in plots)


def test_bad_page_is_seen_to_be_bad(browser: webdriver.Chrome, tmp_path: Path) -> None:
    (page := tmp_path / "bad.html").write_text(BAD_PAGE, encoding="utf-8")
    found = "\n".join(faults(browser, page))
    assert "fetched http://example.invalid/pixel.png" in found
    assert "broken" in found
    assert "9 px too wide" in found
