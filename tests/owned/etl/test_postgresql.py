"""Tables of a PostgreSQL server, where one is installed: as `test_sql.py` of a project has them of SQLite."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import polars as pl
import pytest
from my_project.errors import DataError

addresses = pytest.importorskip("my_project.addresses")
batches = pytest.importorskip("my_project.batches")
sql = pytest.importorskip("my_project.sql")

FRAME = pl.DataFrame({"x": [1, 2, None], "y": [0.5, None, -1.5], "name": ["a", "b'\"", None]})
QUERY = "SELECT x + 1 AS z FROM t WHERE y < 1"
UNREACHABLE = "127.0.0.1:1/db#t"


def find_server():
    """Give the folder of PostgreSQL's programs, or None."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def find_shared():
    """Give a folder with a short name, for the socket, that every user may enter; or None."""
    return "/tmp" if os.path.isdir("/tmp") else None  # noqa: PTH112 - TMPDIR may be neither


@pytest.fixture(scope="module")
def server():
    """Start a PostgreSQL of our own on a socket in a new folder; give the URL of its database."""
    programs = find_server()
    if not programs:
        pytest.skip("needs the server of PostgreSQL (Debian: postgresql)")
    with tempfile.TemporaryDirectory(prefix="pg", dir=find_shared(), ignore_cleanup_errors=True) as folder:
        user = {}
        if os.geteuid() == 0:  # it refuses to run as root
            user = {"user": "nobody"}
            shutil.chown(folder, "nobody")

        def call(program, *options):
            command = [programs / program, "-D", f"{folder}/data", *options]
            null = subprocess.DEVNULL
            subprocess.run(command, check=True, stdout=null, cwd=folder, **user)

        call("initdb", "-A", "trust", "-U", "me", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        call("pg_ctl", "start", "-w", "-l", f"{folder}/log", "-o", options)
        yield f"postgresql://me@/postgres?host={folder}"
        call("pg_ctl", "stop", "-m", "immediate")


@pytest.fixture
def database(server):
    """Give the URL of a database without a table."""
    execute(server, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return server


def execute(url, *statements):
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


def put(frame, url, batch_rows=2):
    sql.write(frame.lazy(), url, batch_rows=batch_rows)


def read(url, query=None):
    return sql.scan(url, query).collect()


@pytest.mark.parametrize("batch_rows", [1, 2, 10])
def test_rows_replace_the_old_table(database, batch_rows):
    put(pl.DataFrame({"old": ["a", "b"]}), f"{database}#t")
    put(FRAME, f"{database}#t", batch_rows)
    put(FRAME.head(1), f"{database}#b")
    assert read(f"{database}#t").equals(FRAME)


def test_many_rows_come_back_in_order_and_reading_may_stop(database):
    frame = pl.DataFrame({"x": range(25_000)})
    put(frame, f"{database}#t", 7_000)
    assert read(f"{database}#t").equals(frame)
    assert sql.scan(f"{database}#t").head(2).collect()["x"].to_list() == [0, 1]


def test_table_without_rows_replaces_the_old_one(database):
    put(FRAME, f"{database}#t")
    put(FRAME.select("name").clear(), f"{database}#t")
    assert read(f"{database}#t").equals(FRAME.select("name").clear())


def test_types_without_a_counterpart_become_text(database):
    columns = {
        "category": pl.Series(["a"], dtype=pl.Categorical),
        "level": pl.Series(["low"], dtype=pl.Enum(["low", "high"])),
        "nothing": [None],
        "huge": pl.Series([10**30], dtype=pl.Int128),
    }
    put(pl.DataFrame(columns), f"{database}#t")
    made = read(f"{database}#t")
    assert made.row(0) == ("a", "low", None, "1" + "0" * 30)
    assert set(made.dtypes) == {pl.String}


def test_any_name_is_a_name(database):
    frame = pl.DataFrame({'a"b; --': [1], "SELECT": [2], "ü 1": [3]})
    put(frame, f'{database}#it\'s "x"; DROP TABLE t')
    assert read(f'{database}#it\'s "x"; DROP TABLE t').equals(frame)


def test_name_that_the_server_would_cut_is_refused(database):
    with pytest.raises(DataError, match="a name of PostgreSQL has at most 63 bytes"):
        sql.check(f"{database}#{'t' * 64}")


@pytest.mark.parametrize("query", [QUERY, f"{QUERY}; \n", f"{QUERY} -- the end"])
def test_query_is_answered(database, query):
    put(FRAME, f"{database}#t")
    assert read(database, query).to_dict(as_series=False) == {"z": [2, None]}


def test_query_changes_nothing(database):
    put(FRAME, f"{database}#t")
    with pytest.raises(DataError, match="syntax error"):
        sql.scan(database, "DROP TABLE t")
    assert read(f"{database}#t").equals(FRAME)


def test_missing_table_is_named(database):
    shown = re.escape(addresses.shown(database))
    with pytest.raises(DataError, match=f"^{shown}: .*nothing") as caught:
        sql.scan(f"{database}#nothing")
    assert "\n" not in str(caught.value)


def broken():
    """Give a table that fails after its first batch."""

    def give():
        yield pl.DataFrame({"x": [1]})
        raise ZeroDivisionError

    return batches.lazy(give, pl.Schema({"x": pl.Int64}))


def test_table_that_breaks_while_it_is_written_leaves_the_old_one(database):
    put(FRAME, f"{database}#t")
    with pytest.raises(ZeroDivisionError):
        put(broken(), f"{database}#t", 1)
    assert read(f"{database}#t").equals(FRAME)


def test_refusal_in_the_end_leaves_the_old_table(database):
    def refuse():
        raise ZeroDivisionError

    put(FRAME, f"{database}#t")
    with pytest.raises(ZeroDivisionError):
        sql.write(FRAME.reverse().lazy(), f"{database}#t", batch_rows=2, ready=refuse)
    assert read(f"{database}#t").equals(FRAME)


def test_types_come_back(server):
    columns = {
        "day": "DATE '2024-02-29'",
        "moment": "TIMESTAMP '2024-02-29 13:05:00'",
        "truth": "true",
        "small": "7::smallint",
        "price": "1.50::numeric",
        "bytes": r"'\x6100'::bytea",
        "list": "ARRAY[1, 2]",
    }
    query = "SELECT " + ", ".join(f"{value} AS {name}" for name, value in columns.items())
    made = read(server, query)
    assert made.schema["day"] == pl.Date
    assert made.schema["moment"] == pl.Datetime("us")
    assert made.schema["price"] == pl.Float64
    assert made.select("truth", "small", "price", "bytes").row(0) == (True, 7, 1.5, b"a\x00")
    assert made["list"].to_list() == [[1, 2]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("""'{"a": 1}'::jsonb""", '{"a": 1}'),
        ("interval '1 day'", "1 day"),
        ("inet '10.0.0.1'", "10.0.0.1/32"),
        ("ARRAY[1.50]::numeric[]", "{1.50}"),
    ],
    ids=["uuid", "json", "interval", "address", "list of numerics"],
)
def test_other_types_are_read_as_text(server, value, text):
    assert read(server, f"SELECT {value} AS v")["v"].to_list() == [text]


def test_table_in_a_schema_is_written_and_read(server):
    execute(server, "DROP SCHEMA IF EXISTS archive CASCADE", "CREATE SCHEMA archive")
    put(FRAME, f"{server}#archive.t")
    put(FRAME.head(1), f"{server}#archive.t")
    assert read(f"{server}#archive.t").equals(FRAME.head(1))
    assert read(server, "SELECT x FROM archive.t")["x"].to_list() == [1]


def test_missing_schema_is_named(server):
    with pytest.raises(DataError, match='schema "nothing" does not exist'):
        put(FRAME, f"{server}#nothing.t")


def test_error_in_the_middle_of_a_query_is_an_error(server):
    query = "SELECT 1 / (n - 20000) AS v FROM generate_series(1, 30000) AS n"
    with pytest.raises(DataError, match="division by zero"):
        read(server, query)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:secret@{UNREACHABLE}",
        f"POSTGRES://me:secret@{UNREACHABLE}",
    ],
)
def test_no_password_is_shown_where_a_connection_fails(url):
    with pytest.raises(DataError, match=r"^postgres(ql)?://127\.0\.0\.1:1/db") as caught:
        sql.scan(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_message_that_has_the_password_is_not_shown():
    with pytest.raises(DataError, match="its message is not shown") as caught:
        sql.scan("postgresql://me:refused@127.0.0.1:1/db#t")
    assert "refused" not in str(caught.value)


def test_refused_connection_says_why():
    with pytest.raises(DataError, match="Connection refused"):
        sql.scan(f"postgresql://me:a%40b@{UNREACHABLE}")
