"""Plugins that come with the package, and what a plugin is.

A plugin is a file that defines ``transform``; the first line of its docstring is
its help text. Put a file here to ship it with the package, or in a folder of your
own that the setting ``plugin_folder`` names. The setting ``transforms`` says which
ones are applied, in which order, with which options.
"""

from typing import Any, Protocol

__all__ = ["REJECTED", "Transform", "reload"]

REJECTED = "_rejected"
"""The column with the reason why a row is refused, in text; missing where it is not."""


class Transform(Protocol):
    """A function from frame to frame: polars or pandas, eager or lazy.

    It looks at one row at a time and leaves `frame` as it is; a module that needs
    all rows at once says so with ``WHOLE_TABLE = True``. Its parameters by keyword
    are its options, checked against their types. ``@nw.narwhalify`` makes one from
    narwhals expressions. It may leave rows out; it refuses one by a column `REJECTED`
    with the reason, which a pipeline that writes tables sets aside.
    """

    def __call__(self, frame: Any) -> Any:
        """Return a new frame of the same kind."""


def reload() -> None:
    """Read and run plugins anew at their next use, e.g. from a notebook after an edit."""
    from .._internal import registry

    registry.reload()
