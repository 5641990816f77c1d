"""How the engines do beside the same job by hand: `nox -s bench` runs it where a project is installed.

`python tests/bench_engines.py PACKAGE FOLDER [--rows 20000]` needs a folder with room for a few GB. It says which
limits are passed; all figures are ratios of one run, or shares of whatever machine that is.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import bench_page
from bench_page import Figure, Report
from bench_project import NEEDS, TARGET, Bench, medians, paired, short
from measuring import Cost, alternate, machine, median, run, side_by_side, slope

__all__: list[str] = []

TIMES = (1, 2, 4, 8)
PLUGINS = (0, 10, 100)
N_TRAIN = 20_000
LARGE = 0.25  # GB of Parquet: from here on memory has a limit
SHOWN = ("polars", "narwhals", "duckdb", "distributed", "pyspark", "pandas", "scikit-learn")


def pipeline(bench: Bench, n_rows: int, limit: float) -> Iterator[Figure]:
    """Compare the package's features with polars by hand; give its throughput and memory, and duckdb's memory."""
    source, what = bench.rows(n_rows), f"features, {short(n_rows)} rows"
    found = bench.compare(source, "polars")
    raw = medians(found)
    ours = median(found["package"])
    yield Figure(f"{what}: CPU of the package / polars by hand", paired(found), "x", limit, raw=raw)
    speed = n_rows / 1e6 / ours.wall
    yield Figure(f"{what}: million rows a second", speed, "M/s", 0.85, "least", raw=raw)
    yield _memory(f"{what}, polars", ours, source, 6)
    if bench.has("duckdb"):
        spent = run(bench.features(source, "duckdb"), bench.folder)
        yield _memory(f"{what}, duckdb", spent, source, 2)


def _memory(what: str, spent: Cost, source: Path, limit: float) -> Figure:
    """Divide the peak by the size of the file; a small one says nothing, as libraries take memory too."""
    size = source.stat().st_size / 1e9
    raw = {"peak in GiB": round(spent.peak, 3), "Parquet in GB": round(size, 3)}
    return Figure(f"{what}: memory / Parquet", spent.peak / size, "GiB/GB", limit if size >= LARGE else None, raw=raw)


def layers(bench: Bench, n_rows: int, engines: Iterable[str]) -> Iterator[Figure]:
    """Compare an engine through the package with calling it directly, for the same steps."""
    for engine in engines:
        if not bench.has(engine):
            continue
        found = bench.compare(bench.rows(n_rows), engine)
        what = f"features, {short(n_rows)} rows: CPU through the engine layer / {engine} directly"
        yield Figure(what, paired(found), "x", 1.1, raw=medians(found))


def growth(bench: Bench, n_rows: int) -> Iterator[Figure]:
    """Measure features of 1, 2, 4 and 8 times the rows."""
    sizes = [n_rows * times for times in TIMES]
    commands = {f"{short(size)} rows": bench.features(bench.rows(size), "polars") for size in sizes}
    found = alternate(commands, bench.folder, bench.runs)
    cpu = slope(sizes, [median(costs).cpu for costs in found.values()])
    yield Figure("features, 1, 2, 4, 8 x the rows: slope of log CPU over log rows", cpu, "", 1.1, raw=medians(found))


def prediction(bench: Bench, n_rows: int) -> Iterator[Figure]:
    """Measure predictions of 1, 2 and 4 times the rows, with a model of few."""
    model = bench.folder / "model"
    train = [
        "-c",
        f"from {bench.package}.cli import main; main()",
        "-q",
        "train",
        str(bench.rows(min(N_TRAIN, n_rows))),
    ]
    run([sys.executable, *train, "--target", TARGET, "-o", str(model)], bench.folder)
    made = bench.folder / "predicted.parquet"
    sizes = [n_rows * times for times in TIMES[:3]]
    commands = {
        f"{short(size)} rows": bench.job(
            "command", "predict", model, bench.rows(size), "-o", made, "--engine", "polars"
        )
        for size in sizes
    }
    found = alternate(commands, bench.folder, bench.runs)
    small, *_, large = (median(costs) for costs in found.values())
    raw = medians(found)
    yield Figure("predictions, million rows a second", sizes[-1] / 1e6 / large.wall, "M/s", 0.5, "least", raw=raw)
    yield Figure("predictions, memory at 4 x the rows / at 1 x", large.peak / small.peak, "x", 1.25, raw=raw)


def start_up(bench: Bench) -> Iterator[Figure]:
    """Measure --help, and a list of 0, 10 and 100 plugins, beside `import click`."""
    command = [sys.executable, "-c", f"from {bench.package}.cli import main; main()"]
    listed = [[*command, "--plugins", str(bench.plugins(n)), "plugins", "list"] for n in PLUGINS]
    words = [[sys.executable, "-c", "import click"], [*command, "--help"], *listed]
    click, shown, *lists = side_by_side(*words, cwd=bench.folder, runs=bench.runs)
    raw = {
        "import click": click,
        "--help": shown,
        **{f"{n} plugins": seconds for n, seconds in zip(PLUGINS, lists, strict=True)},
    }
    yield Figure("--help / python -c 'import click'", shown / click, "x", 1.5, raw=raw)
    yield Figure("plugins list with 10 / with none", lists[1] / lists[0], "x", raw=raw)
    yield Figure("plugins list with 100 / with none", lists[2] / lists[0], "x", raw=raw)


def _versions() -> str:
    here = [name for name in SHOWN if importlib.util.find_spec(name.replace("scikit-learn", "sklearn"))]
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in here)


def measure(bench: Bench, n_rows: int, times: int, engines: Sequence[str]) -> Report:
    """Measure all, with so many rows and with a multiple of them."""
    about = machine() | {"versions": _versions(), "repetitions": f"{bench.runs}, medians, alternating"}
    bench.left_out.extend(f"{name} directly: not asked for" for name in NEEDS if name not in engines)
    part = max(1, n_rows // 4)
    steps = [
        pipeline(bench, n_rows, 1.15),
        pipeline(bench, n_rows * times, 1.05) if times else (),
        layers(bench, n_rows, engines),
        growth(bench, part),
        prediction(bench, n_rows),
        start_up(bench),
    ]
    figures = []
    for figure in (figure for step in steps for figure in step):
        print(f"{figure.what:72} {figure.value:8.3f} {figure.unit}", flush=True)  # noqa: T201
        figures.append(figure)
    return Report(about, figures, bench.left_out)


def main() -> None:
    """Measure, and write what was found; fail where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--times", type=int, default=5, help="size of the large table; 0: there is none")
    parser.add_argument("--runs", type=int, default=5, help="repetitions, and one before that is not counted")
    parser.add_argument("--engines", nargs="*", default=["duckdb", "dask", "spark"], help="to call directly, too")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.*")
    parser.add_argument("--no-limits", action="store_true", help="succeed, whatever is found")
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the first round compiles what the others load
    report = measure(Bench(given.package, given.folder.resolve(), given.runs), given.rows, given.times, given.engines)
    (given.folder / "benchmarks.json").write_text(report.to_json(), encoding="utf-8")
    (given.folder / "benchmarks.svg").write_text(bench_page.plot(report), encoding="utf-8")
    print(bench_page.table(report))  # noqa: T201
    if given.write:
        bench_page.write(report)
    passed = [figure.what for figure in report.figures if figure.held is False]
    sys.exit("\n".join(["passed limits:", *passed]) if passed and not given.no_limits else 0)


if __name__ == "__main__":
    main()
