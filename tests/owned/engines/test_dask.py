import signal
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest
from my_project._internal import engine
from my_project.errors import EngineError

pytest.importorskip("my_project._internal.engines")
pytest.importorskip("distributed")


def test_scheduler_that_does_not_answer_is_one_line(monkeypatch):
    from my_project._internal.engines import dask

    monkeypatch.setattr(dask, "_PATIENCE", 0.1)
    with pytest.raises(EngineError, match="dask: the cluster tcp://127.0.0.1:9 fails: "):
        engine.start("dask", "tcp://127.0.0.1:9", Path("made.csv")).__enter__()


def test_address_of_another_engine_is_refused():
    words = "cluster=spark://a:1 is none of dask: its addresses begin with tcp:// or "
    with pytest.raises(EngineError, match=words):
        engine.start("dask", "spark://a:1", Path("made.csv")).__enter__()


@pytest.mark.parametrize(("message", "raised"), [("a b: different environments", EngineError), ("x", RuntimeError)])
def test_scheduler_without_the_project_is_one_line(message, raised, monkeypatch):
    from my_project._internal.engines import dask

    def fail(*_, **__):
        raise RuntimeError(message)

    monkeypatch.setattr(dask, "Client", fail)
    with pytest.raises(raised, match=message):
        engine.start("dask", "tcp://127.0.0.1:9", Path("made.csv")).__enter__()


needs_masks = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be held back here")


@needs_masks
def test_interrupt_while_processes_start_comes_after_it():
    from my_project._internal.engines import dask

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    started = []
    try:
        with pytest.raises(KeyboardInterrupt), dask._deaf():
            signal.raise_signal(signal.SIGINT)
            started.append(1)
        assert started
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.signal(signal.SIGINT, before)


@needs_masks
def test_processes_started_by_a_thread_are_deaf():
    from my_project._internal.engines import dask

    code = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    said = []

    def start():
        said.append(subprocess.check_output([sys.executable, "-c", code], text=True).strip())

    with dask._deaf():
        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
    start()
    assert said == ["True", "False"]


def test_cluster_without_workers_is_one_line(monkeypatch):
    from my_project._internal.engines import dask

    monkeypatch.setattr(dask, "_PATIENCE", 0.1)
    cluster = {"n_workers": 0, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with dask.Client(**cluster, set_as_default=False) as client:
        start = engine.start("dask", client.scheduler.address, Path("made.csv"))
        with pytest.raises(EngineError, match=r"fails: no worker for 0.1 seconds"):
            start.__enter__()
        with pytest.raises(TimeoutError):
            [*dask._completed(client, [client.submit(len, "ab")])]
    assert not [*Path().iterdir()]


def test_rows_are_divided_in_their_order(tmp_path):
    from my_project._internal.engines import dask

    path = tmp_path / "t.parquet"
    pl.DataFrame({"n": range(11)}).write_parquet(path)
    cluster = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "processes": False,
        "dashboard_address": "127.0.0.1:0",
    }
    with dask.Client(**cluster, set_as_default=False) as client:
        parts = dask.Parts((path,), None, client, tmp_path).then(lambda frame: frame.filter(pl.col("n") != 3))
        assert parts.rows().collect()["n"].to_list() == [0, 1, 2, *range(4, 11)]
        assert [first for (_, first, _), _ in parts._places()] == [0, 6]


def test_workers_answer_in_order(tmp_path):
    from my_project._internal.engines import dask

    cluster = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "processes": False,
        "dashboard_address": "127.0.0.1:0",
    }
    with dask.Client(**cluster, set_as_default=False) as client:
        start = engine.start("dask", client.scheduler.address, tmp_path / "made.csv")
        with start as opened:
            workers = opened(pl.LazyFrame({"n": [[1]]}), [], exact=True).workers
            assert pl.read_parquet(workers.paths).rows() == [([1],)]
            assert workers.n_threads == 2
            assert [*workers.each(str, [3, 1, 2])] == ["3", "1", "2"]
