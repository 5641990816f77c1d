"""A rendered project to measure: its commands, and the same work by hand."""

from __future__ import annotations

import importlib.util
import os
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from measuring import Cost, alternate, median, run

__all__ = ["NEEDS", "TARGET", "Bench", "medians", "paired", "short"]

TESTS = Path(__file__).parent
TARGET = "label"
NEEDS = {"duckdb": "duckdb", "dask": "distributed", "spark": "pyspark"}


@dataclass(frozen=True)
class Bench:
    """A project to measure, and the rows to measure it with."""

    package: str
    folder: Path
    runs: int
    left_out: list[str] = field(default_factory=list)

    def rows(self, n_rows: int) -> Path:
        """Give a Parquet file of so many rows, made once."""
        path = self.folder / f"{n_rows}.parquet"
        if not path.exists():
            run([sys.executable, str(TESTS / "bench_data.py"), str(n_rows), str(path)], self.folder)
        return path

    def job(self, name: str, *words: str | Path) -> list[str]:
        """Give the command of a job."""
        return [sys.executable, str(TESTS / "bench_jobs.py"), name, self.package, *map(str, words)]

    def features(self, source: Path, engine: str) -> list[str]:
        """Give the command that makes features with an engine, to a file called after it."""
        made = self.folder / f"{engine}.parquet"
        return self.job("command", "features", source, "-o", made, "--target", TARGET, "--engine", engine)

    def by_hand(self, source: Path, engine: str) -> list[str]:
        """Give the command that calls an engine directly."""
        return self.job(engine, source, self.folder / f"{engine}-by-hand.parquet")

    def compare(self, source: Path, engine: str) -> dict[str, list[Cost]]:
        """Measure an engine through the package and directly; see that they make the same."""
        both = {"package": self.features(source, engine), "by hand": self.by_hand(source, engine)}
        found = alternate(both, self.folder, self.runs)
        made = (self.folder / f"{engine}{end}.parquet" for end in ("", "-by-hand"))
        run(self.job("same", *made), self.folder)
        return found

    def plugins(self, number: int) -> Path:
        """Give a folder of so many plugins."""
        made = self.folder / f"{number}-plugins"
        made.mkdir(exist_ok=True)
        for n in range(number):
            code = f'def transform(frame, *, low: float = {n}):\n    """Do nothing."""\n    return frame\n'
            (made / f"plugin{n}.py").write_text(code, encoding="utf-8")
        return made

    def has(self, engine: str) -> bool:
        """Tell whether an engine can be measured here; note the reason if not."""
        missing = "" if importlib.util.find_spec(NEEDS[engine]) else f"{NEEDS[engine]} is not installed"
        if engine == "spark" and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
            missing = "Java is not installed"
        reason = f"{engine}: {missing}"
        if missing and reason not in self.left_out:
            self.left_out.append(reason)
        return not missing


def medians(found: Mapping[str, Sequence[Cost]]) -> dict[str, dict[str, float]]:
    """Give the medians of each command, to four digits."""
    return {
        name: {part: round(value, 4) for part, value in asdict(median(costs)).items()} for name, costs in found.items()
    }


def paired(found: Mapping[str, Sequence[Cost]]) -> float:
    """Divide processor times within each round, as a machine is not as fast all the time; give the median."""
    rounds = zip(found["package"], found["by hand"], strict=True)
    return statistics.median(ours.cpu / hand.cpu for ours, hand in rounds)


def short(n_rows: int) -> str:
    """Write a number of rows in millions."""
    return f"{n_rows / 1e6:g} M" if n_rows >= 10**5 else f"{n_rows:,}"
