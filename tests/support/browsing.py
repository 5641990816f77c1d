"""A headless browser that says what a page fetches, what it complains of, and whether it is too wide."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver

__all__ = ["BROWSER", "DRIVER", "MISSING", "browser", "faults", "log", "resize"]

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
DRIVER = shutil.which("chromedriver")
MISSING = "no chromium (or google-chrome) with chromedriver on PATH"
FLAGS = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-sync"


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """Start a browser that notes what it fetches and says."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in FLAGS.split():
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options, webdriver.ChromeService(DRIVER)) as driver:
        yield driver


def resize(driver: webdriver.Chrome, width: int) -> None:
    """Give the window a width in CSS pixels."""
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}  # noqa: PLR2004 - a phone
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def log(driver: webdriver.Chrome, kind: str) -> list[dict[str, Any]]:
    """Read what the browser noted since the last time (the driver's own method for it has no types)."""
    return list(driver.execute("getLog", {"type": kind})["value"])


def faults(driver: webdriver.Chrome, page: Path, width: int) -> list[str]:
    """Open a page; list what it fetched from outside, what was said of it, and how far it is too wide."""
    resize(driver, width)
    driver.get(page.as_uri())
    events = [json.loads(entry["message"])["message"] for entry in log(driver, "performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert page.as_uri() in urls, "the browser does not say what it fetches"
    excess = driver.execute_script("return document.documentElement.scrollWidth") - width
    return [
        *(f"fetched {url}" for url in urls if not url.startswith(("file:", "data:", "blob:"))),
        *(f"said {entry['message']}" for entry in log(driver, "browser")),
        *([f"{excess} px too wide"] if excess > 0 else []),
    ]
