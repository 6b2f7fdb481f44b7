"""Scorers for answers in JSON: is it JSON, and are its fields right."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

from evalkit.scorers.base import scorer

FENCE = re.compile(r"\s*```[ \t]*(?:[\w-]+[ \t]*)?\r?\n(.*?)\r?\n?[ \t]*```\s*", re.DOTALL)

Leaf = tuple[tuple[str | int, ...], str, Any]
"""Path, type and value of a field that holds no further fields."""


@scorer(details="v1")
def json_valid(
    prediction: str,
    references: Sequence[str],  # noqa: ARG001 - only the form is judged
    *,
    strict: bool = False,
) -> bool:
    """Whether the prediction is one JSON value (RFC 8259; NaN and Infinity are none).

    Args:
        prediction: the completion.
        references: not looked at.
        strict: whether a Markdown code fence around the JSON makes it invalid.
    """
    return leaves(prediction, strict=strict) is not None


@scorer(details="f1|leaves|types:strict|refs:max|v1")
def json_match(prediction: str, references: Sequence[str], *, strict: bool = False) -> float:
    """F1 over fields: a field counts if path, type and value are those of the reference.

    Missing fields cost recall, invented ones precision. List items are fields by position; an empty
    list or object is a field of its own. Numbers are equal by value (1 and 1.0), `"1"` and `true`
    are no numbers. A prediction that is no JSON scores 0.

    Args:
        prediction: the completion.
        references: JSON texts; the best match counts.
        strict: whether a Markdown code fence around the JSON makes it invalid.

    Raises:
        ValueError: a reference is no JSON.
    """
    wanted = [leaves(reference, strict=False) for reference in references]
    for fields, reference in zip(wanted, references, strict=True):
        if fields is None:
            raise ValueError(
                f"reference {reference!r} is no JSON; 'json_match' needs JSON references"
            )
    found = leaves(prediction, strict=strict)
    if found is None:
        return 0.0
    return max(2 * len(found & fields) / (len(found) + len(fields)) for fields in wanted if fields)


def parse_json(
    text: str, *, strict: bool, number: Callable[[str], Any] | None = None
) -> tuple[Any] | None:
    """The value of a JSON text, alone in a tuple; None if it is no JSON.

    Args:
        text: JSON, perhaps inside a Markdown code fence.
        strict: whether such a fence makes it invalid.
        number: what makes a value of a number; None for Python's own.
    """
    fenced = None if strict else FENCE.fullmatch(text)
    inside = fenced[1] if fenced else text
    try:
        return (
            json.loads(inside, parse_int=number, parse_float=number, parse_constant=_no_constant),
        )
    except (ValueError, ArithmeticError, RecursionError):
        return None


@lru_cache(maxsize=4096)
def leaves(text: str, *, strict: bool) -> frozenset[Leaf] | None:
    """The fields of a JSON text that hold no further fields; None if it is no JSON.

    Never empty: a text that is one plain value has one field, with an empty path.
    """
    parsed = parse_json(text, strict=strict, number=Decimal)
    if parsed is None:
        return None
    (value,) = parsed
    found: list[Leaf] = []
    open_fields: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while open_fields:
        path, value = open_fields.pop()
        inside = _items(value)
        if inside:
            open_fields.extend(((*path, key), item) for key, item in inside)
        else:
            held = type(value).__name__ if isinstance(value, dict | list) else value
            found.append((path, type(value).__name__, held))
    return frozenset(found)


def _items(value: object) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
