"""What the owner of a project does to it between two updates, as git sees it."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from classes import is_seed

__all__ = ["EDITS", "edit"]


def code_in_every_module(project: Path, package: str) -> None:
    """Add a line at the top and a function at the end of each module and test that is a seed."""
    for path in [*project.glob("src/**/*.py"), *project.glob("tests/**/*.py"), *project.glob("plugins/*.py")]:
        if is_seed(path.relative_to(project).as_posix()):
            text = path.read_text(encoding="utf-8")
            name = "".join(part.capitalize() for part in path.stem.split("_"))
            path.write_text(f"# {package}: ours\n{text}\n\nclass Owners{name}:\n    '''Ours.'''\n", encoding="utf-8")


def renamed_module(project: Path, package: str) -> None:
    """Call a stage otherwise, wherever it is named: the one that is named least."""
    found = [path for kind in ("src/**/*.py", "tests/*.py", "docs/*.md") for path in project.glob(kind)]
    seeds = [path for path in found if is_seed(path.relative_to(project).as_posix())]
    words = Counter(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in seeds)))
    modules = [path for path in seeds if path.parent.name == package]
    tested = [path.stem for path in modules if (project / "tests" / f"test_{path.name}").is_file()]
    stage = min(sorted(tested), key=words.__getitem__)
    for path in seeds:
        _replace(path, rf"\b{stage}\b", "renamed")
        if path.name in {f"{stage}.py", f"test_{stage}.py"}:
            path.rename(path.with_name(path.name.replace(stage, "renamed")))
    _replace(project / "pyproject.toml", rf"\({stage}\)", "(renamed)")


def deleted_files(project: Path, package: str) -> None:  # noqa: ARG001 - edits are called alike
    """Do without the notebook, the plugin and their tests, and without a page."""
    plugins = [path.relative_to(project).as_posix() for path in project.glob("plugins/*.py")]
    settings = project / "config.toml"
    for name in plugins:  # nor is it used
        lines = settings.read_text(encoding="utf-8").splitlines(keepends=True)
        settings.write_text("".join(line for line in lines if f'{{ use = "{Path(name).stem}"' not in line))
    for name in ("notebooks/explore.ipynb", *plugins, "docs/configure.md", "CHANGELOG.md"):
        (project / name).unlink(missing_ok=True)
    for name in ("tests/test_notebook.py", "tests/test_plugins.py"):
        (project / name).unlink()
    for path in project.glob("docs/index.md"):
        _replace(path, r"(?m)^configure\n", "")


def new_module_and_test(project: Path, package: str) -> None:
    """Add a module and a folder of modules, with a test."""
    (folder := project / "src" / package / "tides").mkdir()
    (folder / "__init__.py").write_text('"""Tides."""\n')
    (folder / "height.py").write_text('"""Heights."""\n\n\ndef mean(low: float, high: float) -> float:\n')
    with (folder / "height.py").open("a") as file:
        file.write('    """Give the middle."""\n    return (low + high) / 2\n')
    (project / "tests" / "test_height.py").write_text(
        f"from {package}.tides import height\n\n\ndef test_mean_is_between():\n    assert height.mean(1, 3) == 2\n"
    )


def new_command(project: Path, package: str) -> None:
    """Add a command, and a script that calls it."""
    path = project / "src" / package / "commands" / "tide.py"
    path.write_text('"""Say how high the tide is."""\n\nimport click\n\n__all__ = ["command"]\n\n\n')
    with path.open("a") as file:
        file.write('@click.command(help=__doc__)\ndef command() -> None:\n    """Say it."""\n    click.echo("high")\n')
    _below(project / "pyproject.toml", "your commands", f'tide = "{package}.commands.tide:command"')


def dependencies(project: Path, package: str) -> None:  # noqa: ARG001
    """Ask for more packages, classifiers and exceptions, each below its comment."""
    path = project / "pyproject.toml"
    _below(path, "your dependencies", '  "rich>=13",\n  "packaging>=24", # ours')
    _below(path, "your test dependencies", '  "pytest-randomly",')
    _below(path, "your classifiers", '  "Natural Language :: French",')
    _below(path, "your exceptions", '  "RUF001", # we write in French')


def version(project: Path, package: str) -> None:  # noqa: ARG001
    """Release the project, where the version stands in pyproject.toml."""
    _replace(project / "pyproject.toml", r'(?m)^version = "0.1.0"', 'version = "0.4.1"')


def tool_table(project: Path, package: str) -> None:  # noqa: ARG001
    """Configure a tool that the template does not know."""
    with (project / "pyproject.toml").open("a") as file:
        file.write('\n[tool.pyright]\ninclude = ["src"]\n')


def ignored_files(project: Path, package: str) -> None:  # noqa: ARG001
    """Ignore more."""
    with (project / ".gitignore").open("a") as file:
        file.write("/big/\n*.tmp\n")


def own_ci(project: Path, package: str) -> None:  # noqa: ARG001
    """Add jobs in files of one's own."""
    for name in (".github/workflows/nightly.yml", "ci/nightly.yml"):
        path = project / name
        if path.parts[-3:-2] != (".github",) or (project / ".github").is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("on: workflow_dispatch\njobs: {}\n")


def documents(project: Path, package: str) -> None:
    """Write another README, another first page and other settings."""
    (project / "README.md").write_text(f"# {package}\n\nAll about tides.\n")
    _replace(project / "config.toml", r"\Z", f"# {package}: ours\n")
    for path in project.glob("docs/use.md"):
        _replace(path, r"\Z", "\nOurs is simpler.\n")


def plugin(project: Path, package: str) -> None:  # noqa: ARG001
    """Drop a transform of one's own in the folder."""
    (project / "plugins").mkdir(exist_ok=True)
    (project / "plugins" / "rank.py").write_text('"""Ranks."""\n\n\ndef transform(frame):\n    return frame\n')


EDITS: Mapping[str, Callable[[Path, str], None]] = {
    edit.__name__: edit
    for edit in (
        code_in_every_module,
        renamed_module,
        deleted_files,
        new_module_and_test,
        new_command,
        dependencies,
        version,
        tool_table,
        ignored_files,
        own_ci,
        documents,
        plugin,
    )
}


def edit(project: Path, package: str, *names: str) -> None:
    """Make edits in a project, all of them unless some are named."""
    for name in names or EDITS:
        EDITS[name](project, package)


def _replace(path: Path, pattern: str, text: str) -> None:
    path.write_text(re.sub(pattern, text, path.read_text(encoding="utf-8"), count=0), encoding="utf-8")


def _below(path: Path, comment: str, lines: str) -> None:
    """Put lines below the comment of the template that asks for them."""
    text = path.read_text(encoding="utf-8")
    found = re.search(rf"(?m)^ *# {comment}: below this line\n", text)
    if found is None:
        msg = f"{path.name} has no comment {comment!r}"
        raise ValueError(msg)
    path.write_text(f"{text[: found.end()]}{lines}\n{text[found.end() :]}", encoding="utf-8")


if __name__ == "__main__":
    edit(Path(sys.argv[1]), *sys.argv[2:])
