"""The work that the benchmarks measure, one job a process: what the package does, and the same by hand.

`python tests/bench_jobs.py polars PACKAGE rows.parquet made.parquet` prints the seconds that the job took, imports and
start left out, and the processor seconds of the process and of the workers that it waited for.
"""

from __future__ import annotations

import functools
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from bench_by_hand import features

__all__: list[str] = []

TARGET = "label"
LOADED = {
    "features": ["io", "preprocess", "features", "config", "_internal.engine", "_internal.registry"],
    "predict": ["io", "model", "config", "_internal.engine", "_internal.store"],
}

Job = Callable[[], Any]


def command(package: str, *words: str) -> Job:
    """Run a command of the package; what it imports when it is called is there before."""
    cli = import_module(f"{package}.cli")
    engine = words[words.index("--engine") + 1]
    for name in (*LOADED[words[0]], *([] if engine == "polars" else [f"_internal.engines.{engine}"])):
        import_module(f"{package}.{name}")
    return functools.partial(_call, cli.main, ["-q", *words])


def duckdb(package: str, source: str, output: str) -> Job:
    """Call DuckDB with the package's steps, and let it write, in the order of the source."""
    direct = import_module("duckdb")
    learn, transform = _steps(package)

    def work() -> None:
        with direct.connect() as database:
            rows = database.read_parquet(source)
            made = transform(learn(rows), rows)
            made.query("made", f"COPY made TO '{output}' (FORMAT parquet, COMPRESSION zstd, PRESERVE_ORDER true)")

    return work


def dask(package: str, source: str, output: str) -> Job:
    """Call distributed with the package's steps: a worker learns, two write partitions, which become one file."""
    pl: Any = import_module("polars")
    distributed = import_module("distributed")
    import_module(f"{package}.commands.features")
    _steps(package)

    def work() -> None:
        n_rows = pl.scan_parquet(source).select(pl.len()).collect().item()
        size = max(1, min(1 << 18, -(-n_rows // 2)))
        with (
            tempfile.TemporaryDirectory(dir=Path(output).parent) as folder,
            distributed.LocalCluster(2, threads_per_worker=1, local_directory=folder, dashboard_address=None) as local,
            distributed.Client(local, set_as_default=False) as client,
        ):
            encoder = client.submit(_learn_all, package, source)
            parts = [Path(folder, f"{first:09}.parquet") for first in range(0, n_rows, size)]
            places = [(source, number * size, size, str(part)) for number, part in enumerate(parts)]
            client.gather([client.submit(_write_part, package, encoder, place) for place in places])
            pl.scan_parquet(parts).sink_parquet(output)

    return work


def spark(package: str, source: str, output: str) -> Job:
    """Call Spark with the package's steps: it writes its parts, which become one file."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    pl: Any = import_module("polars")
    sessions: Any = import_module("pyspark.sql").SparkSession
    learn, transform = _steps(package)

    def work() -> None:
        with tempfile.TemporaryDirectory(dir=Path(output).parent) as folder:
            session = sessions.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
            rows = session.read.parquet(source)
            made = transform(learn(rows), rows)
            numbered = made.toDF(*map(str, range(len(made.columns))))
            numbered.write.parquet(f"{folder}/made", compression="zstd")
            parts = pl.scan_parquet(f"{folder}/made/*.parquet").rename(
                {str(n): name for n, name in enumerate(made.columns)}
            )
            parts.sink_parquet(output)
            session.stop()

    return work


def same(_package: str, one: str, other: str) -> Job:
    """Compare two tables that may be in another order: columns, rows, missing values and sums."""
    pl: Any = import_module("polars")

    def work() -> None:
        def told(path: str) -> Any:
            columns = pl.all()
            sums = columns.sum().name.suffix(" sum"), columns.pow(2).sum().name.suffix(" squares")
            return pl.scan_parquet(path).select(columns.count(), *sums, pl.len().alias(" rows")).collect()

        import_module("polars.testing").assert_frame_equal(told(one), told(other), check_dtypes=False, rel_tol=1e-6)

    return work


def _steps(package: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Give the two steps of the package's command: learn from rows, and make features of them."""
    steps = import_module(f"{package}.commands.features")
    for name in ("preprocess", "features"):
        import_module(f"{package}.{name}")
    return functools.partial(steps._fit, [TARGET]), _transform  # noqa: SLF001 - to be called without an engine


def _transform(steps: Any, frame: Any) -> Any:
    for step in steps:
        frame = step.transform(frame)
    return frame


def _learn_all(package: str, source: str) -> Any:
    learn, _ = _steps(package)
    return learn(import_module("polars").scan_parquet(source))


def _write_part(package: str, encoder: Any, place: tuple[str, int, int, str]) -> None:
    pl: Any = import_module("polars")
    _, transform = _steps(package)
    source, first, size, part = place
    transform(encoder, pl.scan_parquet(source).slice(first, size)).sink_parquet(part)


def _call(main: Callable[[list[str]], Any], words: list[str]) -> None:
    try:
        main(words)
    except SystemExit as done:
        if done.code:
            raise


def _spent() -> float:
    """Give the processor seconds of this process and of those it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _stop_java() -> None:
    """Wait for the Java that pyspark leaves running, so that what it used is counted."""
    context = getattr(sys.modules.get("pyspark"), "SparkContext", None)
    gateway = getattr(context, "_gateway", None)
    if gateway:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()


JOBS: dict[str, Callable[..., Job]] = {
    "command": command,
    "polars": lambda _, source, output: functools.partial(features, source, output),
    "duckdb": duckdb,
    "dask": dask,
    "spark": spark,
    "same": same,
}

if __name__ == "__main__":
    job = JOBS[sys.argv[1]](*sys.argv[2:])
    before = time.perf_counter(), _spent()
    job()
    seconds = time.perf_counter() - before[0]
    _stop_java()
    print(json.dumps({"wall": seconds, "cpu": _spent() - before[1]}))  # noqa: T201
