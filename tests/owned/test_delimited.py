import polars as pl
import pytest

from my_project._internal import delimited
from my_project.errors import DataError


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    """Let three rows tell the types."""
    monkeypatch.setattr(delimited, "FIRST_ROWS", 3)


@pytest.fixture
def read(tmp_path):
    """Read CSV texts, each from a file of its own; give the tables."""

    def call(*texts, **options):
        paths = [tmp_path / f"{number}.csv" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [frame.collect() for frame in delimited.scan(paths, **options)]

    return call


def column(*values, name="x"):
    return "\n".join([name, *map(str, values)]) + "\n"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_the_commonest_sign_of_the_header(read, separator):
    [table] = read(f"a{separator}b\n1{separator}2\n")
    assert table.to_dict(as_series=False) == {"a": [1], "b": [2]}


@pytest.mark.parametrize("missing", delimited.MISSING)
def test_words_for_missing_are_missing(read, missing):
    [table] = read(f"a,b\n1,{missing}\n2,3\n")
    assert table["b"].to_list() == [None, 3]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3, 4], pl.Int64),
        ([1, 2, 3, 4.5], pl.Float64),
        ([1, 2, 3, "x"], pl.String),
        ([1, 2, 3, 2**64], pl.Int128),
        ([1, 2, 3, "x", 5.5], pl.String),
        (["2024-01-01"] * 3 + ["no day"], pl.String),
        (["2024-01-01"] * 4, pl.Date),
        (["NA"] * 4 + [5], pl.Int64),
        (["NA"] * 4 + ["x"], pl.String),
        (["NA"] * 5, pl.String),
        (["true"] * 3 + ["maybe"], pl.String),
    ],
    ids=str,
)
def test_later_values_widen_the_type_of_the_first(read, values, kind):
    [table] = read("\n".join(["x,y", *(f"{value},1" for value in values)]) + "\n")
    assert table.schema == {"x": kind, "y": pl.Int64}
    assert table["x"].null_count() == values.count("NA")


def test_columns_that_are_asked_for_are_text(read):
    [table] = read(column("007", "010", "3", "4", "5"), text=["x"])
    assert table["x"].to_list() == ["007", "010", "3", "4", "5"]


def test_column_that_is_text_in_one_file_is_text_in_all(read):
    tables = read(column(1, 2), column("x", "y"))
    assert [table["x"].to_list() for table in tables] == [["1", "2"], ["x", "y"]]


def test_column_without_values_takes_the_type_of_the_other_file(read):
    first, second = read("x,y\n1,a\n", "x,y\nNA,b\n")
    assert first["x"].to_list() == [1]
    assert second["x"].to_list() == [None]


def test_quoted_text_may_hold_separators_quotes_and_line_breaks(read):
    [table] = read('"a ""b"" c",y\n"1,2\n3",4\n"say ""no""",5\n')
    assert table.to_dict(as_series=False) == {'a "b" c': ["1,2\n3", 'say "no"'], "y": [4, 5]}


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_any_line_end_will_do(read, end):
    [table] = read("x,y\r\n1,2\r\n3,4".replace("\r\n", end or "\n") + end)
    assert table.rows() == [(1, 2), (3, 4)]


def test_byte_order_mark_is_no_part_of_a_name(read):
    [table] = read(b"\xef\xbb\xbfx,y\n1,2\n")
    assert table.columns == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x,y\n1,2\n3\n", r"0.csv: row 3 has 1 fields, the header has 2"),
        ("x,y\n1,2,3\n", r"0.csv: row 2 has 3 fields, the header has 2"),
        ('x,y\n"1,2"\n', r"0.csv: row 2 has 1 fields, the header has 2"),
        ("x,y\n1,2\n\n", r"0.csv: row 3 has 0 fields, the header has 2"),
        ("x,y,x\n1,2,3\n", r"0.csv: column names must differ, got x more than once"),
        ("\n", r"0.csv is empty"),
        (b"x,y\n1,\xff\n", r"cannot read .*0.csv as UTF-8 text"),
        ("x,y\n1," + "9" * 200_000 + "\n", r"cannot read .*field larger than field limit"),
        ("x,y\n1," + "9" * 200_000, r"cannot read .*field larger than field limit"),
    ],
    ids=["short", "long", "quoted", "blank", "repeated", "empty", "bytes", "huge", "huge end"],
)
def test_broken_file_is_named_with_the_row(read, text, complaint):
    with pytest.raises(DataError, match=complaint):
        read(text)


def test_short_row_is_found_wherever_it_lies(read):
    rows = ["x,y", *["1,2"] * 300_000, "3", "4,5"]
    with pytest.raises(DataError, match="row 300002 has 1 fields"):
        read("\n".join(rows))
