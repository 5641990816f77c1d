import functools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pytest
from pydantic import AfterValidator

from my_project._internal import options
from my_project.errors import PluginError

if TYPE_CHECKING:
    from somewhere import Frame


def clip(frame: "Frame", *, column: str, low: float = 0, kind: Literal["a", "b"] = "a", free=None):
    """Clip."""


@pytest.mark.parametrize(
    "transform",
    [clip, lambda frame: frame, functools.partial(clip, column="x"), lambda frame, /, *, x=1: x],
    ids=["options", "none", "partial", "by place only"],
)
def test_function_of_a_frame_and_options_is_taken(transform):
    options.check_signature(transform)


@pytest.mark.parametrize(
    "transform",
    [
        lambda: 1,
        lambda frame, other: 1,
        lambda frame, other=1: 1,
        lambda *frames: 1,
        lambda frame, **given: 1,
        lambda frame, *more: 1,
        lambda *, frame: 1,
    ],
    ids=["nothing", "two", "default", "any number", "any option", "more", "by name only"],
)
def test_other_signature_is_refused(transform):
    with pytest.raises(PluginError, match=r"transform must take \(frame, \*, option=…\), got \("):
        options.check_signature(transform)


@pytest.mark.parametrize("transform", [None, 1, "transform"])
def test_what_is_no_function_is_refused(transform):
    with pytest.raises(PluginError, match=r"it must define a function transform\(frame\)"):
        options.check_signature(transform)


def test_function_whose_signature_cannot_be_told_is_refused():
    with pytest.raises(PluginError, match="parameters of transform must be told"):
        options.check_signature(type)


def test_options_get_the_types_of_the_signature():
    made = options.check("clip", clip, {"column": "x", "low": "1.5", "free": [1]})
    assert made == {"column": "x", "low": 1.5, "free": [1]}


def test_defaults_are_left_to_the_function():
    assert options.check("clip", clip, {"column": "x"}) == {"column": "x"}
    assert options.check("plain", lambda frame: frame, {}) == {}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "plugin 'clip': option 'column' is missing"),
        (
            {"column": "x", "hgih": 1},
            "unknown option 'hgih'; its options are column, low, kind, free",
        ),
        ({"column": 1}, "option column = 1: Input should be a valid string"),
        ({"column": "x", "low": "much"}, "option low = 'much': Input should be a valid number"),
        ({"column": "x", "kind": "c"}, "option kind = 'c': Input should be 'a' or 'b'"),
        ({"low": "much", "to": 1}, "'column' is missing; .*low = 'much'.*; unknown option 'to'"),
    ],
)
def test_every_mistake_is_told(given, complaint):
    with pytest.raises(PluginError, match=complaint):
        options.check("clip", clip, given)


def test_option_of_a_plugin_without_any_is_refused():
    with pytest.raises(PluginError, match="unknown option 'low'; its options are none"):
        options.check("plain", lambda frame: frame, {"low": 1})


def test_annotation_that_cannot_be_told_is_named():
    def odd(frame, *, x: "Nothing" = 1):  # noqa: F821
        """Odd."""

    with pytest.raises(PluginError, match="plugin 'odd': .*Nothing"):
        options.check("odd", odd, {"x": 1})


def test_options_are_described_as_they_are_written():
    assert options.describe(clip).startswith("(column: str, low: float = 0, kind: ")
    assert options.describe(lambda frame: frame) == ""


def test_modules_of_annotations_are_not_said():
    def transform(frame, *, files: Sequence[Path], keep: Literal["first"] = "first"):
        return frame

    described = options.describe(transform)
    assert described == "(files: Sequence[Path], keep: Literal['first'] = 'first')"


def test_plain_values_are_fit_for_json():
    from datetime import date

    assert options.plain({"day": date(2024, 2, 29), "n": 1}) == {"day": "2024-02-29", "n": 1}


@pytest.mark.parametrize("name", ["_x", "schema", "copy", "model_config", "model_fields_set"])
def test_option_may_have_any_name(name):
    scope = {}
    exec(f"def transform(frame, *, {name}: int, other=1): pass", scope)  # noqa: S102 - made here
    assert options.check("p", scope["transform"], {name: "1"}) == {name: 1}


LOCKS = [threading.Lock()]


def test_default_may_be_anything_and_is_left_alone():
    def transform(frame, *, lock=LOCKS, n: int = 1):
        """Hold a lock."""

    assert options.check("p", transform, {"n": 2}) == {"n": 2}


def refuse(value):
    raise KeyError(value)


@pytest.mark.parametrize("kind", ["int |", Annotated[int, AfterValidator(refuse)]])
def test_annotation_that_fails_is_one_error(kind):
    def transform(frame, *, n):
        """Do it."""

    transform.__annotations__["n"] = kind
    with pytest.raises(PluginError, match="its options cannot be checked: "):
        options.check("p", transform, {"n": 2})


def test_value_that_json_does_not_know_is_told_as_python_does():
    assert options.plain({"x": object}) == {"x": "<class 'object'>"}
