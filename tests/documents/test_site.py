"""The site that `nox -s docs` builds: whole, found by search, and shown well by a browser; what it claims is held."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from browsing import BROWSER, DRIVER, MISSING, browser, faults
from combinations import combinations
from documents import DOCUMENTS
from questions import ROOT
from selenium import webdriver

SITE = ROOT / "docs" / "_build"
OWN = "https://github.com/org/copier-datascience/"
BAD_PAGE = """<!DOCTYPE html><meta name="viewport" content="width=device-width"><div style="width: 400px">wide</div>
<img src="http://example.invalid/pixel.png"><script>console.error("broken")</script>"""
INDEX = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")

in_browser = pytest.mark.skipif(not (BROWSER and DRIVER), reason=MISSING)


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    """Start a browser."""
    with browser() as driver:
        yield driver


def built() -> list[Path]:
    """List the pages of the site."""
    return sorted(path for path in SITE.rglob("*.html") if "_static" not in path.parts)


@pytest.mark.site
def test_every_document_has_a_page_and_stands_in_the_sitemap() -> None:
    pages = [
        path.relative_to(ROOT / "docs").with_suffix(".html") for path in DOCUMENTS if ROOT / "docs" in path.parents
    ]
    wanted = {path.as_posix() for path in pages if path.name != "404.html"}
    assert wanted
    assert {path.relative_to(SITE).as_posix() for path in built()} >= wanted | {"404.html", "lessons/slides.html"}
    urls = [element.text or "" for element in ET.parse(SITE / "sitemap.xml").iter() if element.tag.endswith("loc")]  # noqa: S314 - our own
    assert {url.partition("/copier-datascience/")[2] for url in urls} == wanted


@pytest.mark.site
def test_page_for_unknown_addresses_works_at_any_depth() -> None:
    page = (SITE / "404.html").read_text(encoding="utf-8")
    local = re.findall(r'(?:href|src)="([^"#:]+)"', page)
    assert local
    assert [link for link in local if not link.startswith("/copier-datascience/")] == []


@pytest.mark.site
def test_links_to_files_of_the_site_resolve() -> None:
    for page in built():
        if page.name == "404.html":
            continue
        links = re.findall(r'(?:href|src)="([^"#:?]+)[^":]*"', page.read_text(encoding="utf-8"))
        assert [link for link in links if not (page.parent / link).exists()] == [], page


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_outside_are_well_formed_and_those_to_this_repository_exist(path: Path) -> None:
    links = re.findall(r"\]\((https?:[^)\s]*)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not re.fullmatch(r"https://[\w.-]+\.[a-z]{2,}(/[\w./%#~+=?&@-]*)?", link)] == []
    files = [link.removeprefix(OWN).split("/", 2)[2] for link in links if link.startswith((f"{OWN}blob", f"{OWN}tree"))]
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_first_page_counts_the_combinations() -> None:
    assert f"each of the {len(combinations()):,} combinations" in INDEX


def test_each_claim_of_the_first_page_names_a_test_that_exists() -> None:
    claims = INDEX.partition("## What no other template does")[2].partition("\n## ")[0].split("\n- ")[1:]
    assert len(claims) >= 5
    for claim in claims:
        [(name, path)] = re.findall(rf"\[`(\w+)`\]\({OWN}blob/main/([\w/.]+)\)", claim)
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), claim


@pytest.mark.site
@in_browser
@pytest.mark.parametrize("width", [1200, 390])
def test_pages_fetch_nothing_say_nothing_and_fit(driver: webdriver.Chrome, width: int) -> None:
    found = {page.relative_to(SITE).as_posix(): faults(driver, page, width) for page in built()}
    assert len(found) > 30
    found.pop("404.html")  # its addresses begin at the root of the host
    assert {page: wrong for page, wrong in found.items() if wrong} == {}


@pytest.mark.site
@in_browser
def test_search_finds_a_page(driver: webdriver.Chrome) -> None:
    driver.get(f"{(SITE / 'search.html').as_uri()}?q=bytecode")
    driver.implicitly_wait(10)
    assert driver.find_elements("css selector", "#search-results li a")
    driver.implicitly_wait(0)


@pytest.mark.site
@in_browser
def test_dark_mode_is_dark(driver: webdriver.Chrome) -> None:
    media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    driver.get((SITE / "index.html").as_uri())
    colour = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert max(map(int, re.findall(r"\d+", colour)[:3])) < 64


@pytest.mark.site
@in_browser
def test_slides_are_turned_by_the_arrow_keys(driver: webdriver.Chrome) -> None:
    driver.get((SITE / "lessons" / "slides.html").as_uri())
    driver.find_element("css selector", "body").send_keys("\ue014")  # arrow to the right
    assert driver.execute_script("return document.querySelector('section').getBoundingClientRect().bottom") < 1


@pytest.mark.site
@in_browser
def test_bad_page_is_seen_to_be_bad(driver: webdriver.Chrome, tmp_path: Path) -> None:
    (page := tmp_path / "bad.html").write_text(BAD_PAGE, encoding="utf-8")
    found = json.dumps(faults(driver, page, 390))
    assert "fetched http://example.invalid/pixel.png" in found
    assert "broken" in found
    assert "px too wide" in found
