"""Jobs on real clusters end: with the whole output, or with one line and the old one."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from clusters import HERE, PACKAGE, Cluster, Job, Result, kill, no_java, start, until

pytestmark = pytest.mark.cluster
pytest.importorskip(PACKAGE, reason="nox -s cluster installs it")
pl = pytest.importorskip("polars")

SPARK = pytest.mark.skipif(bool(no_java()), reason=no_java())
ENGINES = ["dask", pytest.param("spark", marks=SPARK)]

COMMANDS = {"predict": ("predict", "model", "parts"), "features": ("features", "parts", "--target", "species")}

Begin = Callable[..., Job]

N_PARTS = 6

PLUGIN = '''
"""Count years from 1, slowly: each batch takes its time where it is."""

import time
from pathlib import Path

import narwhals as nw


def transform(frame, *, pace: str):
    seconds = float(Path(pace).read_text())
    frame = nw.from_native(frame).with_columns(nw.col("year") - 2006).to_native()
    if not hasattr(frame, "mapInArrow"):
        time.sleep(seconds)
        return frame

    def wait(batches):
        for batch in batches:
            time.sleep(seconds)
            yield batch

    return frame.mapInArrow(wait, frame.schema)
'''

CONFIG = """
plugin_folder = "mine"
transforms = [{{ use = "slow", pace = "{pace}" }}]
max_iter = 3
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a table in parts, a model, and what polars predicts."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "mine").mkdir(mode=0o700)
    (folder / "mine" / "slow.py").write_text(PLUGIN)
    (folder / "pace").write_text("0")
    (folder / "my.toml").write_text(CONFIG.format(pace=folder / "pace"))
    [sample] = Path(pytest.importorskip(PACKAGE).__file__).parent.glob("data/*.csv")
    rows = pl.read_csv(sample, null_values="NA")
    rows.write_csv(folder / "all.csv")
    (folder / "parts").mkdir()
    for number, part in enumerate(rows.iter_slices(-(-len(rows) // N_PARTS))):
        part.write_parquet(folder / "parts" / f"{number:02}.parquet")
    for words in (
        ("train", "all.csv", "--target", "species", "-o", "model"),
        *((*words, "-o", f"right-{command}.csv") for command, words in COMMANDS.items()),
    ):
        done = Job(folder, *words, "--config", "my.toml").end()
        assert done == (0, ""), words
    (folder / "pace").write_text("0.3")  # seconds; from here on each batch takes its time
    return folder


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """Give a folder of one's own with the same, and an old output."""
    return _copy(prepared, tmp_path / "job")


def _copy(prepared: Path, folder: Path) -> Path:
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    (folder / "mine").chmod(0o700)
    (folder / "out").mkdir()
    (folder / "out" / "made.csv").write_text("old")
    return folder


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Give an engine that has clusters."""
    return str(request.param)


@pytest.fixture
def cluster(engine: str, tmp_path: Path) -> Iterator[Cluster]:
    """Give a cluster of two workers, for one test."""
    (tmp_path / "cluster").mkdir()
    with start(engine, tmp_path / "cluster") as cluster:
        yield cluster


@pytest.fixture
def begin(folder: Path, engine: str) -> Iterator[Begin]:
    """Give what starts a job on the cluster of an address, or on one that the command starts; kill it in the end."""
    jobs = []

    def call(address: str = "", command: str = "predict") -> Job:
        more = {f"{PACKAGE}_CLUSTER".upper(): address} if address else {}
        words = [*COMMANDS[command], "--config", "my.toml", "-o", "out/made.csv", "--engine", engine]
        jobs.append(Job(folder, *words, more=more))
        return jobs[-1]

    yield call
    for job in jobs:
        kill(job.process)


def halfway(folder: Path, job: Job) -> None:
    """Wait until a worker has written a part."""
    until(lambda: [*folder.glob("out/.made.csv.*/[0-9]*.parquet")] or job.process.poll() is not None)
    assert job.process.poll() is None, job.end()


def assert_whole(folder: Path, done: Result, command: str = "predict") -> None:
    assert done == (0, "")
    assert (folder / "out" / "made.csv").read_text() == (folder / f"right-{command}.csv").read_text()
    assert [path.name for path in (folder / "out").iterdir()] == ["made.csv"]


def assert_one_line(folder: Path, done: Result, code: int, start: str) -> None:
    assert (done.code, done.err.strip().count("\n")) == (code, 0), done.err  # an interrupt ends a line of its own
    assert done.err.strip().startswith(start), done.err
    assert (folder / "out" / "made.csv").read_text() == "old"
    assert [path.name for path in (folder / "out").iterdir()] == ["made.csv"]


@pytest.mark.parametrize("command", COMMANDS)
def test_running_cluster_makes_what_polars_makes(folder: Path, cluster: Cluster, command: str, begin: Begin) -> None:
    assert_whole(folder, begin(cluster.address, command).end(), command)
    assert all(process.poll() is None for process in [cluster.head, *cluster.workers])


@pytest.mark.filterwarnings("default")
def test_model_is_sent_once_and_built_once_by_each_worker(
    folder: Path, engine: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = import_module(f"{PACKAGE}._internal.engine")
    built = folder / "built"
    code = f"(open({str(built)!r}, 'a').write(f'{{__import__(\"os\").getpid()}}\\n'), lambda frame: frame)[1]"
    recipe = engines.Recipe(eval, (code,))
    sent = []

    def send(self: Any) -> Any:
        sent.append(self)
        return engines.Recipe, (self.build, self.given)

    monkeypatch.setattr(engines.Recipe, "__reduce__", send)
    monkeypatch.setenv("SPARK_LOCAL_IP", HERE)
    parts = sorted((folder / "parts").iterdir())
    with engines.start(engine, cluster.address, folder / "made.parquet") as opened:
        table = opened(pl.scan_parquet(parts), parts).score(recipe, lambda _: None)
        assert len(table.rows().collect()) == len(pl.read_parquet(parts))
    workers = built.read_text().split()
    assert (len(sent), len(workers)) == (1, len({*workers}))
    assert len(workers) <= len(cluster.workers) < len(parts)


def test_workers_need_no_plugin_folder(folder: Path, cluster: Cluster, begin: Begin) -> None:
    job = begin(cluster.address)
    halfway(folder, job)
    shutil.rmtree(folder / "mine")
    assert_whole(folder, job.end())


def test_job_survives_the_death_of_a_worker(folder: Path, cluster: Cluster, begin: Begin) -> None:
    job = begin(cluster.address)
    halfway(folder, job)
    kill(cluster.workers[0])
    assert_whole(folder, job.end())


def test_death_of_all_workers_is_one_line(folder: Path, engine: str, cluster: Cluster, begin: Begin) -> None:
    job = begin(cluster.address)
    halfway(folder, job)
    for worker in cluster.workers:
        kill(worker)
    assert_one_line(folder, job.end(), 2, f"error: {engine}: the cluster {cluster.address} ")


def test_cluster_without_workers_is_one_line(folder: Path, engine: str, tmp_path: Path, begin: Begin) -> None:
    with start(engine, tmp_path, n_workers=0) as cluster:
        done = begin(cluster.address).end()
        assert_one_line(folder, done, 2, f"error: {engine}: the cluster {cluster.address} ")


def test_cluster_that_is_not_there_is_one_line(folder: Path, engine: str, begin: Begin) -> None:
    address = {"dask": "tcp", "spark": "spark"}[engine] + "://127.0.0.1:9"
    assert_one_line(folder, begin(address).end(), 2, f"error: {engine}: the cluster {address} ")


def test_job_without_its_scheduler_is_one_line(folder: Path, engine: str, cluster: Cluster, begin: Begin) -> None:
    job = begin(cluster.address)
    halfway(folder, job)
    kill(cluster.head)
    if engine == "spark":  # whose workers need their master for nothing but new jobs
        assert_whole(folder, job.end())
    else:
        assert_one_line(folder, job.end(), 2, f"error: {engine}: the cluster {cluster.address} ")


def test_interrupt_leaves_the_cluster_idle(folder: Path, cluster: Cluster, begin: Begin) -> None:
    job = begin(cluster.address)
    halfway(folder, job)
    job.interrupt()
    assert_one_line(folder, job.end(), 130, "interrupted")
    assert all(process.poll() is None for process in [cluster.head, *cluster.workers])
    assert_whole(folder, begin(cluster.address).end())


def nothing_left(job: Job) -> None:
    until(lambda: not job.left(), 20)


def test_cluster_of_a_command_goes_with_it(folder: Path, begin: Begin) -> None:
    job = begin()
    assert_whole(folder, job.end())
    nothing_left(job)


def test_cluster_of_a_command_goes_after_a_failure(folder: Path, begin: Begin) -> None:
    shutil.copy(folder / "parts" / "00.parquet", folder / "parts" / "99.parquet")
    with (folder / "parts" / "99.parquet").open("r+b") as stream:
        stream.seek(4)
        stream.write(b"\0" * 64)  # the rows; names and types stand at the end
    job = begin()
    assert_one_line(folder, job.end(), 2, "error: ")
    nothing_left(job)


def test_cluster_of_a_command_goes_after_an_interrupt(folder: Path, begin: Begin) -> None:
    job = begin()
    halfway(folder, job)
    job.interrupt()
    assert_one_line(folder, job.end(), 130, "interrupted")
    nothing_left(job)


@pytest.fixture
def full(folder: Path) -> Iterator[Callable[[int], None]]:
    """Give what makes the output's disk so small, in KiB."""
    made: list[str] = []

    def mount(size: int) -> None:
        words = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(folder / "out")]
        if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("a small disk takes the right to mount one")
        made.append(str(folder / "out"))
        (folder / "out" / "made.csv").write_text("old")

    yield mount
    for place in made:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.parametrize("size", [16, 40], ids=["for the parts", "for the output"])
def test_full_disk_is_one_line(
    folder: Path, cluster: Cluster, full: Callable[[int], None], size: int, begin: Begin
) -> None:
    full(size)
    done = begin(cluster.address).end()
    assert_one_line(folder, done, 2, "error: ")
    assert "No space left on device" in done.err
