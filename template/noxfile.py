#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox[uv]>=2025.10.14"]
# ///
"""The checks of this project: `nox -l` lists them, `nox` runs them, `nox -s tests` runs one."""

import os
import shutil
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv|virtualenv"

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
TEST = nox.project.dependency_groups(PROJECT, "test")
LOCKED = Path("uv.lock").exists() and "/uv.lock" not in Path(".gitignore").read_text("utf-8")
BOUNDS = sorted(line for line in PROJECT["project"]["dependencies"] if ">=" in line)


def install(session: nox.Session, name: str) -> None:
    """Install the package and a dependency group, as uv.lock says unless git ignores that."""
    if LOCKED and session.venv_backend == "uv":
        here = {"UV_PROJECT_ENVIRONMENT": session.virtualenv.location}
        words = ["--locked", "--no-default-groups", f"--group={name}"]
        session.run_install("uv", "sync", *words, env=here)
    else:
        session.install("-e.", *nox.project.dependency_groups(PROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, spelling and which module imports which."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    install(session, "types")
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests and the examples in docstrings; words after -- go to pytest."""
    install(session, "test")
    session.run("pytest", *(session.posargs or ["--cov"]))


@nox.session(python=PYTHONS[0], default=False)
@nox.parametrize("bound", BOUNDS, ids=BOUNDS)
def lowest(session: nox.Session, bound: str) -> None:
    """Run the tests with one dependency at its lower bound and the others at their newest."""
    pin = bound.replace(">=", "==")
    session.install("--only-binary=:all:", pin, *PROJECT["project"]["dependencies"], *TEST)
    session.install("--no-deps", "-e.")
    session.run("pytest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    if "docs" not in PROJECT["dependency-groups"]:
        session.skip("this project has no documentation to build")
    install(session, "docs")
    session.run("sphinx-build", "-W", "--keep-going", "docs", "docs/_build")


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel, check them, and run the tests of the sdist on the installed wheel."""
    shutil.rmtree("dist", ignore_errors=True)
    session.install("build[uv]", "twine", *TEST)
    session.run("python", "-m", "build", "--installer=uv")
    (sdist,), (wheel,) = (list(Path("dist").glob(kind)) for kind in ("*.tar.gz", "*.whl"))
    package = next(Path("src").glob("*/__init__.py")).parent
    files = (path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")
    wrong = {path.as_posix()[4:] for path in files} ^ {*zipfile.ZipFile(wheel).namelist()}
    if wrong := {name for name in wrong if ".dist-info/" not in name and name[-1] != "/"}:
        session.error(f"{wheel} and src/ differ in {sorted(wrong)}")
    session.run("twine", "check", "--strict", str(sdist), str(wheel))
    session.install(str(wheel))
    unpacked = Path(session.create_tmp(), sdist.name.removesuffix(".tar.gz")).resolve()
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.unpack_archive(sdist, unpacked.parent, filter="data")
    shutil.rmtree(unpacked / "src")  # only the installed package is left to import
    with session.chdir(unpacked):
        session.run("pytest", "tests", success_codes=[0, 5])  # 5: there is none


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Build, check and upload to the index that TWINE_REPOSITORY_URL names."""
    if "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]:
        session.error("not for upload: pyproject.toml has the classifier Private :: Do Not Upload")
    if "TWINE_REPOSITORY_URL" not in os.environ:
        session.error("set TWINE_REPOSITORY_URL to the index that takes the package")
    build(session)
    session.run("twine", "upload", "--non-interactive", *map(str, Path("dist").iterdir()))


@nox.session(default=False)
def zipapp(session: nox.Session) -> None:
    """Pack the package, or what words after -- name, with all it needs into one program."""
    script = next(iter(PROJECT["project"]["scripts"]))
    session.install("pip", "shiv")
    version = session.run("python", "-V", silent=True, log=False).split()[1].rpartition(".")[0]
    Path("dist").mkdir(exist_ok=True)
    words = [f"--console-script={script}", f"--output-file=dist/{script}.pyz"]
    words += [f"--python=/usr/bin/env python{version}", *(session.posargs or ["."])]
    session.run("shiv", *words)


@nox.session(default=False)
def update(session: nox.Session) -> None:
    """Update from the template; -- propose: in a pull request; -- seeds v0.1.0: a patch."""
    session.install(*nox.project.load_toml("update.py")["dependencies"])
    session.run("python", "update.py", *session.posargs)


if __name__ == "__main__":
    nox.main()
