"""The front door: `nox` runs the tests, `nox -s long` all cases of them, `nox -l` lists the rest."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["tests", "matrix", "update", "projects", "docs", "demo"]

ROOT = Path(__file__).parent
PARALLEL = ["-n2", "--dist=worksteal"]  # tests that share a fixture follow each other
MATRIX = "tests/combinations"  # thousands: elsewhere they are not even collected


def install(session: nox.Session, group: str) -> None:
    """Install a dependency group of pyproject.toml."""
    session.install(*nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), group))


def install_project(session: nox.Session, project: Path, *answers: str, groups: Sequence[str] = ()) -> str:
    """Render a project, default answers but for those given, and install it; give the name of its command."""
    data = [f"--data={answer}" for answer in answers]
    session.run("copier", "copy", "--defaults", "--vcs-ref=HEAD", *data, str(ROOT), str(project))
    session.install(str(project), *(f"--group={project / 'pyproject.toml'}:{group}" for group in groups))
    [script] = nox.project.load_toml(project / "pyproject.toml")["project"]["scripts"]
    return str(script)


@contextlib.contextmanager
def in_memory() -> Iterator[dict[str, str]]:
    """Give an environment whose temporary files are in memory, where there is room: there are thousands, all small."""
    memory = Path("/dev/shm")  # noqa: S108 - where Linux has it
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30
    with tempfile.TemporaryDirectory(dir=memory if roomy else None) as folder:
        yield {"TMPDIR": folder}


@nox.session
def demo(session: nox.Session) -> None:
    """Render a project, install it, train and predict: `nox -s demo [-- FOLDER]`."""
    folder = session.posargs[0] if session.posargs else Path(tempfile.mkdtemp(prefix="demo-"), "my-project")
    project = Path(folder).resolve()
    install(session, "render")
    script = install_project(session, project)
    [sample] = project.glob("src/*/data/*.csv")
    session.chdir(project)
    session.run(script, "train")
    session.run(script, "predict", "model", str(sample), "-o", "predictions.csv")
    made = {"model": "model/model.skops", "predictions": "predictions.csv", "report": "model/report.html"}
    for what, path in made.items():
        if not (project / path).is_file():
            session.error(f"no {what}: {path} is missing in {project}")
        print(f"{what:12} {project / path}")


@nox.session
def tests(session: nox.Session) -> None:
    """Test everything that takes seconds."""
    install(session, "tests")
    with in_memory() as environment:
        words = ["-m", "not (cluster or matrix or projects or site or slow or updates)"]
        session.run("pytest", *PARALLEL, *words, *session.posargs, env=environment)


@nox.session
def matrix(session: nox.Session) -> None:
    """Build a wheel from every combination of answers: `nox -s matrix [-- --shard 1/4]`."""
    install(session, "tests")
    with in_memory() as environment:
        words = ["-q", "-m", "matrix", "--show-capture=no", MATRIX]
        session.run("pytest", *PARALLEL, *words, *session.posargs, env=environment)


@nox.session
def update(session: nox.Session) -> None:
    """Update projects: each release, edit and flipped answer once: `nox -s update [-- --shard 1/2]`."""
    install(session, "updates")
    with in_memory() as environment:
        words = ["-m", "updates and not projects", "--show-capture=no", f"--ignore={MATRIX}"]
        session.run("pytest", *PARALLEL, *words, *session.posargs, env=environment)


@nox.session
def projects(session: nox.Session) -> None:
    """Use rendered projects as their owners would: each choice and Python once: `nox -s projects [-- --shard 1/3]`."""
    install(session, "projects")
    session.run("pytest", *PARALLEL, "-m", "projects and not slow", f"--ignore={MATRIX}", *session.posargs)


@nox.session(default=False)
def long(session: nox.Session) -> None:
    """Run every case, as each week and before a release: `nox -s long [-- --shard 1/8] [-m updates]`.

    Every pair of choices is updated, and used on every Python; every edit is made on every project; texts are tried by
    hundreds. The combinations of the matrix are the same in both.
    """
    install(session, "projects")
    with in_memory() as environment:
        words = ["--long", "-m", "not (cluster or site) and (slow or not matrix)", "--show-capture=no"]
        session.run("pytest", *PARALLEL, *words, *session.posargs, env=environment)


@nox.session(default=False)
def oldest_copier(session: nox.Session) -> None:
    """Test and build with the oldest copier that copier.yml admits."""
    install(session, "updates")
    [oldest] = re.findall(r'^_min_copier_version: "(.+)"', Path("copier.yml").read_text(encoding="utf-8"), re.MULTILINE)
    session.install(f"copier=={oldest}")
    with in_memory() as environment:
        words = ["-m", "not (cluster or projects or site)", "--show-capture=no"]
        session.run("pytest", *PARALLEL, *words, *session.posargs, env=environment)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the template's own Python."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site, docs/_build, and test it: `nox -s docs [-- --long]`.

    With `--long` the preview is compared with 200 random projects and the tree of each combination. `-- --write` first
    writes the generated pages.
    """
    install(session, "site")
    if "--write" in session.posargs:
        session.run("python", "tests/support/documents.py")
    session.run("sphinx-build", "--fail-on-warning", "--fresh-env", "--quiet", "docs", "docs/_build")
    words = [word for word in session.posargs if word != "--write"]
    session.run("pytest", *PARALLEL, "-m", "not projects", *words, "tests/documents")


@nox.session(default=False)
def fleet(session: nox.Session) -> None:
    """Say where projects stand that follow the template: `nox -s fleet -- FOLDER… [--json FILE]`."""
    install(session, "render")
    session.chdir(session.invoked_from)
    session.run("python", str(ROOT / "tests" / "support" / "fleet.py"), *session.posargs)


@nox.session(default=False)
def notes(session: nox.Session) -> None:
    """Write what a release brings, by comparing renders: `nox -s notes [-- [OLD] NEW]`, `next` is the working tree."""
    install(session, "tests")
    session.run("python", "tests/support/notes.py", *session.posargs)


@nox.session(default=False)
def cluster(session: nox.Session) -> None:
    """Hold Dask and Spark to their results while workers die and disks are full; Spark takes Java."""
    install(session, "tests")
    project = Path(tempfile.mkdtemp(prefix="cluster-"), "project")
    install_project(session, project, "package_name=on_cluster", "size=full", groups=["engines", "test"])
    session.run("pytest", "-m", "cluster", "tests/projects/test_cluster.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Time the matrix, `copier copy`, `--help`, plugins, an etl pipeline and engines: `nox -s bench [-- --write]`.

    Options are those of tests/benchmarks/bench_engines.py, e.g. `--rows 20000 --times 0` for a light run.
    """
    install(session, "tests")
    folder = tempfile.mkdtemp(prefix="bench-")
    failed = []

    def measure(script: str, *words: str, env: dict[str, str] | None = None) -> None:
        """Run a part; one that passes a limit does not hide the others."""
        try:
            session.run("python", f"tests/benchmarks/{script}", *words, env=env)
        except nox.command.CommandFailed:
            failed.append(script)

    etl = install_project(session, Path(folder, "etl"), "pipeline=etl", "package_name=measured_etl")
    measure("bench_etl.py", etl.replace("-", "_"), folder)
    script = install_project(session, Path(folder, "bench"))
    with in_memory() as environment:
        measure("bench.py", script, str(Path(folder, "bench")), env=environment)
    answers = ("package_name=measured_model", "size=full")
    model = install_project(session, Path(folder, "model"), *answers, groups=["engines"])
    measure("bench_engines.py", model.replace("-", "_"), folder, *session.posargs)
    if failed:
        session.error(f"a limit is passed, or a part failed: {', '.join(failed)}")
