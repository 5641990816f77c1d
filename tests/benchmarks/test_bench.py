"""The benchmarks run, at a small size and without limits; the page shows what was measured."""

import re
import sys
from pathlib import Path

import bench_sniffers
import pytest
from bench_page import END, PAGE, RAW, START, Figure, Report, table, with_figures
from bench_project import paired
from bench_sniffers import READERS, tables
from measuring import Cost, median, slope
from projects import Project
from questions import ROOT
from rendering import Renderer

REPORT = Report(
    {"processor": "a fast one"},
    [
        Figure("ours / theirs", 1.2, "x", 1.15, raw={"ours": {"cpu": 1.2}, "theirs": {"cpu": 1.0}}),
        Figure("rows", 2.0, "M/s", 0.5, "least"),
        Figure("start", 7.0, "x"),
    ],
    ["spark: Java is not installed"],
)


def test_limit_is_held_from_its_own_side() -> None:
    assert [figure.held for figure in REPORT.figures] == [False, True, None]


def test_slope_is_one_where_twice_the_rows_take_twice_as_long() -> None:
    assert slope([1, 2, 4, 8], [3, 6, 12, 24]) == pytest.approx(1)
    assert slope([1, 2, 4], [1, 4, 16]) == pytest.approx(2)


def test_median_is_taken_of_each_figure() -> None:
    assert median([Cost(1, 9, 5), Cost(2, 7, 6), Cost(3, 8, 4)]) == Cost(2, 8, 5)


def test_ratio_is_taken_within_rounds_on_a_machine_that_slows_down() -> None:
    ours, theirs = ([Cost(0, cpu, 0) for cpu in costs] for costs in ([2, 4, 40, 9], [1, 2, 20, 1]))
    assert paired({"package": ours, "by hand": theirs}) == pytest.approx(2)  # their medians give more than 4


def test_page_shows_figures_limits_and_what_was_left_out() -> None:
    page = with_figures(f"# A\n\n{START}\nold\n{END}\n\n## B\n", REPORT)
    assert "| ours / theirs | 1.20 x | at most 1.15 | **no** |\n| rows | 2.00 M/s | at least 0.5 | yes |" in page
    assert "| start | 7.00 x |  |  |" in page
    assert "Left out: spark: Java is not installed." in page
    assert "old" not in page
    assert with_figures(page, REPORT) == page


def test_report_is_the_same_when_it_is_read_again() -> None:
    assert Report.from_json(REPORT.to_json()) == REPORT


def test_table_has_the_raw_figures() -> None:
    assert "NOT HELD" in table(REPORT)
    assert re.search(r"theirs +cpu 1\.000", table(REPORT))


def test_page_is_made_of_the_raw_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_figures(page, Report.from_json(RAW.read_text(encoding="utf-8"))) == page, "nox -s bench -- --write"


@pytest.mark.projects
def test_project_reads_each_table_of_the_decision(renderer: Renderer) -> None:
    answers = {"package_name": "tides", "hosting": "none"}
    project = Project(renderer.render(answers), answers, f"{sys.version_info[0]}.{sys.version_info[1]}")
    project.installed()
    [reader, *_] = READERS
    script = str(Path(bench_sniffers.__file__).resolve())
    said = project.run(project.program("tests", "python"), script, "tides", reader)
    decision = (ROOT / "docs" / "decisions" / "0024-reading-tables.md").read_text(encoding="utf-8")
    [n_right] = re.findall(rf"\| {reader} \| (\d+) \|", decision)
    assert said.startswith(f"{len(tables())} tables\n")
    assert f"{reader}: {n_right}; not \n" in said


@pytest.mark.projects
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell what a child used")
def test_benchmarks_run_at_a_small_size(renderer: Renderer, tmp_path: Path) -> None:
    answers = {"project_name": "Bench", "package_name": "bench_light", "pipeline": "model", "size": "full"}
    project = Project(renderer.render(answers), answers, "")
    python = tmp_path / "venv" / "bin" / "python"
    project.run("uv", "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv"))
    project.run("uv", "pip", "install", "--quiet", "--python", str(python), ".", "duckdb", "pyarrow")
    script = Path(__file__).with_name("bench_engines.py")
    words = ["--rows", "2000", "--times", "0", "--runs", "0", "--engines", "duckdb", "--no-limits"]
    project.run(str(python), str(script), "bench_light", str(tmp_path), *words)
    report = Report.from_json((tmp_path / "benchmarks.json").read_text(encoding="utf-8"))
    assert {figure.what.split(",")[0] for figure in report.figures} >= {"features", "predictions"}
    assert all(figure.value > 0 for figure in report.figures if figure.unit)  # a slope of so few rows may be anything
    assert report.about["cores"]
    drawn = (tmp_path / "benchmarks.svg").read_text(encoding="utf-8")
    limits = {figure.limit is None for figure in report.figures if figure.what in drawn}
    assert limits == {False}
