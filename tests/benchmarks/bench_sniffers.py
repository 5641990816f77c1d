"""How many small tables are read rightly: by a project, and by libraries that find out how a file is written.

`uv run --with PROJECT --with duckdb,clevercsv,pandas,pyarrow tests/benchmarks/bench_sniffers.py PACKAGE` prints what
docs/decisions/0024-reading-tables.md shows. A table is read rightly if rows, names, numeric columns and their sum are
those that were written; if a row is broken, reading has to be refused. Names of readers as further words choose them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["READERS", "tables"]

NAMES = ["size", "kind", "n"]
ROWS = [(f"{number}.5", "ab"[number % 2], str(number)) for number in range(40)]
TOTAL = 800.0
SIGNS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
MARKS = ["?", "-", "n/a", ".", "unknown", "NULL", "#N/A"]
Right = tuple[int, list[str], set[str], float]


def written(sep: str = ",", quote: str = "", space: str = "") -> str:
    """Write the rows below their header."""
    return "".join(f"{sep}{space}".join(f"{quote}{cell}{quote}" for cell in row) + "\n" for row in [NAMES, *ROWS])


def tables() -> dict[str, tuple[bytes, Right | None]]:
    """Give each table, and what is right for it: rows, names, numeric columns, sum of sizes; None: refused."""
    usual: Right = (40, NAMES, {"size", "n"}, TOTAL)
    western: Right = (40, ["size", "größe", "n"], {"size", "n"}, TOTAL)
    late: Right = (120_001, NAMES, {"size", "n"}, 120_001.5)
    made: dict[str, tuple[str | bytes, Right | None]] = {}
    for name, sep in SIGNS.items():
        text = written(sep)
        made |= {
            name: (text, usual),
            f"{name}, quotes": (written(sep, '"'), usual),
            f"{name}, CRLF": (text.replace("\n", "\r\n"), usual),
            f"{name}, title": (f"Report of sales\n\n{text}", usual),
            f"{name}, comments": (f"# from the lab\n# in cm\n{text}", usual),
            f"{name}, blank lines": (text.replace("\n", "\n\n"), usual),
        }
    for name in ("semicolon", "tab"):
        made[f"{name}, decimal comma"] = written(SIGNS[name]).replace(".5", ",5"), usual
    plain = written()
    header, body = plain.split("\n", 1)
    for mark in MARKS:
        some = [(size if place % 8 else mark, kind, n) for place, (size, kind, n) in enumerate(ROWS)]
        left = TOTAL - sum(float(size) for size, _, _ in ROWS[::8])
        rows = "".join(",".join(row) + "\n" for row in some)
        made[f"missing {mark}"] = f"{header}\n{rows}", (40, NAMES, {"size", "n"}, left)
    large = [f"{float(size) * 1000:,.2f}" for size, _, _ in ROWS]
    thousands: Right = (40, NAMES, {"size", "n"}, TOTAL * 1000)
    pairs = [(text, f"{kind},{n}") for text, (_, kind, n) in zip(large, ROWS, strict=True)]
    swapped = str.maketrans(",.", ".,")
    german = "".join(f"{text.translate(swapped)};{rest.replace(',', ';')}\n" for text, rest in pairs)
    made |= {
        "spaces": (written(space=" "), usual),
        "spaces, quotes": (written(quote='"', space=" "), usual),
        "single quotes": (written(quote="'"), usual),
        "CR": (plain.replace("\n", "\r"), usual),
        "byte order mark": (plain.encode("utf-8-sig"), usual),
        "UTF-16": (plain.encode("utf-16"), usual),
        "UTF-16, big end first": (f"\ufeff{plain}".encode("utf-16-be"), usual),
        "Latin-1": (plain.replace("kind", "größe").encode("latin-1"), western),
        "cp1252": (plain.replace(",a,", ",\u201ca\u201d,").encode("cp1252"), usual),
        "thousands": (f"{header}\n" + "".join(f'"{text}",{rest}\n' for text, rest in pairs), thousands),
        "dollars": (f"{header}\n" + "".join(f'"${text}",{rest}\n' for text, rest in pairs), thousands),
        "German": (f"{';'.join(NAMES)}\n{german}", thousands),
        "percent": (plain.replace(".5,", ".5%,"), usual),
        "unit": (plain.replace(".5,", ".5 cm,"), usual),
        "row of totals": (f"{plain}Total,,780\n", usual),
        "row of units": (f"{header}\ncm,,pcs\n{body}", usual),
        "separator at the end": (plain.replace("\n", ",\n"), usual),
        "row numbers": (f",{header}\n" + "".join(f"{i},{row}\n" for i, row in enumerate(body.splitlines())), usual),
        "rows without values": (f"{plain},,\n,,\n", usual),
        "title filled up": (f"Report,,\nMarch,,\n{plain}", usual),
        "sep=": (f"sep=;\n{written(';')}", usual),
        "line break in a cell": (plain.replace(",a,", ',"a\nb",', 1), usual),
        "quotes in a cell": (plain.replace(",a,", ',"say ""hi""",', 1), usual),
        "comma in cells": (plain.replace(",a,", ',"a, b",'), usual),
        "semicolon in cells": (plain.replace(",a,", ",a;b,"), usual),
        "long cell": (plain.replace(",a,", f",{'x' * 200_000},", 1), usual),
        "late mark": (f"{header}\n{body * 3_000}?,a,1\n", (120_001, NAMES, {"size", "n"}, TOTAL * 3_000)),
        "late fraction": (f"{header}\n" + "1,a,1\n" * 120_000 + "1.5,a,1\n", late),
        "codes": (
            f"{header},zip\n" + "".join(f"{','.join(row)},{row[2]:0>5}\n" for row in ROWS),
            (40, [*NAMES, "zip"], {"size", "n"}, TOTAL),
        ),
        "late code": (
            f"{header},zip\n" + "1.5,a,1,12345\n" * 120_000 + "1.5,a,1,00501\n",
            (120_001, [*NAMES, "zip"], {"size", "n"}, 180_001.5),
        ),
        "months first": (
            f"{header},day\n" + "".join(f"{','.join(row)},03/{i % 28 + 1}/2024\n" for i, row in enumerate(ROWS)),
            (40, [*NAMES, "day"], {"size", "n"}, TOTAL),
        ),
        "short row": (f"{plain}1.5\n", None),
        "long row": (f"{plain}1,2,3,4,5\n", None),
        "a name twice": (f"size,size,n\n{body}", None),
        "Parquet": (b"PAR1\x15\0\x15\xe4\n\1\2\n", None),
    }
    return {name: (text if isinstance(text, bytes) else text.encode(), right) for name, (text, right) in made.items()}


def _project(path: Path) -> Any:
    return import_module(f"{sys.argv[1]}.io").read(path)


def _duckdb(path: Path) -> Any:
    return import_module("duckdb").sql(f"from read_csv('{path}', sample_size=-1)").pl()


def _pandas(path: Path, **layout: Any) -> Any:
    return import_module("polars").from_pandas(import_module("pandas").read_csv(path, **layout))


def _sniffed(module: str) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        with path.open(encoding="utf-8", newline="") as file:
            found = import_module(module).Sniffer().sniff(file.read(65_536))
        return _pandas(path, sep=found.delimiter, quotechar=found.quotechar or '"')

    return read


READERS: dict[str, Callable[[Path], Any]] = {
    "a project of the template": _project,
    "DuckDB": _duckdb,
    "csv.Sniffer and pandas": _sniffed("csv"),
    "clevercsv and pandas": _sniffed("clevercsv"),
    "pandas, sep=None": lambda path: _pandas(path, sep=None, engine="python"),
    "polars": lambda path: import_module("polars").read_csv(path, infer_schema_length=None),
}


def _is_right(read: Callable[[Path], Any], path: Path, right: Right | None) -> bool:
    try:
        frame = read(path)
    except ImportError:
        raise
    except BaseException:  # noqa: BLE001 - polars panics
        return right is None
    numbers = {name for name, dtype in frame.schema.items() if dtype.is_numeric()}
    same = right and (len(frame), frame.columns, numbers) == right[:3]
    return bool(same and right and abs(frame["size"].sum() - right[3]) < 1e-6 * right[3])


if __name__ == "__main__":
    found = tables()
    print(f"{len(found)} tables")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        for reader in sys.argv[2:] or READERS:
            wrong, read = [], READERS[reader]
            for name, (content, right) in found.items():
                (path := Path(folder, "t.csv")).write_bytes(content)
                if not _is_right(read, path, right):
                    wrong.append(name)
            print(f"{reader}: {len(found) - len(wrong)}; not {', '.join(wrong)}")  # noqa: T201
