"""What owners and their tools do to the files of a project in everyday work, far from any marked comment."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["EDITS", "OPTIONS", "Desk"]

PYPROJECT, NOXFILE, IGNORED = "pyproject.toml", "noxfile.py", ".gitignore"
CI, HOOKS, PAGE = ".github/workflows/ci.yml", ".pre-commit-config.yaml", "CONTRIBUTING.md"


class Desk:
    """A project, and how to change it."""

    def __init__(self, project: Path, package: str) -> None:
        """Sit down."""
        self.project, self.package = project, package

    def sub(self, path: str, pattern: str, text: str | Callable[[re.Match[str]], str]) -> int:
        """Replace what is found for the first time; it has to be there."""
        file = self.project / path
        content, found = re.subn(pattern, text, file.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
        assert found, f"{path} has no {pattern!r}"
        return file.write_text(content, encoding="utf-8")

    def all(self, path: str, pattern: str, text: str) -> int:
        """Replace all that is found, which is something, byte for byte."""
        file = self.project / path
        content, found = re.subn(pattern, text, file.read_bytes().decode(), flags=re.MULTILINE)
        assert found, f"{path} has no {pattern!r}"
        return file.write_bytes(content.encode())

    def add(self, path: str, text: str) -> int:
        """Write at the end of a file, which may be new."""
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as opened:
            return opened.write(text)

    def drop(self, path: str) -> Path:
        """Delete a file or folder."""
        file = self.project / path
        shutil.rmtree(file) if file.is_dir() else file.unlink()
        return file

    def move(self, path: str, to: str) -> Path:
        """Move a file."""
        (self.project / to).parent.mkdir(parents=True, exist_ok=True)
        return (self.project / path).rename(self.project / to)

    def run(self, tool: str, *words: str, codes: tuple[int, ...] = (0,)) -> int:
        """Run a tool of this environment in the project."""
        program = Path(sys.executable).with_name(tool)
        done = subprocess.run([str(program), *words], cwd=self.project, capture_output=True, text=True, check=False)
        assert done.returncode in codes, f"{tool} {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.returncode


Edit = Callable[[Desk], object]

JOB = """
  nightly:
    runs-on: ubuntu-latest
    steps:
      - run: echo nightly
"""
SESSION = '''

@nox.session(default=False)
def profile(session: nox.Session) -> None:
    """Profile."""
    session.install("-e.", "py-spy")
    session.run("py-spy", "--version")
'''
HOOK = """
  - repo: https://github.com/kynan/nbstripout
    rev: 0.8.1
    hooks:
      - id: nbstripout
"""


def _link_page(desk: Desk) -> None:
    desk.move(PAGE, "docs/contributing.md")
    (desk.project / PAGE).symlink_to("docs/contributing.md")


def _take_name(desk: Desk) -> None:
    (desk.project / "update.py").unlink(missing_ok=True)
    desk.add("update.py/README.md", "Ours.\n")


EDITS: dict[str, Edit] = {
    # numbers, lists and tables of pyproject.toml
    "version bumped": lambda d: d.sub(PYPROJECT, 'version = "0.1.0"', 'version = "1.4.0"'),
    "line length": lambda d: d.sub(PYPROJECT, "line-length = 100", "line-length = 88"),
    "rule added in the middle": lambda d: d.sub(PYPROJECT, '"NPY", "PD"', '"NPY", "PD", "PYI"'),
    "rule removed": lambda d: d.sub(PYPROJECT, '"BLE", ', ""),
    "rules rewritten": lambda d: d.sub(PYPROJECT, r"(?s)select = \[.*?\n\]", 'select = ["ALL"]'),
    "exception below its comment": lambda d: d.sub(PYPROJECT, "(  # your exceptions.*)", r'\1\n  "RUF001",'),
    "bound raised": lambda d: d.sub(PYPROJECT, '"numpy>=2.*"', '"numpy>=2.3"'),
    "bound capped": lambda d: d.sub(PYPROJECT, '"(narwhals>=[^"]*)"', r'"\1,<3"'),
    "bound with a marker": lambda d: d.sub(PYPROJECT, '"(tqdm>=[^"]*)"', "\"\\1; python_version < '4'\""),
    "dependency pinned": lambda d: d.sub(PYPROJECT, '"scikit-learn>=.*"', '"scikit-learn==1.9.0"'),
    "dependency removed": lambda d: d.sub(PYPROJECT, '  "skops>=.*",\n', ""),
    "dependency with an extra": lambda d: d.sub(PYPROJECT, '"polars>=', '"polars[pandas]>='),
    "dependency first": lambda d: d.sub(PYPROJECT, r"(?m)^dependencies = \[\n", 'dependencies = [\n  "altair>=5",\n'),
    "dependency in the middle": lambda d: d.sub(PYPROJECT, '  "numpy', '  "httpx>=0.28", # ours\n  "numpy'),
    "dependency last": lambda d: d.sub(PYPROJECT, "(  # your dependencies.*)", r'\1\n  "rich>=13",'),
    "dependencies on one line": lambda d: d.sub(
        PYPROJECT,
        r"(?ms)^dependencies = \[\n.*?\n\]",
        'dependencies = ["click>=8.1.8", "narwhals>=2.22", "polars>=2.0"]',
    ),
    "requires-python": lambda d: d.sub(PYPROJECT, 'requires-python = ">=3.11"', 'requires-python = ">=3.12"'),
    "requires-python capped": lambda d: d.sub(PYPROJECT, 'python = ">=3.11"', 'python = ">=3.11,<3.16"'),
    "status": lambda d: d.sub(PYPROJECT, "3 - Alpha", "5 - Production/Stable"),
    "classifiers": lambda d: d.sub(PYPROJECT, '(  "Typing :: Typed",)', r'  "Natural Language :: French",\n\1'),
    "keywords": lambda d: d.sub(PYPROJECT, r'^readme = "README.md"', 'readme = "README.md"\nkeywords = ["tides"]'),
    "authors": lambda d: d.sub(PYPROJECT, "^authors = .*", 'authors = [{ name = "Ada" }, { name = "Bob" }]'),
    "license": lambda d: d.sub(PYPROJECT, '^license = "MIT"', 'license = "GPL-3.0-or-later"'),
    "urls": lambda d: d.sub(
        PYPROJECT, r"^Issues = .*", 'Issues = "https://example.org"\nDocs = "https://docs.example.org"'
    ),
    "extras": lambda d: (
        d.sub(
            PYPROJECT,
            r"^\[project.urls\]",
            '[project.optional-dependencies]\nplots = ["seaborn>=0.13"]\n\n[project.urls]',
        )
        if "optional-dependencies" not in (d.project / PYPROJECT).read_text()
        else d.sub(
            PYPROJECT,
            r"^\[project.optional-dependencies\]",
            '[project.optional-dependencies]\nplots = ["seaborn>=0.13"]',
        )
    ),
    "extras at the end": lambda d: (
        "optional-dependencies" in (d.project / PYPROJECT).read_text()
        or d.add(PYPROJECT, '\n[project.optional-dependencies]\nplots = ["seaborn>=0.13"]\n')
    ),
    "scripts": lambda d: d.sub(PYPROJECT, r"^\[project.scripts\]", '[project.scripts]\nsurge = "tides.cli:main"'),
    "entry points": lambda d: d.add(PYPROJECT, '\n[project.entry-points."tides.x"]\nmine = "tides.cli:main"\n'),
    "group added": lambda d: d.sub(PYPROJECT, "^types = .*", 'types = ["mypy"]\nnotebook = ["jupyterlab>=4"]'),
    "group extended": lambda d: d.sub(
        PYPROJECT, "^lint = .*", 'lint = ["codespell", "import-linter", "ruff", "pylint"]'
    ),
    "group pinned": lambda d: d.sub(PYPROJECT, "^types = .*", 'types = ["mypy>=2,<3", "pandas-stubs"]'),
    "group shortened": lambda d: d.sub(PYPROJECT, "^lint = .*", 'lint = ["ruff"]'),
    "group over lines": lambda d: d.sub(
        PYPROJECT, "^lint = .*", 'lint = [\n    "codespell",\n    "ruff",\n    "vulture",\n]'
    ),
    "group renamed": lambda d: d.sub(PYPROJECT, "^docs = ", "documentation = "),
    "mypy softened": lambda d: d.sub(PYPROJECT, "^strict = true\nwarn", "strict = false\nwarn"),
    "mypy files": lambda d: d.sub(PYPROJECT, r'^files = \["src", "plugins"\]', 'files = ["src"]'),
    "mypy overrides": lambda d: d.sub(PYPROJECT, r'"tqdm\.\*"', '"tqdm.*", "geopandas.*"'),
    "mypy override added": lambda d: d.add(
        PYPROJECT, '\n[[tool.mypy.overrides]]\nmodule = "ours.*"\nignore_errors = true\n'
    ),
    "pytest options": lambda d: d.sub(PYPROJECT, '"-ra"', '"-ra", "--durations=5"'),
    "pytest options dropped": lambda d: d.sub(PYPROJECT, '"--doctest-modules"', '"--maxfail=1"'),
    "pytest warnings": lambda d: d.sub(
        PYPROJECT, r'filterwarnings = \["error"\]', 'filterwarnings = ["error", "ignore::DeprecationWarning"]'
    ),
    "pytest markers": lambda d: d.sub(PYPROJECT, "^log_level = .*", 'log_level = "DEBUG"\nmarkers = ["slow: slow"]'),
    "coverage lowered": lambda d: d.sub(PYPROJECT, "^fail_under = .*", "fail_under = 60"),
    "coverage branch off": lambda d: d.sub(PYPROJECT, "^branch = true", "branch = false"),
    "table removed": lambda d: d.sub(PYPROJECT, r"(?s)\[tool.codespell\].*?\n\n", ""),
    "table added": lambda d: d.add(PYPROJECT, '\n[tool.pyright]\ninclude = ["src"] # ours\n'),
    "table of uv": lambda d: d.add(PYPROJECT, "\n[tool.uv]\npackage = true\n\n[tool.uv.sources]\n"),
    "tables moved": lambda d: (
        d.sub(PYPROJECT, r"(?s)\[tool.codespell\].*?\n\n", ""),
        d.sub(PYPROJECT, r"^\[tool.ruff\]", '[tool.codespell]\nskip = "*.csv"\n\n[tool.ruff]'),
    ),
    "comments": lambda d: d.sub(
        PYPROJECT, "^line-length = 100", "# as in our other projects\nline-length = 100 # wide"
    ),
    "contract added": lambda d: d.add(
        PYPROJECT, '\n[[tool.importlinter.contracts]]\nname = "Ours"\ntype = "independence"\nmodules = ["tides.io"]\n'
    ),
    "layer added": lambda d: d.sub(PYPROJECT, r'^  "\(commands\)",', '  "(commands)",\n  "(dashboard)",'),
    "per-file ignores": lambda d: d.sub(
        PYPROJECT, r'^"notebooks/\*" = .*', '"notebooks/*" = ["D", "T20", "E402"]\n"scripts/*" = ["INP"]'
    ),
    "indented by four": lambda d: d.sub(PYPROJECT, "(?s).*", lambda m: re.sub('(?m)^  (?=")', "    ", m[0])),
    "build requirement capped": lambda d: d.sub(PYPROJECT, r'"hatchling>=[^"]*"', '"hatchling>=1.27,<2"'),
    "sdist": lambda d: d.sub(PYPROJECT, r'"config.toml", "notebooks"', '"config.toml", "data", "notebooks"'),
    # tools that write pyproject.toml
    "uv add": lambda d: d.run("uv", "add", "--frozen", "httpx>=0.28", "rich>=13"),
    "uv add to a group": lambda d: d.run("uv", "add", "--frozen", "--group", "lint", "pylint>=3"),
    "uv add an extra": lambda d: d.run("uv", "add", "--frozen", "--optional", "plots", "seaborn>=0.13"),
    "uv remove": lambda d: d.run("uv", "remove", "--frozen", "tqdm"),
    "uv version": lambda d: d.run("uv", "version", "--frozen", "--bump", "minor"),
    "pyproject-fmt": lambda d: d.run("pyproject-fmt", PYPROJECT, codes=(0, 1)),
    "taplo": lambda d: d.run("taplo", "format", PYPROJECT),
    "taplo, aligned": lambda d: d.run(
        "taplo", "format", "-o", "align_entries=true", "-o", "indent_string=    ", PYPROJECT
    ),
    "toml-sort": lambda d: d.run("toml-sort", "--in-place", "--all", PYPROJECT),
    "bump-my-version": lambda d: d.run(
        "bump-my-version", "replace", "--current-version", "0.1.0", "--new-version", "0.2.0", PYPROJECT
    ),
    "hatch version": lambda d: d.run("hatch", "version", "0.3.0"),
    "poetry version": lambda d: d.run("poetry", "version", "0.4.0"),
    "table of pdm": lambda d: d.sub(PYPROJECT, r"^\[tool.ruff\]", "[tool.pdm]\ndistribution = true\n\n[tool.ruff]"),
    # workflows and hooks
    "bot raises an action": lambda d: d.sub(CI, r"actions/checkout@\w+ # \S+", f"actions/checkout@{'a' * 40} # v7.9.0"),
    "bot raises all actions": lambda d: d.sub(
        CI,
        "(?s).*",
        lambda m: re.sub(r"actions/checkout@\w+ # \S+", f"actions/checkout@{'a' * 40} # v7.9.0", m[0]),
    ),
    "bot raises a little": lambda d: d.sub(
        CI,
        "(?s).*",
        lambda m: re.sub(r"actions/checkout@\w+ # \S+", f"actions/checkout@{'b' * 40} # v7.0.2", m[0]),
    ),
    "action by tag": lambda d: d.sub(CI, r"actions/checkout@\w+ # \S+", "actions/checkout@v6"),
    "hooks raised": lambda d: d.sub(HOOKS, r"rev: v6.0.0", "rev: v6.9.0"),
    "hooks frozen": lambda d: d.sub(HOOKS, r"rev: v6.0.0", f"rev: {'c' * 40}  # frozen: v6.9.0"),
    "hook added": lambda d: d.add(HOOKS, HOOK),
    "hook added in the middle": lambda d: d.sub(HOOKS, "^  - repo: .*pygrep-hooks", f"{HOOK[1:]}\n\\g<0>"),
    "hook removed": lambda d: d.sub(HOOKS, r"(?s)\n  - repo: \S+mirrors-prettier.*?(?=\n  - repo)", ""),
    "job added": lambda d: d.add(CI, JOB),
    "job added in the middle": lambda d: d.sub(CI, "^  build:", f"{JOB[1:]}\n  build:"),
    "job removed": lambda d: d.sub(CI, r"(?s)^  checks:.*?(?=^  build:)", ""),
    "matrix cut": lambda d: d.sub(CI, r"\[ubuntu-latest, windows-latest, macos-latest\]", "[ubuntu-latest]"),
    "schedule moved": lambda d: d.sub(CI, '"17 5 . . 1"', '"30 3 * * 2"'),
    "workflow deleted": lambda d: d.drop(CI),
    "workflows deleted": lambda d: d.drop(".github"),
    "workflow of one's own": lambda d: d.add(".github/workflows/nightly.yml", "on: workflow_dispatch\njobs: {}\n"),
    "yaml quoted": lambda d: d.sub(CI, "^name: CI", 'name: "CI"'),
    # the noxfile
    "session added at the end": lambda d: d.sub(NOXFILE, r"\n\nif __name__", f"{SESSION}\n\nif __name__"),
    "session added in the middle": lambda d: d.sub(
        NOXFILE, r"\n\n@nox.session\ndef docs", f"{SESSION}\n\n@nox.session\ndef docs"
    ),
    "session changed": lambda d: d.sub(NOXFILE, r'session.run\("codespell"\)', 'session.run("codespell", "src")'),
    "session removed": lambda d: d.sub(
        NOXFILE, r"(?s)@nox.session\(default=False\)\ndef zipapp.*?(?=@nox.session)", ""
    ),
    "noxfile deleted": lambda d: d.drop(NOXFILE),
    # texts
    "patterns at the end": lambda d: d.add(IGNORED, "/big/\n*.tmp\n"),
    "patterns in the middle": lambda d: d.sub(IGNORED, "^/build/", "/data/raw/\n/build/"),
    "pattern removed": lambda d: d.sub(IGNORED, "^/uv.lock\n", ""),
    "patterns sorted": lambda d: d.sub(
        IGNORED, "(?s).*", lambda m: "\n".join(sorted(filter(None, m[0].splitlines()))) + "\n"
    ),
    "page edited at the top": lambda d: d.sub(PAGE, "^# Contributing\n", "# Contributing to tides\n\nWelcome.\n"),
    "page extended": lambda d: d.add(PAGE, "\n## Style\n\nBe kind.\n"),
    "page extended in the middle": lambda d: d.sub(PAGE, "^## Modules", "## Reviews\n\nTwo people.\n\n## Modules"),
    "page wrapped": lambda d: d.sub(PAGE, "(?s).*", lambda m: re.sub(r"(?<=[a-z,])\n(?=[a-z])", " ", m[0])),
    "page moved": lambda d: d.move(PAGE, "docs/contributing.md"),
    "license replaced": lambda d: d.sub("LICENSE", "(?s).*", "All rights reserved.\n"),
    "citation": lambda d: d.add("CITATION.cff", "keywords: [tides]\n"),
    # code
    "formatted at 88": lambda d: (
        d.sub(PYPROJECT, "line-length = 100", "line-length = 88"),
        d.run("ruff", "format", "--quiet", "."),
    ),
    "single quotes": lambda d: (
        d.add(PYPROJECT, '\n[tool.ruff.format]\nquote-style = "single"\n'),
        d.run("ruff", "format", "--quiet", "."),
    ),
    "owned module edited": lambda d: d.add(
        f"src/{d.package}/_internal/files.py", "\n\ndef ours() -> int:\n    return 1\n"
    ),
    "owned module moved": lambda d: d.move(
        f"src/{d.package}/_internal/files.py", f"src/{d.package}/_internal/atomic.py"
    ),
    "owned module deleted": lambda d: d.drop(f"src/{d.package}/_internal/registry.py"),
    "seed rewritten": lambda d: d.sub(f"src/{d.package}/io.py", "(?s).*", '"""Ours."""\n'),
    "seeds deleted": lambda d: [d.drop(f"src/{d.package}/{name}") for name in ("io.py", "config.py", "commands")],
    "module added": lambda d: d.add(f"src/{d.package}/tides.py", '"""Tides."""\n'),
    "update.py of one's own": lambda d: d.add("update.py", "# ours\n"),
    "folder of one's own": lambda d: d.add("scripts/download.py", "# ours\n"),
    # other managers, bots and editors
    "pdm add": lambda d: d.run("pdm", "add", "--frozen-lockfile", "--no-sync", "httpx>=0.28"),
    "pdm add to a group": lambda d: d.run("pdm", "add", "--frozen-lockfile", "--no-sync", "-dG", "lint", "pylint>=3"),
    "workspace": lambda d: (
        d.add(PYPROJECT, '\n[tool.uv.workspace]\nmembers = ["libs/*"]\n'),
        d.add("libs/waves/pyproject.toml", '[project]\nname = "waves"\nversion = "0.1"\n'),
    ),
    "tables of poetry": lambda d: d.add(
        PYPROJECT, '\n[tool.poetry]\npackages = [{ include = "tides", from = "src" }]\n'
    ),
    "tables in quotes": lambda d: d.all(PYPROJECT, r"^\[tool\.(\w+)\]", r'["tool"."\1"]'),
    "comments below requirements": lambda d: d.all(PYPROJECT, r'^(  "[^"\n]+",)$', r"\1\n  # see above"),
    "no line end at the end": lambda d: [
        d.sub(path, r"\n\Z", "") for path in (PYPROJECT, CI, HOOKS, PAGE, NOXFILE, IGNORED)
    ],
    "line ends of pyproject.toml": lambda d: d.all(PYPROJECT, r"\n", "\r\n"),
    "hooks with a bot's comment": lambda d: d.all(HOOKS, r"rev: (\S+)$", r"rev: \1 # renovate"),
    "nothing": lambda d: d,
    # layouts of pyproject.toml
    "comments everywhere": lambda d: d.all(PYPROJECT, r'^( *"[^"\n]*",|[\w-]+ = [^\[\n]*[^\[{,\n])$', r"\1 # ours"),
    "tabs": lambda d: d.all(PYPROJECT, '^  (?=")', "\t"),
    "literal strings": lambda d: d.all(PYPROJECT, r'"([^"\'\\\n]*)"', r"'\1'"),
    "no empty lines": lambda d: d.all(PYPROJECT, r"\n\n+", "\n"),
    "inline tables": lambda d: (
        d.sub(PYPROJECT, r"(?s)\[project.urls\]\n.*?\n(?=\n)", ""),
        d.sub(PYPROJECT, "^readme = .*", 'readme = "README.md"\nurls = { Docs = "https://docs.example.org" }'),
    ),
    "dotted keys": lambda d: (
        d.sub(PYPROJECT, r"^\[tool.ruff.lint\]\n", ""),
        d.all(PYPROJECT, "^(select|ignore) = ", r"lint.\1 = "),
    ),
    "tables apart": lambda d: d.sub(
        PYPROJECT,
        r"(?s)(\[project.urls\]\n.*?\n)\n(.*)",
        r"\2\n\1",
    ),
    "arrays of tables turned round": lambda d: d.sub(
        PYPROJECT,
        r"(?s)(.*?)((?:^\[\[tool\.\w+\.\w+\]\].*?\n\n)+)",
        lambda m: m[1] + "".join(reversed(re.split(r"(?m)^(?=\[\[)", m[2]))),
    ),
    "spaces in bounds": lambda d: d.all(PYPROJECT, r'^  "([\w-]+)>=([\d.]+)"', r'  "\1 >= \2"'),
    "bound for each system": lambda d: d.sub(
        PYPROJECT,
        '  "numpy>=.*",',
        """  "numpy>=2.2; sys_platform != 'win32'",\n  "numpy>=2.3; sys_platform == 'win32'",""",
    ),
    "classifiers dropped": lambda d: d.sub(PYPROJECT, r"(?s)classifiers = \[.*?\n\]\n", ""),
    "group included": lambda d: d.sub(PYPROJECT, "^lint = .*", 'lint = [{ include-group = "types" }, "ruff"]'),
    "version from a file": lambda d: (
        d.sub(PYPROJECT, '^version = "0.1.0"', 'dynamic = ["version"]'),
        d.add(PYPROJECT, f'\n[tool.hatch.version]\npath = "src/{d.package}/version.py"\n'),
        d.add(f"src/{d.package}/version.py", '__version__ = "3.0"\n'),
    ),
    "ignores inline": lambda d: d.sub(
        PYPROJECT,
        r"(?s)\[tool.ruff.lint.per-file-ignores\]\n.*?\n(?=\n)",
        "[tool.ruff.lint.mccabe]\nmax-complexity = 8\n",
    ),
    "types loosened": lambda d: d.sub(
        PYPROJECT, r"(?s)\[tool.mypy\]\n.*?\n(?=\n)", "[tool.mypy]\nignore_missing_imports = true\n"
    ),
    # more of what tools do
    "uv add with a marker": lambda d: d.run("uv", "add", "--frozen", "tzdata>=2024; sys_platform == 'win32'"),
    "uv add with an extra": lambda d: d.run("uv", "add", "--frozen", "polars[pandas]"),
    "uv add from git": lambda d: d.run("uv", "add", "--frozen", "waves @ git+https://example.org/waves@v1.0"),
    "uv add for development": lambda d: d.run("uv", "add", "--frozen", "--dev", "ipython>=9"),
    "uv remove from a group": lambda d: d.run("uv", "remove", "--frozen", "--group", "lint", "codespell"),
    "pyproject-fmt, tables apart": lambda d: d.run(
        "pyproject-fmt", "--column-width", "60", "--indent", "4", "--table-format", "long", PYPROJECT, codes=(0, 1)
    ),
    "pyproject-fmt after uv add": lambda d: (
        d.run("uv", "add", "--frozen", "--optional", "plots", "seaborn>=0.13"),
        d.run("pyproject-fmt", PYPROJECT, codes=(0, 1)),
    ),
    "taplo, sorted": lambda d: d.run(
        "taplo", "format", "-o", "reorder_keys=true", "-o", "reorder_arrays=true", "-o", "column_width=40", PYPROJECT
    ),
    "toml-sort, tables too": lambda d: d.run(
        "toml-sort",
        "--in-place",
        "--all",
        "--spaces-indent-inline-array",
        "4",
        "--trailing-comma-inline-array",
        PYPROJECT,
    ),
    # workflows, hooks and texts, other than above
    "jobs turned round": lambda d: d.sub(CI, r"(?s)^(  checks:.*?)(^  build:.*?)(?=^  \w+:|\Z)", r"\2\1"),
    "action at its major": lambda d: d.sub(CI, r"actions/checkout@\w+ # \S+", f"actions/checkout@{'d' * 40} # v8"),
    "workflow quoted": lambda d: d.all(CI, r'"([^"\'\n]*)"', r"'\1'"),
    "workflow moved": lambda d: d.move(CI, ".github/workflows/checks.yml"),
    "hooks turned round": lambda d: d.sub(
        HOOKS, "(?s)(.*?)((?:^  - repo:.*)+)", lambda m: m[1] + "".join(reversed(re.split("(?m)^(?=  - repo)", m[2])))
    ),
    "hooks of one's own": lambda d: d.sub(HOOKS, "(?s)^repos:.*", "repos: []\n"),
    "line ends of one file": lambda d: d.all(CI, "\n", "\r\n"),
    "no last line end": lambda d: [d.all(path, r"\n\Z", "") for path in (PYPROJECT, CI, HOOKS, NOXFILE, IGNORED, PAGE)],
    "byte-order marks": lambda d: [d.all(path, r"\A", "\ufeff") for path in (NOXFILE, PAGE)],
    "page linked": _link_page,
    "page emptied": lambda d: d.sub(PAGE, "(?s).*", ""),
    "noxfile to run": lambda d: (d.project / NOXFILE).chmod(0o755),
    "patterns turned round": lambda d: d.sub(
        IGNORED, "(?s).*", lambda m: "".join(reversed(m[0].splitlines(keepends=True)))
    ),
    "attributes": lambda d: d.add(".gitattributes", "* text=auto eol=lf\n"),
    # folders
    "another package": lambda d: d.add("src/waves/__init__.py", '"""Waves."""\n'),
    "flat layout": lambda d: d.move(f"src/{d.package}", d.package),
    "tests in the package": lambda d: d.move("tests", f"src/{d.package}/tests"),
    "folder with a name of the template's": _take_name,
}
OPTIONS = {"package_name": "tides", "user_name": "Ada", "github_user": "ada"}
