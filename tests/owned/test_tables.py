"""What is made of tables as people have them: values, types and doubts."""

import datetime as dt
import gzip
import zipfile

import polars as pl
import pytest
from my_project import io
from my_project.errors import DataError

DAY = dt.date(2024, 3, 25)
LATIN = "größe,y\n1,ä\n2,b\n"
LINES = "1,5\n2,6\n3,7\n4,8\n"

COLUMNS = {  # values of a column, one for each row -> the first one that is read, a word of each doubt
    "question marks": ("1.5 ? 2.5 3.5", 1.5, ['1 of 4 values are not numbers ("?"): treated as missing']),
    "known signs": ("7 NA n/a 8", 7, []),
    "percent": ("12.5% 13% 14%", 12.5, ['"12.5%" are read without the sign']),
    "currency": ("$1200.50 $3 $4", 1200.5, ["without the sign"]),
    "currency codes": ("EUR_5.5 EUR_6.5", 5.5, ["without the sign"]),
    "units": ("5_kg 6_kg", 5.0, ["without the sign"]),
    "Swiss": ("1'250.50 2'000.00", 1250.5, []),
    "spaces": ("1_250 2_000", 1250.0, []),
    "negative in brackets": ("(5.5) 6.5", -5.5, []),
    "typographic minus": ("\u22125 6", -5.0, []),
    "large": (f"{10**20} 5", 10**20, []),
    "leading zeros": ("00501 10001 10002", "00501", ['"00501" begins with 0: kept as text; set text = ["x"]']),
    "zeros among fractions": ("007 1.5 2.5", "007", ["begins with 0"]),
    "codes among numbers": (" ".join(f"{i}A {i} {i}.5" for i in range(30)), "0A", ["many values are codes"]),
    "yes and no": ("Yes no yes", "Yes", []),
    "countries": ("no se dk", "no", []),
    "truth values": ("TRUE false - true", True, ["1 of 4 values are not truth values"]),
    "month first": ("03/25/2024 03/01/2024", DAY, ["read month first; set dates = "]),
    "day first": ("25/03/2024 01/03/2024", DAY, ["read day first"]),
    "day or month": ("03/04/2024 05/06/2024", dt.date(2024, 3, 4), ['"03/04/2024" are read month first']),
    "short years": ("25.03.24 26.03.24", DAY, []),
    "short days and years": ("3.2.24 5.2.24", dt.date(2024, 2, 3), ['"3.2.24" are read day first; set dates = "day"']),
    "short years after months": ("25_Mar_24 26_Mar_24", DAY, []),
    "year first": ("2024.03.25 2024.03.26", DAY, []),
    "months": ("2024-03 2024-04 2024-05", "2024-03", ['"2024-03" looks like a number or a date: kept as text']),
    "French": ("25_mars_2024 26_mars_2024", "25 mars 2024", ["looks like a number or a date: kept as text"]),
    "many units": ("5_cm 6_inch 1.5K", "5 cm", ['"5 cm" looks like a number or a date: kept as text']),
    "lakhs": ('"12,34,567.5" "1,234.5"', 1234567.5, []),
    "minus at the end": ("5.5- 6", -5.5, []),
    "names of months": ("25_Mar_2024 26_April_2024", DAY, []),
    "times": ("2024-03-25T13:05:07 2024-03-26T00:00:00", dt.datetime(2024, 3, 25, 13, 5, 7), []),
    "half days": ("03/25/2024_01:05_PM 03/26/2024_01:05_AM", dt.datetime(2024, 3, 25, 13, 5), ["month first"]),
    "zones": ("2024-03-25T13:05:00+02:00 NA", dt.datetime(2024, 3, 25, 11, 5, tzinfo=dt.UTC), []),
    "addresses": ("1.2.3.4 1.2.3.5", "1.2.3.4", []),
    "text": ("a b NA", "a", []),
}

FILES = {  # a file -> its rows, a word of each doubt
    "decimal comma": ("x;y\n1,5;a\n2,5;b\n", [(1.5, "a"), (2.5, "b")], []),
    "German": ("x;y\n1.250,50;1.100\n2,50;1.200\n", [(1250.5, 1100.0), (2.5, 1200.0)], []),
    "thousands": ('x,y\n"1,250",5\n"2,250",6\n', [(1250.0, 5), (2250.0, 6)], ["decimal or thousands; set thousands"]),
    "units": ("x,y\ncm,kg\n1,5\n2,6\n", [(1, 5), (2, 6)], ['first row ("cm") looks like units: left out']),
    "total": ("x,y\na,5\nb,6\nTotal,11\n", [("a", 5), ("b", 6)], ['last row ("Total") looks like a total']),
    "blank lines": ("x,y\n1,5\n\n2,6\n\n\n", [(1, 5), (2, 6)], []),
    "spaces": ('x, y\n1, "a, b"\n2, c\n', [(1, "a, b"), (2, "c")], []),
    "comments": ("# of the lab\n# cm\nx,y\n1,5\n# odd\n2,6\n", [(1, 5), (2, 6)], ["above the header left out: 2"]),
    "heading": ("Report\n\nx,y,z\n1,5,7\n2,6,8\n", [(1, 5, 7), (2, 6, 8)], ["lines above the header left out: 1"]),
    "filled up": ("Sales,,\nof May,,\nx,y,z\n1,5,7\n2,6,8\n", [(1, 5, 7), (2, 6, 8)], ["above the header left out: 2"]),
    "two headers": ("sizes,,kind\nx,y,z\n1,5,a\n2,6,b\n", [(1, 5, "a"), (2, 6, "b")], ["above the header left out: 1"]),
    "quotes and tabs": ('"x"\t"y"\n"1.5"\t"a, b"\n"2"\t"b"\n', [(1.5, "a, b"), (2.0, "b")], []),
    "single quotes": ("'x','y'\n'1.5','a, b'\n", [(1.5, "a, b")], []),
    "no header": ("1,5\n2,6\n", [(2, 6)], ["is there no header?"]),
    "Latin-1": (LATIN.encode("latin-1"), [(1, "ä"), (2, "b")], ["not UTF-8, read as cp1252 ('größe')"]),
    "Latin-1, late": (b"x,y\n" + b"1,a\n" * 300_000 + b"2,\xe4", [(1, "a")] * 300_000 + [(2, "ä")], ["cp1252"]),
    "UTF-16": (LATIN.encode("utf-16"), [(1, "ä"), (2, "b")], []),
    "byte order mark": (LATIN.encode("utf-8-sig"), [(1, "ä"), (2, "b")], []),
    "CR": ("x,y\r1,a\r2,b\r", [(1, "a"), (2, "b")], []),
    "long cell": (f"x,y\n1,{'a' * 200_000}\n", [(1, "a" * 200_000)], []),
    "late value": ("x,y\n" + ",1\n" * 300_000 + "5.5,1\n", [(None, 1)] * 300_000 + [(5.5, 1)], []),
    "late fraction": ("x\n" + "1234567\n" * 300_000 + "5.5\n", [(1234567.0,)] * 300_000 + [(5.5,)], []),
    "late mark": (
        "x\n" + "1234567\n" * 300_000 + "?\n",
        [(1234567,)] * 300_000 + [(None,)],
        ["1 of 300001 values are"],
    ),
}

REFUSED = {
    "short row": ("a,b,c,d,e\n" + "1,2,3,4,5\n" * 200 + "1,2,3\n", "row 202 has 3 fields, the header has 5$"),
    "long row": ('x,y\n"a, b",1\n1,2,3\n', "row 3 has 3 fields, the header has 2$"),
    "short row after quotes": ('x,y\n"a, b",1\n"c",\n"d"\n', "row 4 has 1 fields, the header has 2$"),
    "open quote": ('x,y\n1,"a\n2,b\n', "a quote is not closed"),
    "inches": ('x,y\n1,5" pipe\n2,b\n', "or stands within a field without quotes$"),
    "Parquet": (b"PAR1\x15\0\x15\xe4\n\1\2\n", "holds no text: its suffix must say what it holds$"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(200), "holds no text"),
    "many columns": (",".join(f"c{i}" for i in range(100_000)) + "\n", "has 100000 columns: at most 20000"),
    "commas": ("," * 2_000_000 + "\n", "no column has a name$"),
}


def load(path, content, **settings):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    tables = [io.load(path, settings=io.Reading(**settings), eager=eager) for eager in (True, False)]
    assert tables[0].frame.collect().equals(tables[1].frame.collect())
    assert tables[0].doubts == tables[1].doubts
    return tables[0].frame.collect(), tables[0].doubts


def check(doubts, words):
    assert len(doubts) == len(words), doubts
    assert all(word in doubt for word, doubt in zip(words, doubts, strict=True)), doubts


@pytest.mark.parametrize(("values", "first", "words"), COLUMNS.values(), ids=COLUMNS)
def test_column_is_read_as_what_most_of_it_is(tmp_path, values, first, words):
    rows = [value.replace("_", " ") for value in values.split()]
    table, doubts = load(tmp_path / "t.csv", "x,k\n" + "".join(f"{row},a\n" for row in rows))
    assert table["x"][0] == first
    assert type(table["x"][0]) is type(first)
    assert len(table) == len(rows)
    check(doubts, words)


@pytest.mark.parametrize(("text", "rows", "words"), FILES.values(), ids=FILES)
def test_file_is_read_as_it_is_written(tmp_path, text, rows, words):
    table, doubts = load(tmp_path / "t.csv", text)
    assert table.rows() == rows
    check(doubts, words)


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_file_that_is_broken_is_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        load(tmp_path / "t.csv", text)


@pytest.mark.parametrize(
    ("settings", "text", "first"),
    [
        ({"text": ("x",)}, "x\n007\n", "007"),
        ({"missing": ("?",)}, "x\n5\n?\n", 5),
        ({"dates": "day"}, "x\n03/04/2024\n", dt.date(2024, 4, 3)),
        ({"dates": "%Y%d%m"}, "x\n20240304 \n", 20240304),
        ({"decimal": ","}, 'x,y\n"1,250",5\n', 1.25),
        ({"thousands": "."}, "x,y\n1.250,5\n", 1250.0),
        ({"encoding": "cp437"}, b"x\n\x84\n", "ä"),
        ({"comment": "!"}, "x\n!5\n6\n", 6),
        *(({"separator": sign}, f"x{sign}y\n5{sign}6\n", 5) for sign in "_.:*]\\'"),
        ({"separator": "^"}, "y^x\n6^5\n", 5),
        ({"separator": "none"}, "x\na;b\nc\n", "a;b"),
    ],
)
def test_setting_decides(tmp_path, settings, text, first):
    table, doubts = load(tmp_path / "t.csv", text, **settings)
    assert (table["x"][0], doubts) == (first, [])


def test_code_far_from_the_beginning_keeps_its_zeros(tmp_path):
    rows = [f"{10_000 + row % 80_000},{row}" for row in range(300_000)]
    rows[150_001] = "00501,150001"
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["zip,row", *rows, ""]))
    found = io.load(path)
    assert found.frame.filter(pl.col("row") == 150_001).collect()["zip"].to_list() == ["00501"]
    assert '"00501" begins with 0: kept as text' in found.doubts[0]
    assert io.load(path, kinds={"zip": "numeric"}).frame.collect_schema()["zip"] == pl.Int64


@pytest.mark.parametrize("sign", ['"', "\n", "ab", "\u00df"])
def test_separator_that_cannot_be_one_is_refused(sign):
    with pytest.raises(ValueError, match="must be one ASCII character, no double quote or line end"):
        io.Reading(separator=sign)


@pytest.mark.parametrize("suffix", ["tsv", "txt", "csv.gz", "csv.zst", "zip", "arrow", "feather", "json", "jsonl.gz"])
def test_format_follows_from_the_suffix(tmp_path, suffix):
    frame = pl.DataFrame({"x": [1, 2], "k": ["a", "b"]})
    path = tmp_path / f"t.{suffix}"
    text = frame.write_csv(separator="\t" if suffix == "tsv" else ",").encode()
    match suffix.split("."):
        case ["arrow" | "feather"]:
            frame.write_ipc(path)
        case ["json"]:
            frame.write_json(path)
        case ["jsonl", _]:
            path.write_bytes(gzip.compress(frame.write_ndjson().encode()))
        case ["csv", "gz"]:
            path.write_bytes(gzip.compress(text))
        case ["csv", _]:
            frame.lazy().sink_csv(path, compression="zstd")
        case ["zip"]:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("t.csv", text)
        case _:
            path.write_bytes(text)
    assert io.read(path).equals(frame)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_folders_give_columns(tmp_path, suffix):
    for year in (2023, 2024):
        (folder := tmp_path / f"year={year}").mkdir()
        io.write(pl.DataFrame({"x": [year - 2000]}), folder / f"t.{suffix}")
    assert io.read(tmp_path).rows() == [(23, 2023), (24, 2024)]


@pytest.mark.parametrize("sheet", ["auto", "Sheet9", "9"])
def test_workbook_that_cannot_be_read_is_refused_in_one_line(tmp_path, sheet):
    pytest.importorskip("fastexcel")
    path = tmp_path / "t.xlsx"
    path.write_bytes(b"x,y\n1,2\n")
    with pytest.raises(DataError, match=r"cannot read .*t\.xlsx: \w+: [^\n]+$"):
        io.load(path, settings=io.Reading(sheet=sheet))


def test_errors_of_urls_hide_passwords():
    url = "https://me:secret@host/t.csv?key=secret#secret"
    with (
        pytest.raises(DataError, match=r"^https://host/t.csv: HEAD https://host/t.csv failed") as caught,
        io.reading(url),
    ):
        reason = f"HEAD {url} failed (location: t.csv?key=secret#secret)"
        raise OSError(reason)
    assert "secret" not in str(caught.value)
