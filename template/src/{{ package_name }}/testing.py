"""For the tests of plugins: hold one to the contract of a transform."""

import pickle
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
import polars.selectors as cs
from polars.testing import assert_frame_equal

from ._internal import registry

__all__ = ["check"]


def check(
    plugin: Path | str, columns: Mapping[str, Sequence[Any]], /, **options: Any
) -> pl.DataFrame:
    """Apply a plugin to a table in every way that a run may, and give what it makes.

    Parameters
    ----------
    plugin
        Its file or package, or the name of one that is installed.
    columns
        The table: name -> values, of equal length; two rows or more show the most.
    **options
        Options of the plugin.

    Returns
    -------
    pl.DataFrame
        What it makes of the table, to be compared with what you expect.

    Raises
    ------
    PluginError
        If it cannot be loaded, fails, or an option breaks its rule.
    AssertionError
        If it has no help text, changes what it was given, or gives another kind of frame
        or other values for a lazy frame, for pandas (where installed, with pyarrow), for
        no rows, for the rows in two parts (unless it says ``WHOLE_TABLE``), or after a pickle.
    """
    name, folder = (plugin, None) if isinstance(plugin, str) else (plugin.stem, plugin.parent)
    [found] = registry.pick([{**options, "use": name}], folder)
    assert found.help, f"plugin {name!r} needs a docstring: its first line is the help text"  # noqa: S101
    table = pl.DataFrame(columns)

    def apply(frame: Any, plugin: registry.Plugin = found) -> Any:
        return registry.apply([plugin], frame)

    made: pl.DataFrame = apply(table)
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - made here
    ways = {
        "a lazy frame": (apply(table.lazy()).collect(), made),
        "a frame after a pickle": (apply(table, again), made),
        "a frame without rows": (apply(table.clear()).clear(), made.clear()),
    }
    if not found.whole_table:
        half = len(table) // 2
        parts = pl.concat([apply(table[:half]), apply(table[half:])], how="vertical_relaxed")
        ways["the rows in two parts"] = parts, made
    if find_spec("pandas") and find_spec("pyarrow"):
        given = nw.from_dict(table.to_dict(as_series=False), backend="pandas").to_native()
        before = given.copy()
        rows = nw.from_native(apply(given), eager_only=True)
        assert given.equals(before), f"plugin {name!r} changes the frame that it is given"  # noqa: S101
        arrow = nw.maybe_reset_index(rows).to_arrow()  # where a missing text is no "NaN"
        ways["a pandas frame"] = _with_nulls(pl.DataFrame(pl.from_arrow(arrow))), _with_nulls(made)
    for way, (seen, expected) in ways.items():
        try:
            assert_frame_equal(seen, expected, check_dtypes=False)
        except AssertionError as error:
            msg = f"plugin {name!r} breaks the contract with {way}: {error}"
            raise AssertionError(msg) from error
    return made


def _with_nulls(frame: pl.DataFrame) -> pl.DataFrame:
    """Replace NaN, which is what pandas has for a missing number."""
    return frame.with_columns(cs.float().fill_nan(None))
