"""Measure commands side by side: seconds, processor seconds, memory.

It loads little: what a child held at most is never less than what its parent holds when it starts it.
"""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["N_RUNS", "Cost", "alternate", "machine", "median", "run", "side_by_side", "slope", "timed"]

N_RUNS = 9


@dataclass(frozen=True)
class Cost:
    """What a command takes.

    `wall` and `cpu` in seconds: what a job prints of its own, else of the whole process with those it waited for.
    `peak` is the most memory that it, or one it waited for, held at a time: GiB.
    """

    wall: float
    cpu: float
    peak: float


def run(words: Sequence[str], folder: Path) -> Cost:
    """Run a command in a folder.

    Raises
    ------
    RuntimeError
        If it fails; with what it said.
    """
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        with subprocess.Popen(words, cwd=folder, stdout=said, stderr=said) as running:
            _, status, used = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        said.seek(0)
        lines = said.read().splitlines() or [""]
    if running.returncode:
        msg = f"{' '.join(words)} gave {running.returncode}:\n" + "\n".join(lines[-20:])
        raise RuntimeError(msg)
    own = json.loads(lines[-1]) if lines[-1].startswith("{") else {}
    peak = used.ru_maxrss / (1 << 30 if sys.platform == "darwin" else 1 << 20)
    return Cost(own.get("wall", wall), own.get("cpu", used.ru_utime + used.ru_stime), peak)


def alternate(commands: Mapping[str, Sequence[str]], folder: Path, runs: int) -> dict[str, list[Cost]]:
    """Run commands in turn, so that all meet the same noise; give the costs of each but in the first round."""
    rounds = [{name: run(words, folder) for name, words in commands.items()} for _ in range(runs + 1)]
    return {name: [each[name] for each in rounds[1:] or rounds] for name in commands}


def median(costs: Sequence[Cost]) -> Cost:
    """Give the median of each figure."""
    rows = [asdict(cost) for cost in costs]
    return Cost(**{name: statistics.median(row[name] for row in rows) for name in rows[0]})


def slope(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Fit a line to the logarithms: 1 where twice the size takes twice as much."""
    fitted = statistics.linear_regression([math.log(size) for size in sizes], [math.log(value) for value in values])
    return fitted.slope


def timed(work: Callable[..., object], *words: object, **options: object) -> float:
    """Give the seconds that something takes."""
    start = time.perf_counter()
    work(*words, **options)
    return time.perf_counter() - start


def side_by_side(*commands: Sequence[str], cwd: Path, runs: int = N_RUNS) -> list[float]:
    """Run commands in turn, NEW being a new folder; give the median seconds of each."""
    rounds = []
    for _ in range(runs + 1):
        words = [[word.replace("NEW", tempfile.mkdtemp(dir=cwd)) for word in command] for command in commands]
        rounds.append([timed(subprocess.run, line, cwd=cwd, check=True, capture_output=True) for line in words])
    return [
        statistics.median(column) for column in zip(*(rounds[1:] or rounds), strict=True)
    ]  # the first round compiles bytecode


def machine() -> dict[str, str]:
    """Describe the machine, and how busy it is."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text(encoding="utf-8").splitlines() if cpus.exists() else []
    models = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": ", ".join(models) or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{pages / (1 << 30):.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f} when it began",
        "Python": platform.python_version(),
    }
