import re
from html.parser import HTMLParser

import pytest
from my_project._internal import page


class Reader(HTMLParser):
    """Collects texts and the tags that are opened and closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_page_has_a_title_and_its_sections_and_is_well_formed():
    made = page.render("A run", {"First": page.note("One."), "Second": page.table(["a"], [["b"]])})
    reader = Reader(made)
    assert reader.open == []
    known = ["A run", "First", "One.", "Second", "a", "b"]
    assert [text for text in reader.texts if text in known] == ["A run", *known]


def test_page_needs_no_other_file_and_may_run_nothing():
    made = page.render("A run", {})
    assert "default-src 'none'" in made
    assert not re.search(r"<(script|link|img|iframe)|src=|@import|url\(", made)


@pytest.mark.parametrize("text", ["<script>", "a & b", '"quoted"', "${style}"])
def test_texts_of_strangers_stay_texts(text):
    made = page.render(text, {text: page.note(text) + page.table([text], [[text, text]])})
    reader = Reader(made)
    assert reader.texts.count(text) == 7
    assert reader.open == []


def test_table_is_shaded_by_shares():
    rows = [["a", "1 (25%)", "3 (75%)"], ["b", 0, 0]]
    made = page.table(["", "x", "y"], rows, shares=[[0.25, 0.75], [0, 0]])
    assert re.findall(r"/([\d.]+)\)", made) == ["0.17", "0.52"]
    assert "rgb" not in page.table(["", "x"], [["a", 1]])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("short", "short"),
        ("two\nlines", "two lines"),
        ("abcdefghijkl", "abcde…ijkl"),
    ],
)
def test_long_text_loses_its_middle(text, line):
    assert page.short(text, 10) == line
    assert len(page.short(text, 10)) <= 10
