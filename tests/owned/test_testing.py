import textwrap

import pytest
from my_project import testing
from my_project.errors import PluginError

COLUMNS = {"x": [1.0, 2.0, None, 4.0]}
GOOD = '''
    import narwhals as nw

    @nw.narwhalify
    def transform(frame, *, factor: float = 2):
        """Scale x."""
        return frame.with_columns(nw.col("x") * factor)
'''


@pytest.fixture
def plugin(tmp_path):
    """Give a way to write a plugin."""

    def write(code):
        (path := tmp_path / "scale.py").write_text(textwrap.dedent(code))
        path.chmod(0o600)
        return path

    return write


def body(statement, decorator="@nw.narwhalify"):
    """Give the code of a plugin that does one thing."""
    return f'''
    import narwhals as nw
    import polars as pl

    {decorator}
    def transform(frame):
        """Do it."""
        {statement}
    '''


def test_what_a_plugin_makes_is_given(plugin):
    assert testing.check(plugin(GOOD), COLUMNS)["x"].to_list() == [2.0, 4.0, None, 8.0]
    assert testing.check(plugin(GOOD), COLUMNS, factor=3)["x"].to_list() == [3.0, 6.0, None, 12.0]


def test_option_and_failure_are_told_as_in_a_run(plugin):
    with pytest.raises(PluginError, match="unknown option 'size'"):
        testing.check(plugin(GOOD), COLUMNS, size=3)
    with pytest.raises(PluginError, match="plugin 'scale' failed: ValueError: no"):
        testing.check(plugin(body("raise ValueError('no')")), COLUMNS)


def test_plugin_without_a_docstring_is_refused(plugin):
    code = body("return frame").replace('"""Do it."""', "")
    with pytest.raises(AssertionError, match="plugin 'scale' needs a docstring"):
        testing.check(plugin(code), COLUMNS)


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("return frame.with_columns(nw.col('x') - nw.col('x').mean())", "the rows in two parts"),
        ("return frame.head(2)", "the rows in two parts"),
        (
            "return frame.with_columns(y=nw.lit(1)) if isinstance(frame, nw.LazyFrame) else frame",
            "a lazy frame",
        ),
        ("return frame.with_columns(nw.col('x').fill_null(-1))\n        ", None),
    ],
    ids=["a mean", "the first rows", "lazy is another", "by row"],
)
def test_plugin_must_look_at_one_row_at_a_time(plugin, statement, complaint):
    if complaint is None:
        assert testing.check(plugin(body(statement)), COLUMNS)["x"].to_list() == [1.0, 2.0, -1, 4.0]
    else:
        with pytest.raises(AssertionError, match=f"breaks the contract with {complaint}"):
            testing.check(plugin(body(statement)), COLUMNS)


def test_plugin_that_says_so_may_need_the_whole_table(plugin):
    mean = body("return frame.with_columns(nw.col('x') - nw.col('x').mean())")
    made = testing.check(plugin("    WHOLE_TABLE = True\n" + mean), {"x": [1.0, 3.0]})
    assert made["x"].to_list() == [-1.0, 1.0]


def test_plugin_may_not_change_what_it_is_given(plugin):
    pytest.importorskip("pandas", reason="only a pandas frame can be changed")
    statement = "if hasattr(frame, 'loc'):\n            frame['x'] = 0.0\n        return frame"
    with pytest.raises(AssertionError, match="plugin 'scale' changes the frame that it is given"):
        testing.check(plugin(body(statement, decorator="")), {"x": [0.0, 1.0]})


def test_plugin_for_polars_alone_is_told(plugin):
    pytest.importorskip("pandas", reason="without pandas there is nothing else")
    with pytest.raises(PluginError, match="plugin 'scale' failed: AttributeError"):
        testing.check(plugin(body("return frame.with_columns(pl.col('x'))", decorator="")), COLUMNS)


def test_option_may_be_called_like_a_parameter_of_the_check(plugin):
    code = body("return frame").replace("(frame)", "(frame, *, columns: str, plugin: int)")
    assert testing.check(plugin(code), COLUMNS, columns="x", plugin=1)["x"].to_list()[0] == 1.0
