import logging
import signal
import socket
import threading
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from my_project._internal import engine
from my_project.errors import DataError, EngineError

pytest.importorskip("my_project._internal.engines")
pytest.importorskip("pyspark")


def test_missing_java_is_one_line(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EngineError, match="engine spark needs Java 17 or newer: install it"):
        engine.start("spark", None, Path("made.csv")).__enter__()


def test_address_of_another_engine_is_refused():
    words = "cluster=tcp://a:1 is none of spark: its addresses begin with spark:// or "
    with pytest.raises(EngineError, match=words):
        engine.start("spark", "tcp://a:1", Path("made.csv")).__enter__()


def test_one_of_several_masters_has_to_answer():
    from my_project._internal.engines import spark

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        spark._check_answers(f"spark://127.0.0.1:9,127.0.0.1:{port}")
    with pytest.raises(EngineError, match="^spark: the cluster spark://.* does not answer: Conn"):
        spark._check_answers(f"spark://127.0.0.1:9,127.0.0.1:{port}")
    with pytest.raises(EngineError, match="^spark: the cluster spark://a does not answer: "):
        spark._check_answers("spark://a")


@pytest.mark.parametrize("name", ["a.b", "`a"])
def test_names_that_narwhals_cannot_hand_to_spark_are_refused(name):
    from my_project._internal.engines import spark

    with pytest.raises(EngineError, match=f"spark takes {name!r} for a part of a column: rename"):
        spark._check_names(["b", name])


def test_error_of_this_package_on_a_worker_is_raised_again():
    from my_project._internal.engines import spark
    from pyspark.errors import PySparkException

    ours = f"{DataError.__module__}.DataError"
    text = f"Job aborted\n{ours}: its cause\n  File ...\n{ours}: column 'a' is odd\n at java"
    with pytest.raises(DataError, match="^column 'a' is odd$"), spark._explained(None):
        raise PySparkException(text)


def test_error_of_spark_is_one_line():
    from my_project._internal.engines import spark
    from pyspark.errors import PySparkException

    error = PySparkException("Job aborted\nat java")
    with (
        pytest.raises(EngineError, match="^spark: the cluster spark://a:1 fails: Job aborted$"),
        spark._explained("spark://a:1"),
    ):
        raise error


def test_reason_is_taken_out_of_what_java_prints():
    from my_project._internal.engines import spark
    from pyspark.errors import PySparkException

    text = "Job aborted:\n: java.io.IOException: No space left on device\n\tat java.io"
    with (
        pytest.raises(EngineError, match="the local cluster fails: No space left on device$"),
        spark._explained(None),
    ):
        raise PySparkException(text)


def test_interrupt_is_one_whatever_java_says_then():
    from my_project._internal.engines import spark
    from py4j.protocol import Py4JNetworkError

    error = Py4JNetworkError("Answer from Java side is empty")
    with pytest.raises(KeyboardInterrupt), spark._explained(None):
        try:
            raise KeyboardInterrupt
        finally:
            raise error


def test_session_without_java_is_stopped_without_a_word():
    from my_project._internal.engines import spark
    from py4j.protocol import Py4JNetworkError

    session = MagicMock()
    session.stop.side_effect = Py4JNetworkError("gone")
    spark._stop(session)
    session.stop.assert_called_once_with()


def test_root_logger_does_not_hear_py4j(caplog):
    from my_project._internal.engines import spark

    record = logging.LogRecord("root", 40, "/lib/py4j/java_gateway.py", 1, "interrupted", (), None)
    with spark._unheard():
        logging.getLogger().handle(record)
        logging.getLogger().error("something else")
    logging.getLogger().handle(record)
    assert [each.message for each in caplog.records] == ["something else", "interrupted"]


def test_interrupts_stay_as_they_were():
    from my_project._internal.engines import spark

    before = signal.getsignal(signal.SIGINT)
    with spark._own_interrupts():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("n_workers", "cancelled"), [(0, [3]), (1, [])])
def test_jobs_are_cancelled_when_no_worker_is_there(monkeypatch, n_workers, cancelled):
    from my_project._internal.engines import spark

    monkeypatch.setattr(spark, "_PATIENCE", -1)
    context, ended = MagicMock(), MagicMock(threading.Event)
    context.statusTracker().getActiveJobsIds.return_value = [3]
    context._jsc.sc().getExecutorMemoryStatus().size.return_value = n_workers + 1
    ended.wait.side_effect = [False, True]
    spark._cancel_in_vain(context, ended)
    assert [call.args[0] for call in context._jsc.sc().cancelJob.call_args_list] == cancelled
