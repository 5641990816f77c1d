"""Real clusters on this machine, of processes that a test may kill, and jobs on them."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

__all__ = ["HERE", "PACKAGE", "Cluster", "Job", "Result", "kill", "no_java", "start", "until"]

PACKAGE = "on_cluster"
"""The project that `nox -s cluster` renders and installs."""

HERE = "127.0.0.1"
SPARK = "org.apache.spark.deploy"
PATIENCE = 600
"""Seconds that a job may take, far more than any limit of the package: it hangs."""


class Result(NamedTuple):
    """What a command left."""

    code: int
    err: str


class Job:
    """A command of the project that runs in a session of its own, as in a terminal."""

    def __init__(self, folder: Path, *words: str, more: dict[str, str] | None = None) -> None:
        self.log = (folder / "stderr.txt").open("w+", encoding="utf-8")
        environment = os.environ | {"OMP_NUM_THREADS": "1", "SPARK_LOCAL_IP": HERE} | (more or {})
        self.process = subprocess.Popen(
            [sys.executable, "-m", PACKAGE, "-q", *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.log,
            start_new_session=True,
        )

    def interrupt(self) -> None:
        """Press Ctrl-C: all processes in the foreground hear it."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> Result:
        """Wait for the end; one that does not come is a failure."""
        try:
            code = self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                kill(self.process)
        with self.log:
            self.log.seek(0)
            return Result(code, self.log.read())

    def left(self) -> list[str]:
        """Name the processes that it started and that are still there."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state != "Z":
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
        return found


@dataclass
class Cluster:
    """A scheduler or master, and two workers."""

    address: str
    head: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


def no_java() -> str:
    """Say why Spark cannot run here; empty: it can."""
    return "" if shutil.which("java") or os.environ.get("JAVA_HOME") else "Java is not installed"


@contextlib.contextmanager
def start(engine: str, folder: Path, *, n_workers: int = 2) -> Iterator[Cluster]:
    """Start a cluster of dask or spark in a folder, bound to this machine; kill it in the end."""
    with contextlib.ExitStack() as stack:

        def run(name: str, *words: str) -> subprocess.Popen[bytes]:
            log = stack.enter_context((folder / f"{name}.txt").open("wb"))
            environment = os.environ | {"SPARK_LOCAL_IP": HERE, "SPARK_NO_DAEMONIZE": "1", "OMP_NUM_THREADS": "1"}
            process = subprocess.Popen(
                words, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            stack.callback(kill, process)
            return process

        yield (_dask if engine == "dask" else _spark)(run, folder, n_workers)


def _dask(run: Callable[..., subprocess.Popen[bytes]], folder: Path, n_workers: int) -> Cluster:
    address = f"tcp://{HERE}:{_free_port()}"
    dask = [sys.executable, "-m", "dask"]
    head = run("head", *dask, "scheduler", "--host", address, "--no-dashboard", "--no-show")
    words = [*dask, "worker", address, "--no-nanny", "--nthreads=1", "--no-dashboard"]
    workers = [run(f"worker-{n}", *words, f"--local-directory={folder}/{n}") for n in range(n_workers)]
    until(lambda: _said(folder / "head.txt", "Register worker", n_workers))
    return Cluster(address, head, workers)


def _spark(run: Callable[..., subprocess.Popen[bytes]], folder: Path, n_workers: int) -> Cluster:
    launch = ["bash", str(Path(import_module("pyspark").__file__ or "").parent / "bin" / "spark-class")]
    port = str(_free_port())
    head = run("head", *launch, f"{SPARK}.master.Master", "-h", HERE, "-p", port, "--webui-port", "0")
    address = f"spark://{HERE}:{port}"
    words = [*launch, f"{SPARK}.worker.Worker", address, "-h", HERE, "-c", "1", "-m", "1g", "--webui-port", "0"]
    workers = [run(f"worker-{n}", *words, "-d", f"{folder}/{n}") for n in range(n_workers)]
    until(lambda: _said(folder / "head.txt", "Registering worker", n_workers))
    return Cluster(address, head, workers)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and those it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def until(true: Callable[[], object], seconds: float = 300) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"did not come true in {seconds} seconds"
        time.sleep(0.02)


def _said(log: Path, words: str, times: int) -> bool:
    return log.read_text(errors="replace").count(words) >= times


def _free_port() -> int:
    with socket.create_server((HERE, 0)) as server:
        port: int = server.getsockname()[1]
    return port
