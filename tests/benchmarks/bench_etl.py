"""How an etl pipeline does on tables that do not fit: `nox -s bench` runs it where one is installed.

Takes the name of its package, and a folder with room for 3 GB. Fails where a limit is passed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

__all__: list[str] = []

pl: Any = import_module("polars")  # the project's

N_ROWS = 4_000_000  # about 250 MB as CSV
N_CHECKED = 10_000_000
RULES = {"a": "mass > 0", "b": "year >= 2000", "c": "length < 100", "d": "not is_null(depth)", "e": "id >= 0"}
CONFIG = """\
transforms = [
  { use = "filter", where = "mass > 3000 and species != 'Gentoo'" },
  { use = "derive", columns = { kg = "mass / 1000" } },
  { use = "clip", column = "length", low = 30, high = 60 },
]
[checks]
a = "mass > 0"
b = "year >= 2000"
"""


def table(n_rows: int) -> Any:
    """Make a lazy table of numbers, categories and texts, the same for the same length."""
    row = pl.int_range(n_rows, dtype=pl.Int64)
    chance = row.hash(seed=0) % 1_000_000
    return pl.select(
        id=row,
        species=pl.when(chance % 3 == 0).then(pl.lit("Gentoo")).otherwise(pl.lit("Adelie")),
        mass=3000 + chance / 500,
        length=30 + (chance % 1000) / 30,
        depth=pl.when(chance % 50 != 0).then(10 + (chance % 777) / 50),
        year=2000 + (chance % 20).cast(pl.Int64),
        note=pl.format("note {} of the day", chance),
    ).lazy()


def peak(words: list[str], folder: Path) -> float:
    """Run a command and give the MB that it held at most; pages of a mapped file, which the system can drop, aside."""
    held = 0
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            status = Path(f"/proc/{running.pid}/status").read_text(encoding="ascii")
            held = max([held, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))])
            time.sleep(0.02)
    if running.returncode:
        msg = f"{words} gave {running.returncode}"
        raise RuntimeError(msg)
    return held / 1024


def bench_memory(command: str, folder: Path, suffix: str) -> float:
    """Give the peak memory at four times the rows against that at one; print both."""
    peaks = []
    for times in (1, 4):
        source = folder / f"source{suffix}"
        write = {".csv": "sink_csv", ".jsonl": "sink_ndjson", ".parquet": "sink_parquet"}[suffix]
        getattr(table(times * N_ROWS), write)(source)
        words = [command, "run", str(source), "-o", "made.parquet", "--config", "run.toml"]
        peaks.append(peak(words, folder))
        print(f"run {suffix}, {source.stat().st_size / 1e6:6.0f} MB of input {peaks[-1]:10.0f} MB held")  # noqa: T201
        source.unlink()
    return peaks[1] / peaks[0]


def bench_checks(package: str, folder: Path) -> float:
    """Give the median seconds that five rules take beside a bare scan of the same rows, one after the other."""
    batches, checks = (import_module(f"{package}.{name}") for name in ("batches", "checks"))
    table(N_CHECKED).sink_parquet(folder / "checked.parquet")

    def seconds(*, look: bool) -> float:
        rules, start = checks.read(RULES), time.perf_counter()
        for batch in batches.split(pl.scan_parquet(folder / "checked.parquet"), 100_000):
            if look:
                checks.look(rules, batch, reject=True)
        return time.perf_counter() - start

    return statistics.median(seconds(look=True) - seconds(look=False) for _ in range(9))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[2]) as name:
        home = Path(name)
        (home / "run.toml").write_text(CONFIG, encoding="utf-8")
        program = str(Path(sys.executable).with_name(sys.argv[1].replace("_", "-")))
        growth = {suffix: bench_memory(program, home, suffix) for suffix in (".csv", ".parquet", ".jsonl")}
        seconds = bench_checks(sys.argv[1], home)
    for suffix, ratio in growth.items():
        print(f"memory at 4 x the rows, {suffix:8} {ratio:8.3f} x  (limit 1.25)")  # noqa: T201
    print(f"five rules on {N_CHECKED} rows {seconds:8.3f} s  (limit 0.2)")  # noqa: T201
    sys.exit(int(max(growth.values()) > 1.25 or seconds > 0.2))  # noqa: PLR2004 - as printed
