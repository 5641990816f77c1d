"""Free-text answers that break careless templates, and a way to deal them out."""

import zlib

__all__ = ["ANGLES", "HOSTILE", "TEXTS", "deal"]

HOSTILE = {
    "quotes": """It's a "quoted" name, 'twice'""",
    "triple quotes": "\"\"\"tides\"\"\" and '''waves'''",
    "backslash": r"C:\new\table \u0041 \N{DIGIT ONE} end\\",
    "yaml": "yes: #no, &all *none - [x] {y} | !z %w @v",
    "yaml word": "null",
    "number": "1e3",
    "toml": "= [[x]] # y",
    "jinja": "{{ 7*7 }} {% if x %} {# y #} }}",
    "accents": "Étude d’été naïve à Škofja Łódź ﬁ",  # noqa: RUF001
    "cjk": "潮汐观测 データ",
    "right to left": "מדידת גאות",
    "emoji": "Tides 🌊 on 🏝️ 👩🏽‍🔬",
    "markup": "&amp; [a](b) `c` *d* _e_ ~~g~~ \\*h\\*",
    "shell": "$HOME $(id) `id` ; rm -rf % %(x)s ${{ x }} !! ~",
    "marks": "# - + 1. ``` ---",
    "one letter": "é",
    "long": ("Tide gauges, waves and winds " * 11)[:299] + "!",
}

ANGLES = "<b>tides</b> <!-- waves --> > winds"  # no name: they enclose an address

TEXTS = {
    "project_name": ["Tide gauge", ANGLES, *HOSTILE.values()],
    "description": ["", "Predicts the tide", ANGLES, *HOSTILE.values()],
    "package_name": ["tide_gauge", "q", "a" + 39 * "b", "x1", "tides_of_the_northern_and_southern_seas", "model2_v3"],
    "user_name": ["", "Ada Lovelace", *HOSTILE.values()],
    "user_email": ["", "ada@example.org", "o'ada+tides{x}@sub.example-1.org"],
    "github_user": ["", "ada", "a" + 19 * "-b"],
    "gitlab_user": ["", "ada", "ada/models.v1/wind_power"],
}


def deal(key: str, number: int) -> str:
    """Give the text that combination `number` answers a question with.

    A checksum deals, so that the texts do not fall into step with the choices.
    """
    return TEXTS[key][zlib.crc32(f"{key} {number}".encode()) % len(TEXTS[key])]
