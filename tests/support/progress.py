"""Show on one line how far the matrix is, and what a combination costs."""

import time
from collections import Counter
from typing import Any

import pytest
import samples
from interpreters import VERSIONS, find

__all__: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let CI spread the work over jobs, and take its time."""
    parser.addoption("--shard", default="1/1", metavar="I/N", help="run every N-th test, from the I-th on")
    parser.addoption("--long", action="store_true", help="run every case: every pair, every Python, more examples")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one shard."""
    shard, shards = map(int, config.getoption("shard").split("/"))
    config.hook.pytest_deselected(items=[item for place, item in enumerate(items) if place % shards != shard - 1])
    items[:] = items[shard - 1 :: shards]


class Progress:
    """Counts combinations as their reports come in, from one process or from many."""

    def __init__(self, config: pytest.Config) -> None:
        """Start the clock."""
        self.config = config
        self.done = self.total = 0
        self.spent: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        self.start = self.shown = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the seconds a combination reports, and rewrite the line every second (every ten, in a log)."""
        if report.when == "teardown":
            self.counts.update({key[9:]: value for key, value in report.user_properties if key[:9] == "count of "})
        seconds = {key: value for key, value in report.user_properties if key.startswith("seconds to ")}
        if report.when != "call" or not seconds:
            return
        self.done += 1
        for key, value in seconds.items():
            self.spent[key] = self.spent.get(key, 0) + float(str(value))
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        if terminal and time.monotonic() - self.shown > (1 if terminal.isatty else 10):
            self.shown = time.monotonic()
            terminal.write(f"\r{self.line()} " if terminal.isatty else f"\n{self.line()}")

    def line(self) -> str:
        """Say how far it is, in wall time and by share."""
        shares = ", ".join(f"{1000 * value / self.done:.0f} ms {key[11:]}" for key, value in self.spent.items())
        return f"{self.done} combinations, {(time.monotonic() - self.start) / self.done:.3f} s each ({shares})"

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say it once more, for the log."""
        if self.done:
            terminalreporter.write_line(self.line())
        if self.counts:
            counts = ", ".join(f"{count} {what}" for what, count in self.counts.items())
            terminalreporter.write_line(f"{counts}, in {time.monotonic() - self.start:.0f} s")


def pytest_report_header() -> str:
    """Say which Pythons there are to test with."""
    found = [version for version in VERSIONS if find(version)]
    missing = [version for version in VERSIONS if version not in found]
    return f"projects run on Python {', '.join(found)}" + (f"; not found: {', '.join(missing)}" if missing else "")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the cases, and count where the reports come together, not in the workers."""
    samples.long(now=config.getoption("long"))
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config), "progress-line")


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Print no dot for a combination: the line counts it."""
    counted = any(key.startswith("seconds to ") for key, _ in getattr(report, "user_properties", []))
    return ("passed" if report.when == "call" else "", "", "") if counted and report.passed else None
