import http.server
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from importlib.util import find_spec

import polars as pl
import pytest
from my_project import io
from my_project.errors import DataError

pytestmark = pytest.mark.skipif(find_spec("moto") is None, reason="moto[server], the store of these tests, is missing")

TABLE = pl.DataFrame({"x": [1, 2, None], "name": ["größe", None, "b,c"]})
SECRET = "wJalrXUtnFEMI"


@pytest.fixture(scope="module")
def bucket():
    """Start a server of S3 with one bucket; give the URL of the bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(urllib.request.Request(f"{endpoint}/box", method="PUT")).close()
                break
            except OSError:
                time.sleep(0.1)
        yield endpoint
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def box(bucket, monkeypatch):
    """Let polars find the server where it looks for credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    given = {"ACCESS_KEY_ID": "me", "SECRET_ACCESS_KEY": SECRET, "REGION": "us-east-1", "DEFAULT_REGION": "us-east-1"}
    for name, value in {**given, "ENDPOINT_URL": bucket, "ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return "s3://box"


@pytest.mark.parametrize("suffix", io.FORMATS)
def test_table_that_is_written_to_a_store_is_read_back(box, suffix, caplog):
    url = f"{box}/written{suffix}"
    io.write(TABLE.lazy(), url)
    assert io.read(url).equals(TABLE)
    assert io.sha256(url) == io.sha256(url)
    assert SECRET not in caplog.text


def test_json_in_a_store_is_read(box, bucket):
    content = TABLE.write_json().replace("},{", "},\n{").encode()
    sent = urllib.request.Request(f"{bucket}/box/t.json", content, {"Content-Type": "application/json"}, method="PUT")
    urllib.request.urlopen(sent).close()
    assert io.read(f"{box}/t.json").equals(TABLE)


def test_files_of_a_pattern_are_read_below_each_other(box):
    for name in "ab":
        io.write(TABLE, f"{box}/parts/{name}.parquet")
    assert io.count(io.scan(f"{box}/parts/*.parquet"), "parts") == 2 * len(TABLE)


def test_table_that_fails_on_its_way_is_not_there(box):
    broken = TABLE.lazy().with_columns(pl.col("name").cast(pl.Int64))
    with pytest.raises(DataError, match=r"^t.csv -> s3://box/broken.csv: "):
        io.write(broken, f"{box}/broken.csv", source="t.csv")
    with pytest.raises(DataError, match=r"broken.csv: .* not found$"):
        io.read(f"{box}/broken.csv")


@pytest.mark.parametrize("place", ["box/missing.csv", "box/missing.parquet", "no-bucket/t.csv", "no-bucket/t.parquet"])
def test_what_is_not_in_the_store_is_one_line_without_secrets(box, place):
    url = f"s3://{place}"
    with pytest.raises(DataError, match=rf"^{url}: .*not found$") as caught:
        io.read(url)
    assert SECRET not in str(caught.value)
    with pytest.raises(DataError, match="^cannot write s3://box/t.doc: the name must end in .csv"):
        io.write(TABLE, f"s3://me:{SECRET}@box/t.doc")


class Denying(http.server.BaseHTTPRequestHandler):
    """A store that lets nobody in."""

    def do_HEAD(self):
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_POST = do_HEAD  # noqa: N815 - so the server calls them

    def log_message(self, *_):
        pass


def test_store_that_denies_access_is_one_line_without_secrets(box, monkeypatch):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Denying) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        for act in (lambda: io.read(f"{box}/t.csv"), lambda: io.write(TABLE, f"{box}/t.parquet")):
            with pytest.raises(DataError, match=r"^s3://box/t.\w+: .*lacked the necessary privileges") as caught:
                act()
            assert SECRET not in str(caught.value)
        server.shutdown()
