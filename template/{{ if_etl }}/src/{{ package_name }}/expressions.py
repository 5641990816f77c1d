"""Turn a text such as ``mass > 0 and species != "Adelie"`` into an expression on columns.

It is written as in Python, but never run as Python: only the parts that are listed here
are understood. A name is a column; ``col("body mass")`` is a column whose name is no
Python name. A result that depends on a missing value is missing.
"""

import ast
import datetime as dt
import functools
import operator
from collections.abc import Callable
from typing import Any, cast

import narwhals as nw

from .errors import ConfigError

__all__ = ["FUNCTIONS", "parse"]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda column: column.abs(),
    "coalesce": lambda column, *others: functools.reduce(nw.Expr.fill_null, others, column),
    "contains": lambda column, text: column.str.contains(text, literal=True),
    "ends_with": lambda column, text: column.str.ends_with(text),
    "is_null": lambda column: column.is_null(),
    "length": lambda column: column.str.len_chars(),
    "lower": lambda column: column.str.to_lowercase(),
    "matches": lambda column, pattern: column.str.contains(pattern),
    "month": lambda column: column.dt.month(),
    "replace": lambda column, old, new: column.str.replace_all(old, new, literal=True),
    "round": lambda column, digits=0: column.round(digits),
    "sqrt": lambda column: column.sqrt(),
    "starts_with": lambda column, text: column.str.starts_with(text),
    "strip": lambda column: column.str.strip_chars(),
    "upper": lambda column: column.str.to_uppercase(),
    "year": lambda column: column.dt.year(),
}
"""Functions of a column, and of numbers and texts behind it."""

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.And: operator.and_,
    ast.Or: operator.or_,
}

_RULE = (
    'use columns (any: col("a b")), numbers, texts, + - * / // % **, < <= == != >= >, and, or, '
    f'not, in [...], "a if b else c", date("2024-02-29") and {", ".join(FUNCTIONS)}'
)

_MAX_LENGTH = 10_000


class _RefusedError(Exception):
    """A part of an expression that is not understood."""

    def __init__(self, part: ast.AST, reason: str) -> None:
        super().__init__(reason)
        self.start = cast("ast.expr", part).col_offset


@functools.lru_cache(maxsize=256)
def parse(text: str) -> Any:
    """Build the expression that a text stands for.

    Parameters
    ----------
    text
        Up to 10,000 characters.

    Raises
    ------
    ConfigError
        If a part of it is not understood; the message says which, and what is.

    Examples
    --------
    >>> frame = nw.from_dict({"x": [1, 2, 3]}, backend="polars")
    >>> frame.filter(parse("x > 1 and not x in [3]"))["x"].to_list()
    [2]
    """
    line = text.strip()
    if len(line) > _MAX_LENGTH:
        msg = f"expression {line[:40]!r}… is longer than {_MAX_LENGTH} characters"
        raise ConfigError(msg)
    try:
        return _build(ast.parse(line, mode="eval").body)
    except _RefusedError as error:
        place, reason = len(line.encode()[: error.start].decode(errors="ignore")) + 1, str(error)
    except SyntaxError as error:
        place, reason = error.offset or len(line) + 1, error.msg
    except (RecursionError, MemoryError, ValueError) as error:
        msg = f"expression {line[:40]!r}…: {str(error) or 'nested too deeply'}"
        raise ConfigError(msg) from error
    msg = f"expression {line!r}, character {place}: {reason}; {_RULE}"
    raise ConfigError(msg)


def _build(part: ast.AST) -> Any:
    """Build one part from those inside it."""
    try:
        return _part(part)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = str(error).replace("<lambda>", "the function")
        raise _RefusedError(part, f"{ast.unparse(part)!r}: {reason}") from error


def _part(part: ast.AST) -> Any:
    match part:
        case ast.Constant():
            return nw.lit(_constant(part))
        case ast.Name(id=name):
            return nw.col(name)
        case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(text))], keywords=[]):
            return nw.col(text)
        case ast.Call(func=ast.Name(id="date"), args=[ast.Constant(value=str(text))], keywords=[]):
            return nw.lit(dt.date.fromisoformat(text))
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            return _call(part, name)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_build(left), _build(right))
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_build(inner)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return ~_truth(inner)
        case ast.BoolOp(op=sign, values=values):
            return functools.reduce(_OPERATORS[type(sign)], map(_truth, values))
        case ast.Compare(left=left, ops=signs, comparators=others):
            sides = zip([left, *others], signs, others, strict=False)
            return functools.reduce(operator.and_, (_compare(*side) for side in sides))
        case ast.IfExp(test=test, body=body, orelse=other):
            chosen = nw.when(_truth(test)).then(_build(body))
            return chosen.otherwise(_build(other))
    raise _RefusedError(part, f"{ast.unparse(part)!r} is not understood")


def _truth(part: ast.AST) -> Any:
    """Build a condition; as in Python, a number is true unless it is 0."""
    return _build(part).cast(nw.Boolean)


def _compare(left: ast.AST, sign: ast.AST, right: ast.AST) -> Any:
    if isinstance(sign, ast.In | ast.NotIn):  # codespell:ignore notin
        if not isinstance(right, ast.List | ast.Tuple | ast.Set):
            raise _RefusedError(right, "after 'in' comes a list of values")
        values = [_constant(value) for value in right.elts]
        if len({isinstance(value, str) for value in values}) > 1:
            raise _RefusedError(right, "the values of a list must be all text or none")
        found = _build(left).is_in(values)
        return found if isinstance(sign, ast.In) else ~found
    for side in (left, right):
        if isinstance(side, ast.Constant) and side.value is None:
            raise _RefusedError(side, "nothing equals a missing value: use is_null(…)")
    if type(sign) not in _OPERATORS:
        raise _RefusedError(left, "'is' is not understood")
    return _OPERATORS[type(sign)](_build(left), _build(right))


def _call(part: ast.Call, name: str) -> Any:
    """Call a function: its first argument is an expression; numbers and texts may follow."""
    if name not in FUNCTIONS:
        raise _RefusedError(part, f"there is no function {name!r} of these arguments")
    given = [
        _constant(value) if place and isinstance(value, ast.Constant) else _build(value)
        for place, value in enumerate(part.args)
    ]
    return FUNCTIONS[name](*given)


def _constant(part: ast.AST) -> bool | int | float | str | None:
    """Give the value of a literal; -1 is one too."""
    match part:
        case ast.Constant(value=None | bool() | float() | str() as value):
            return value
        case ast.Constant(value=int() as number) if number < 2**63:
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
    raise _RefusedError(part, f"{ast.unparse(part)!r} is no number, text or truth value")
