"""Every combination of choices, a sample that covers every pair, and the command for each."""

import functools
import itertools
import math
import operator
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from questions import ASKED, check, choices, is_asked
from texts import deal

__all__ = ["Answers", "as_typed", "choicewise", "combinations", "command", "pairs", "pairwise", "whole", "with_texts"]

Answers = dict[str, Any]


def combinations() -> list[Answers]:
    """List every combination of choices; a question that others hide has no answer."""
    found: list[Answers] = [{}]
    for key in ASKED:
        if values := choices(key):
            found = [
                known | answer
                for known in found
                for answer in ([{key: value} for value in values] if is_asked(key, known) else [{}])
            ]
    return found


def pairs(answers: Mapping[str, Any]) -> set[tuple[tuple[str, Any], ...]]:
    """Give the pairs of choices in a combination; a hidden question counts as one choice."""
    return set(itertools.combinations(_closed(answers), 2))


def _closed(answers: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(key, answers.get(key)) for key in ASKED if choices(key)]


def pairwise(every: Sequence[Answers]) -> list[int]:
    """Pick combinations, by number, so that each pair of choices is in one of them."""
    return _sample(every, pairs)


def choicewise(every: Sequence[Answers]) -> list[int]:
    """Pick combinations, by number, so that each choice, and each kind in each size, is in one of them."""
    return _sample(every, lambda answers: {*_closed(answers), whole(answers)})


def whole(answers: Mapping[str, Any]) -> tuple[Any, ...]:
    """Give the choices that decide what code a project has."""
    return answers["pipeline"], answers["size"]


def _sample(every: Sequence[Answers], parts: Callable[[Answers], Collection[object]]) -> list[int]:
    """Pick combinations, by number, so that each part is in one of them.

    Greedy, the first of equals, in a few orders, of which the shortest sample is taken: the same list gives the same
    sample everywhere.
    """
    bits: dict[object, int] = {}
    held = [sum(1 << bits.setdefault(part, len(bits)) for part in parts(answers)) for answers in every]
    steps = [step for step in (1, 5, 7, 11, 13, 17) if math.gcd(step, len(every)) == 1]
    orders = [[place * step % len(every) for place in range(len(every))] for step in steps]
    return min((_cover(held, order) for order in orders), key=len)


def _cover(held: Sequence[int], order: Sequence[int]) -> list[int]:
    left = functools.reduce(operator.or_, held, 0)
    picked = []
    while left:
        best = max(order, key=lambda number: (held[number] & left).bit_count())
        picked.append(best)
        left &= ~held[best]
    return picked


def with_texts(number: int, combination: Mapping[str, Any]) -> Answers:
    """Add an answer to each text question that is asked, in the order of copier.yml."""
    answers: Answers = {}
    for key in ASKED:
        if key in combination:
            answers[key] = combination[key]
        elif not choices(key) and is_asked(key, {**combination, **answers}):
            answers[key] = deal(key, number)
    return answers


def command(
    answers: Mapping[str, Any], *, template: str = ".", destination: str = "../project", release: str = "HEAD"
) -> list[str]:
    """Give the command that renders these answers, to run in the template's folder."""
    check(answers)
    data = [word for key, value in answers.items() for word in ("--data", f"{key}={value}")]
    return ["copier", "copy", "--defaults", f"--vcs-ref={release}", *data, template, destination]


def as_typed(answers: Mapping[str, Any]) -> str:
    """Give the command as one line to paste into a shell."""
    return shlex.join(command(answers))
