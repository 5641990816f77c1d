"""Who owns a rendered file, read from copier.yml."""

from functools import cache

from pathspec import GitIgnoreSpec
from questions import SETTINGS

__all__ = ["classes", "is_seed"]

_CLASSES = {
    name: GitIgnoreSpec.from_lines(SETTINGS[key])
    for name, key in {"owned": "_owned", "mixed": "_mixed", "seed": "_skip_if_exists"}.items()
}


@cache
def classes(path: str) -> list[str]:
    """List the classes that claim a path; there must be exactly one."""
    return [name for name, patterns in _CLASSES.items() if patterns.match_file(path)]


def is_seed(path: str) -> bool:
    """Say whether an update leaves a path alone."""
    return classes(path) == ["seed"]
