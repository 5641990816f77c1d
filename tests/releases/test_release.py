"""A release goes to a real index on this machine, and is installed from there."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from projects import Project
from rendering import Renderer

pytestmark = pytest.mark.projects


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Give the address of an empty index that takes uploads from anyone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (packages := tmp_path / "packages").mkdir()
    words = ["run", "-i", "127.0.0.1", "-p", str(port), "-P", ".", "-a", ".", "--disable-fallback", str(packages)]
    with subprocess.Popen([sys.executable, "-m", "pypiserver", *words]) as server:
        address = f"http://127.0.0.1:{port}/"
        _wait(address)
        yield address
        server.terminate()


def _wait(address: str) -> None:
    for _ in range(100):
        try:
            with urlopen(address):  # noqa: S310 - our own server
                return
        except URLError:
            time.sleep(0.1)
    pytest.fail(f"the index does not answer at {address}")


def _project(renderer: Renderer, publish: str) -> Project:
    answers = {"package_name": "tides", "publish": publish}
    project = Project(renderer.render(answers), answers, "3.11")
    for path in project.folder.glob("tests/test_*.py"):  # a build runs those that there are
        path.unlink()
    project.commit()
    return project


def test_release_is_installed_from_the_index(
    renderer: Renderer, index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = _project(renderer, "private-index")
    for name, value in {"REPOSITORY_URL": index, "USERNAME": "ada", "PASSWORD": "any"}.items():
        monkeypatch.setenv(f"TWINE_{name}", value)
    project.nox("release")
    words = ["install", "--no-deps", "--target", str(tmp_path / "there"), "--index-url", f"{index}simple", "tides"]
    project.run("uv", "pip", *words, "--python", sys.executable)
    assert (tmp_path / "there" / "tides" / "data" / "penguins.csv").is_file()
    with urlopen(f"{index}simple/tides/") as page:  # noqa: S310 - our own server
        listed = page.read().decode()
    assert "tides-0.1.0-py3-none-any.whl" in listed
    assert "tides-0.1.0.tar.gz" in listed


def test_project_that_is_not_for_upload_is_not_uploaded(
    renderer: Renderer, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = _project(renderer, "nowhere")
    monkeypatch.setenv("TWINE_REPOSITORY_URL", index)
    with pytest.raises(AssertionError, match="Private :: Do Not Upload"):
        project.nox("release")
