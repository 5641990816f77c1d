#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox[uv]>=2025.10.14"]
# ///
"""The checks of this project: `nox -l` lists them, `nox` runs them, `nox -s tests` runs one."""

import json
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
from itertools import chain
from pathlib import Path
from typing import Any

import nox
from nox.command import CommandFailed
from packaging.requirements import Requirement

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv|virtualenv"

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
EXTRAS = PROJECT["project"].get("optional-dependencies", {}).values()
TESTED = {Requirement(line).name for line in nox.project.dependency_groups(PROJECT, "test")}
LOWEST = sorted(
    f"{requirement.name}=={bound.version}"
    for requirement in {
        *map(Requirement, PROJECT["project"]["dependencies"]),
        *(extra for extra in map(Requirement, chain(*EXTRAS)) if extra.name in TESTED),
    }
    for bound in requirement.specifier
    if bound.operator == ">="
)

# of `nox -s update`
ANSWERS = ".copier-answers.yml"
PATCH = ".nox/seeds.patch"  # where git does not look
RECOVER = f"find it with `git log -- {ANSWERS}`, then `git checkout COMMIT -- {ANSWERS}`"
ABORT = "with `git reset`, `git checkout .` and `git clean -di`"
REFUSED = "run `nox -s update` on your own machine, or store a TEMPLATE_TOKEN (CONTRIBUTING.md)"
SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/", "git+": ""}
BOT = ("-c", "user.name=Template update", "-c", "user.email=template-update@localhost")


def group(name: str) -> list[str]:
    """Give the requirements of a dependency group of pyproject.toml."""
    return list(nox.project.dependency_groups(PROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, spelling and which module imports which."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("lint-imports", env={"PYTHONPATH": "src"})


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    session.install("-e.", *group("types"))
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests and the examples in docstrings; words after -- go to pytest."""
    session.install("-e.", *group("test"))
    session.run("pytest", *(session.posargs or ["--cov"]))


@nox.session(python=PYTHONS[0], default=False)
@nox.parametrize("pin", LOWEST, ids=LOWEST)
def lowest(session: nox.Session, pin: str) -> None:
    """Run the tests with one dependency at its lower bound and the others at their newest."""
    wanted = [*PROJECT["project"]["dependencies"], *group("test")]
    session.install("--only-binary=:all:", pin, *wanted)
    session.install("--no-deps", "-e.")
    session.run("pytest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    if "docs" not in PROJECT["dependency-groups"]:
        session.skip("this project has no documentation to build")
    session.install("-e.", *group("docs"))
    session.run("sphinx-build", "-W", "--keep-going", "docs", "docs/_build")


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel, check what is in them and test the installed wheel."""
    shutil.rmtree("dist", ignore_errors=True)
    session.install("build[uv]", "twine", *group("test"))
    session.run("python", "-m", "build", "--installer=uv")
    (sdist,), (wheel,) = (list(Path("dist").glob(kind)) for kind in ("*.tar.gz", "*.whl"))
    check_contents(session, sdist, wheel)
    session.run("twine", "check", "--strict", str(sdist), str(wheel))
    session.install(str(wheel))
    unpacked = Path(session.create_tmp(), sdist.name.removesuffix(".tar.gz")).resolve()
    shutil.rmtree(unpacked, ignore_errors=True)
    shutil.unpack_archive(sdist, unpacked.parent, filter="data")
    shutil.rmtree(unpacked / "src")  # only the installed package is left to import
    with session.chdir(unpacked):
        session.run("pytest", "tests")


def check_contents(session: nox.Session, sdist: Path, wheel: Path) -> None:
    """Stop unless the wheel is the package in src/, whole, and the sdist has what it takes."""
    package = next(Path("src").glob("*/__init__.py")).parent
    files = [path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    sources = {path.relative_to("src").as_posix() for path in files}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    packed = {name for name in packed if ".dist-info/" not in name}
    if packed != sources:
        session.error(f"{wheel} and src/ differ in {sorted(packed ^ sources)}")
    needed = {"LICENSE", "README.md", "pyproject.toml", *(f"src/{name}" for name in sources)}
    with tarfile.open(sdist) as archive:
        missing = needed - {name.partition("/")[2] for name in archive.getnames()}
    if missing:
        session.error(f"{sdist} lacks {sorted(missing)}")


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
    site = Path(session.create_tmp(), "site")
    shutil.rmtree(site, ignore_errors=True)
    session.install("--target", str(site), *(session.posargs or ["."]))
    session.install("shiv")
    ask = "import sys; print(*sys.version_info[:2], sep='.')"
    version = session.run("python", "-c", ask, silent=True, log=False).strip()
    Path("dist").mkdir(exist_ok=True)
    what = (f"--site-packages={site}", f"--console-script={script}")
    how = (f"--python=/usr/bin/env python{version}", f"--output-file=dist/{script}.pyz")
    session.run("shiv", *what, *how)


@nox.session(default=False)
def update(session: nox.Session) -> None:
    """Update from the template; -- propose: in a pull request; -- seeds v0.1.0: a patch."""
    session.install("copier")
    answers = read_answers(session)
    if git(session, "status", "--porcelain", "--", "."):
        session.error("some work is not committed: commit or stash it first")
    match session.posargs:
        case []:
            if newest(session):
                bring(session)
                session.log(f"for changes in files of your own: -- seeds {answers['_commit']}")
        case ["propose"]:
            if release := newest(session):
                propose(session, answers, f"template-{release}")
        case ["seeds", release]:
            files = write_seeds(session, answers | {"_commit": release}, answers)
            take = f"`git apply -3 {PATCH}` brings {', '.join(files)}"
            session.log(take if files else f"no file of your own has changed since {release}")
        case words:
            session.error(f"after -- comes nothing, propose or seeds RELEASE; got {words}")


def newest(session: nox.Session) -> str | None:
    """Give the newest release of the template, or None if the project has it."""
    printed = copier(session, "check-update", "--output-format=json").splitlines()
    found = json.loads(printed[-1]) if printed else session.error("copier was stopped: try again")
    if found["update_available"]:
        return f"v{found['latest_version']}"
    session.log(f"up to date: the template's newest release is v{found['latest_version']}")
    return None


def bring(session: nox.Session) -> None:
    """Update; stop if what is new does not merge with what the owner changed."""
    rejects = ("ls-files", "-z", "--others", "--", "*.rej")  # ignored ones too
    before = names(session, *rejects)
    copier(session, "update", "--defaults", "--quiet")
    conflicts = names(session, *rejects) - before
    conflicts |= names(session, "diff", "-z", "--name-only", "--relative", "--diff-filter=U")
    changed = names(session, "diff", "-z", "--name-only", "--relative", "HEAD")
    changed |= names(session, "ls-files", "-z", "--others", "--exclude-standard")
    for name in changed:
        if (path := Path(name)).is_file() and re.search(rb"(?m)^[<>]{7} ", path.read_bytes()):
            conflicts.add(name)
    if conflicts:
        where = ", ".join(sorted(conflicts))
        session.error(f"conflict in {where}: solve it and commit, or abort {ABORT}")
    session.log("updated: look at `git status` and `git diff`, run nox, commit")


def propose(session: nox.Session, before: dict[str, Any], branch: str) -> None:
    """Update on a new branch, push it, and ask the host for a pull request."""
    if git(session, "ls-remote", "origin", f"refs/heads/{branch}"):
        session.log(f"proposed already; to do it again, delete the branch {branch} on origin")
        return
    bring(session)
    after = read_answers(session)
    title = f"Update from the template, {before['_commit']} to {after['_commit']}"
    body = news(session, before, after)
    if files := write_seeds(session, before, after):
        body += "\n\nAlso changed, but left alone here, are files of your own:\n\n- "
        body += "\n- ".join(files) + "\n\nTo take these changes too:\n\n"
        body += f"    nox -s update -- seeds {before['_commit']}\n    git apply -3 {PATCH}"
    git(session, "switch", "--quiet", "--create", branch)
    git(session, "add", "--all", ".")
    git(session, *(BOT if "CI" in os.environ else ()), "commit", "--quiet", "-m", title, "-m", body)
    gitlab = ["--push-option=merge_request.create"] if "GITLAB_CI" in os.environ else []
    try:
        git(session, "push", "--quiet", *gitlab, "origin", branch)
    except CommandFailed:
        session.error(f"origin refuses the branch {branch}: {REFUSED}")
    if "GITHUB_ACTIONS" in os.environ:
        request = ("--head", branch, "--title", title, "--body", body)
        try:
            session.run("gh", "pr", "create", *request, external=True, log=False)
        except CommandFailed:
            git(session, "push", "--quiet", "origin", "--delete", branch)  # else it looks proposed
            session.error(f"GitHub refuses the pull request: {REFUSED}")
    session.log(f"proposed on the branch {branch}")


def news(session: nox.Session, before: dict[str, Any], after: dict[str, Any]) -> str:
    """Give what the template's changelog says of the releases after one, up to the other."""
    source = after["_src_path"]
    for short, full in SHORT.items():
        source = full + source.removeprefix(short) if source.startswith(short) else source
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        git(session, "clone", "--quiet", "--bare", source, folder)
        place = f"{after['_commit']}:CHANGELOG.md"
        text = git(session, "-C", folder, "show", place, success_codes=(0, 128))
    known = re.escape(re.sub(r"^v|-.*", "", before["_commit"]))
    since = re.split(rf"(?m)^## \W*v?{known}\b", text)[0]
    found = re.search(r"(?ms)^## .*", since)
    return found[0].strip()[:30_000] if found else ""  # hosts limit it


def write_seeds(session: nox.Session, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Write a patch of what another release changed in files that no update touches; name them."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        old, new = Path(folder, "old"), Path(folder, "new")
        render(session, "copy", before, old)
        git(session, "init", "--quiet", str(old))
        commit(session, old)
        render(session, "update", after, old)
        commit(session, old)
        render(session, "copy", after, new)
        git(session, "-C", str(old), "--work-tree", str(new), "add", "--all", "--force")
        diff = ("-C", str(old), "diff-index", "--cached", "HEAD")
        files = names(session, *diff, "-z", "--name-only", "--diff-filter=A")
        edited = names(session, *diff, "-z", "--name-only", "--diff-filter=M")
        files |= {name for name in edited if Path(name).is_file()}  # deleted ones stay deleted
        Path(PATCH).parent.mkdir(exist_ok=True)
        Path(PATCH).unlink(missing_ok=True)
        if files:
            below = git(session, "rev-parse", "--show-prefix").strip()
            sides = (f"--src-prefix=a/{below}", f"--dst-prefix=b/{below}")
            how = ("--patch", "--full-index", "--binary", f"--output={Path(PATCH).resolve()}")
            git(session, *diff, *sides, *how, "--", *files)
            # `git apply -3` merges with what was rendered then
            git(session, "fetch", "--quiet", "--no-write-fetch-head", str(old), "HEAD")
    return sorted(files)


def render(session: nox.Session, what: str, answers: dict[str, Any], folder: Path) -> None:
    """Copy or update a project outside of this one, with the same answers."""
    data = folder.with_suffix(".json")
    asked = {key: value for key, value in answers.items() if not key.startswith("_")}
    data.write_text(json.dumps(asked, ensure_ascii=False), encoding="utf-8")
    source = [answers["_src_path"]] if what == "copy" else []
    words = ("--defaults", "--quiet", f"--data-file={data}", f"--vcs-ref={answers['_commit']}")
    copier(session, what, *words, *source, str(folder))


def commit(session: nox.Session, folder: Path) -> None:
    """Commit a folder whole, whatever the user's settings for commits are."""
    git(session, "-C", str(folder), "add", "--all", "--force")
    how = ("--quiet", "--allow-empty", "--no-verify", "--no-gpg-sign", "--message=Render")
    git(session, "-C", str(folder), *BOT, "commit", *how)


def read_answers(session: nox.Session) -> dict[str, Any]:
    """Read what the project was made from, or stop with the way to recover it."""
    code = f"import json, yaml; read = yaml.safe_load(open('{ANSWERS}', 'rb')); "
    code += "read['_commit'], read['_src_path']; print(json.dumps(read))"
    printed = session.run("python", "-c", code, silent=True, log=False, success_codes=(0, 1))
    try:
        return json.loads(printed)
    except ValueError:  # what is printed says why
        session.error(f"{ANSWERS} is missing or broken: {RECOVER}")


def copier(session: nox.Session, *words: str) -> str:
    """Run copier and give what it prints."""
    try:
        return session.run("copier", *words, silent=True)
    except CommandFailed:
        session.error(f"copier failed: abort {ABORT}; should {ANSWERS} be wrong, {RECOVER}")


def git(session: nox.Session, *words: str, **options: Any) -> str:
    """Run git and give what it prints."""
    return session.run("git", *words, external=True, silent=True, log=False, stderr=None, **options)


def names(session: nox.Session, *words: str) -> set[str]:
    """Collect the paths that git prints with -z."""
    return set(filter(None, git(session, *words).split("\0")))


if __name__ == "__main__":
    nox.main()
