"""Plugins that come with the package, and what a plugin is.

A plugin is a file that defines ``transform``; the first line of its docstring is
its help text. Put a file here to ship it with the package, or in a folder of your
own that the setting ``plugin_folder`` names. The setting ``transforms`` says which
ones are applied, in which order, right after a table was read.
"""

from typing import Any, Protocol

__all__ = ["Transform"]


class Transform(Protocol):
    """A function from frame to frame: polars or pandas, eager or lazy.

    It keeps each row and the order of rows, and leaves `frame` as it is;
    ``@nw.narwhalify`` makes one from narwhals expressions.
    """

    def __call__(self, frame: Any) -> Any:
        """Return a new frame of the same kind."""
