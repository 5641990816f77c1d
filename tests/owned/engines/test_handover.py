from pathlib import Path

import polars as pl
import pytest
from my_project.errors import DataError, EngineError

handover = pytest.importorskip("my_project._internal.engines._handover")


def test_plain_parquet_is_handed_over_as_it_is(tmp_path):
    path = tmp_path / "t.parquet"
    rows = pl.DataFrame({"n": [1.5], "text": ["a"], "day": [None]}, schema_overrides={"day": pl.Date})
    rows.write_parquet(path)
    assert handover.hand_over(pl.scan_parquet(path), [path], tmp_path / "none") == [path]


@pytest.mark.parametrize("name", ["_t.parquet", "t.csv"])
def test_other_files_are_written_as_parquet_first(tmp_path, name):
    rows = pl.DataFrame({"n": [1.5]})
    rows.write_parquet(tmp_path / name)
    [made] = handover.hand_over(rows.lazy(), [tmp_path / name], tmp_path)
    assert (made.name, pl.read_parquet(made).rows()) == ("source.parquet", rows.rows())


def test_types_that_not_every_engine_has_become_plain(tmp_path, caplog):
    moment = pl.Series(["2024-03-31T12:00:00Z"]).str.to_datetime(time_zone="Asia/Tokyo")
    rows = pl.DataFrame(
        {
            "time": moment,
            "kind": pl.Series(["a"], dtype=pl.Categorical),
            "big": pl.Series([2], dtype=pl.Int128),
            "none": [None],
            "list": [[1]],
        }
    )
    [made] = handover.hand_over(rows.lazy(), [Path("t.csv")], tmp_path)
    read = pl.read_parquet(made)
    assert read.schema == {
        "time": pl.Datetime("us"),
        "kind": pl.String,
        "big": pl.Float64,
        "none": pl.String,
    }
    assert str(read["time"][0]) == "2024-03-31 21:00:00"
    assert "left out columns that only polars can hold: list" in caplog.text
    handover.check_kept("spark", ["kind", "none", "unknown"], rows.lazy())
    for name in ("time", "big", "list"):
        with pytest.raises(EngineError, match=f"cannot keep column '{name}': spark has no "):
            handover.check_kept("spark", ["kind", name], rows.lazy())


def test_parts_are_read_in_their_order_under_any_name(tmp_path):
    paths = [tmp_path / name for name in ("b.parquet", "[a]*.parquet", "a.parquet")]
    made = [
        handover.write_part(pl.LazyFrame({"n": [size] * size}), path)
        for size, path in zip((3, 2, 1), paths, strict=True)
    ]
    assert made == [3, 2, 1]
    assert handover.read_parts(paths).collect()["n"].to_list() == [3, 3, 3, 2, 2, 1]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_exact_table_keeps_all_its_columns(tmp_path, suffix, caplog):
    rows = pl.DataFrame({"list": [[1], None], "time": pl.Series([0, 1]).cast(pl.Datetime("ns"))})
    source = tmp_path / f"t{suffix}"
    rows.write_parquet(source)
    paths = handover.hand_over(rows.lazy(), [source], tmp_path, exact=True)
    assert paths == [source if suffix == ".parquet" else tmp_path / "source.parquet"]
    assert pl.read_parquet(paths).equals(rows)
    assert caplog.text == ""


@pytest.mark.parametrize("exact", [False, True])
def test_table_without_files_is_written(tmp_path, exact):
    paths = handover.hand_over(pl.LazyFrame({"n": [1]}), [], tmp_path, exact=exact)
    assert paths == [tmp_path / "source.parquet"]


def test_part_that_does_not_arrive_is_named(tmp_path):
    with pytest.raises(EngineError, match=r"do not arrive, e\.g\. .*1\.parquet: write to a folder"):
        handover.read_parts([tmp_path / "1.parquet"])


def test_part_of_a_job_that_has_ended_makes_no_folder(tmp_path):
    with pytest.raises(DataError, match=r"cannot write .*1\.parquet: No such file or directory"):
        handover.write_part(pl.LazyFrame({"n": [1]}), tmp_path / "gone" / "1.parquet")
    assert not [*tmp_path.iterdir()]


def test_part_that_fails_leaves_nothing(tmp_path):
    broken = pl.LazyFrame({"n": ["a"]}).select(pl.col("n").cast(pl.Int64))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        handover.write_part(broken, tmp_path / "1.parquet")
    assert not [*tmp_path.iterdir()]


def test_scratch_folder_lies_beside_the_file_and_goes_whatever_happens(tmp_path):
    with (
        pytest.raises(RuntimeError),
        handover.scratch(tmp_path / "new/made.csv") as folder,
    ):
        folder.joinpath("part").touch()
        assert folder.parent == tmp_path / "new"
        raise RuntimeError
    assert [*tmp_path.rglob("*")] == [tmp_path / "new"]


def test_scratch_folder_that_cannot_be_made_is_one_line(tmp_path):
    tmp_path.joinpath("file").touch()
    with pytest.raises(DataError, match="cannot write .*made.csv: "):
        handover.scratch(tmp_path / "file/made.csv").__enter__()
