"""What a judge's reply says: its grade, and why.

A judge is asked for JSON, `{"steps": [{"description": ..., "conclusion": ...}], "result": ...}`, as
OpenAI's own graders ask. Where a server cannot make a model write that, the grade is found in what
it wrote instead. A reply that leaves the grade in doubt has none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evalkit.scorers.labels import Find, finder
from evalkit.scorers.unwrap import cut_reasoning, open_fence, strip_quotes

_NUMBER: Final = r"[-+\u2212]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?"
_GRADE: Final = re.compile(
    rf"(?<![\w.])(?P<value>{_NUMBER})(?![\w]|\.\d)"
    rf"(?:\s*(?:/|out\s+of)\s*(?P<most>{_NUMBER})|\s*(?P<percent>%))?"
)
_MARKED: Final = re.compile(
    rf"\b(?:result|score|grade|rating)\b\W{{0,8}}?(?:is\b\W{{0,8}}?)?(?={_NUMBER})", re.IGNORECASE
)
_NAMED: Final = re.compile(
    r"\b(?:result|label|answer|verdict|grade)\b\W{0,8}(?:is\b)?(?P<label>[^\n]*)", re.IGNORECASE
)
_REASONS: Final = ("reasoning", "reason", "explanation", "rationale")
_SHOWN: Final = 80


class UnreadableError(ValueError):
    """A reply without a grade in it; says what was found instead."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A judge's reply, read.

    Attributes:
        value: the grade: within the judge's range, or 0 or 1 of a label.
        shown: the grade as the judge gave it: `7 of 0 to 10`, `polite`.
        reason: why, in the judge's words; empty if it gave none. Hostile, as all that models write.
    """

    value: float
    shown: str
    reason: str


def read_score(reply: str, low: float, high: float) -> Reading:
    """The number in a reply.

    It is the `result` of a JSON object; or else the last number that follows `result`, `score`,
    `grade` or `rating`; or else the last number. `8/10` and `8 out of 10` are 8 where the range
    ends at 10.

    Args:
        reply: what the judge wrote.
        low: the least grade.
        high: the highest grade.

    Raises:
        UnreadableError: no number, or one outside the range.
    """
    text = _unwrapped(reply)
    told = _object(text)
    result = None if told is None else told.get("result")
    if isinstance(result, int | float) and not isinstance(result, bool):
        value = _float(result)
    elif told is not None and not isinstance(result, str):
        raise UnreadableError(f"found {_quoted(text)}, expected a number as `result`")
    else:
        value = _written(text if told is None else str(result), high)
    if not low <= value <= high:
        raise UnreadableError(f"found the grade {value:g}, expected {low:g} to {high:g}")
    return Reading(value, f"{value:g} of {low:g} to {high:g}", _reason(text, told, _GRADE))


def read_label(reply: str, labels: Sequence[str], passing: Sequence[str]) -> Reading:
    """The label in a reply: 1 if it is one that passes.

    It is the `result` of a JSON object; or else the whole reply, its last line, or what follows
    `result`, `label`, `answer`, `verdict` or `grade` there. A label that is only mentioned is none.

    Args:
        reply: what the judge wrote.
        labels: all there are.
        passing: those that are worth 1.

    Raises:
        UnreadableError: none of the labels.
    """
    text = _unwrapped(reply)
    told = _object(text)
    find = finder(labels)
    places = [str(told.get("result"))] if told is not None else _label_places(text)
    index = _first(find, places)
    if index is None:
        raise UnreadableError(f"found {_quoted(text)}, expected one of {', '.join(labels)}")
    label = labels[index]
    return Reading(float(label in passing), label, _reason(text, told, None, find))


def _unwrapped(reply: str) -> str:
    return strip_quotes(open_fence(cut_reasoning(reply)).strip())


def _object(text: str) -> Mapping[str, Any] | None:
    """The first JSON object in a text."""
    start = text.find("{")
    try:
        found, _ = json.JSONDecoder().raw_decode(text, max(0, start))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _float(number: float) -> float:
    """A number of JSON, which may be beyond all bounds."""
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise UnreadableError(f"found the grade {value}, expected a finite number")
    return value


def _written(text: str, high: float) -> float:
    """The number that a text gives as a grade."""
    marked = [found for m in _MARKED.finditer(text) if (found := _GRADE.match(text, m.end()))]
    numbers = marked or list(_GRADE.finditer(text))
    if not numbers:
        raise UnreadableError(f"found {_quoted(text)}, expected a number")
    last = numbers[-1]
    value = _float(float(last["value"].replace("\u2212", "-")))
    if last["most"] is not None and float(last["most"].replace("\u2212", "-")) != high:
        raise UnreadableError(f"found {last[0]}, expected a number up to {high:g}")
    if last["percent"] is not None and high <= 1:
        return value / 100
    return value


def _label_places(text: str) -> list[str]:
    """Where a reply that is no JSON may have its label."""
    lines = [line for line in text.splitlines() if line.strip()]
    named = [match["label"] for line in lines[-1:] for match in _NAMED.finditer(line)]
    return [text, *lines[-1:], *named]


def _first(find: Find, places: Sequence[str]) -> int | None:
    return next((index for place in places if (index := find(place)) is not None), None)


def _reason(
    text: str,
    told: Mapping[str, Any] | None,
    number: re.Pattern[str] | None,
    find: Find | None = None,
) -> str:
    """What the judge said beside its grade."""
    if told is not None:
        return "\n".join([*_steps(told.get("steps")), *_words(told)])
    bare = (number is not None and number.fullmatch(text) is not None) or (
        find is not None and find(text) is not None
    )
    return "" if bare else text


def _steps(steps: object) -> list[str]:
    """The steps of a reasoning, a line each."""
    lines = []
    for step in steps if isinstance(steps, list) else []:
        parts = (
            [step.get("description"), step.get("conclusion")] if isinstance(step, dict) else [step]
        )
        line = ": ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
        lines += [line] if line else []
    return lines


def _words(told: Mapping[str, Any]) -> list[str]:
    return [text for name in _REASONS if isinstance(text := told.get(name), str) and text.strip()]


def _quoted(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + " ..."
