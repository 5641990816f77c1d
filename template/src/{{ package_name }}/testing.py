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
        If it has no help text, changes what it was given, gives another kind of frame
        or other values for a lazy frame, for pandas (where installed, with pyarrow), for
        no rows, for the rows in two parts (unless it says ``WHOLE_TABLE``), or after a pickle.
    """
    name, folder = (plugin, None) if isinstance(plugin, str) else (plugin.stem, plugin.parent)
    [found] = registry.pick([{**options, "use": name}], folder)
    assert found.help, f"plugin {name!r} needs a docstring: its first line is the help text"  # noqa: S101
    table = pl.DataFrame(columns)
    made: pl.DataFrame = registry.apply([found], table)
    for way, (seen, expected) in _ways(found, table, made).items():
        try:
            assert_frame_equal(seen, expected, check_dtypes=False)
        except AssertionError as error:
            msg = f"plugin {name!r} breaks the contract with {way}: {error}"
            raise AssertionError(msg) from error
    return made


def _ways(
    found: registry.Plugin, table: pl.DataFrame, made: pl.DataFrame
) -> dict[str, tuple[pl.DataFrame, pl.DataFrame]]:
    """Apply a plugin in other ways: what comes of each, and what must come of it."""
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - made here
    ways = {
        "a lazy frame": (registry.apply([found], table.lazy()).collect(), made),
        "a frame after a pickle": (registry.apply([again], table), made),
        "a frame without rows": (registry.apply([found], table.clear()).clear(), made.clear()),
    }
    if not found.whole_table:
        half = len(table) // 2
        parts = [registry.apply([found], part) for part in (table[:half], table[half:])]
        ways["the rows in two parts"] = (pl.concat(parts, how="vertical_relaxed"), made)
    if find_spec("pandas") and find_spec("pyarrow"):
        ways["a pandas frame"] = (_through_pandas(found, table), _plain(made))
    return ways


def _through_pandas(found: registry.Plugin, table: pl.DataFrame) -> pl.DataFrame:
    given = nw.from_dict(table.to_dict(as_series=False), backend="pandas").to_native()
    before = given.copy()
    made = nw.from_native(registry.apply([found], given), eager_only=True)
    if not given.equals(before):
        msg = f"plugin {found.name!r} changes the frame that it is given"
        raise AssertionError(msg)
    rows = nw.maybe_reset_index(made).to_arrow()  # a text that is missing becomes no "NaN"
    return _plain(pl.DataFrame(pl.from_arrow(rows)))


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Write missing numbers in one way, as pandas has no other than NaN."""
    return frame.with_columns(cs.float().fill_nan(None))
