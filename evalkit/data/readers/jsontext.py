"""JSON, strictly: what the standard allows and nothing that loses information."""

from __future__ import annotations

import json
import math
from typing import NoReturn

from evalkit.data.readers.text import broken_bytes

MAX_DEPTH = 64
"""Deepest nesting that is read; far beyond any real row, far below any stack."""


class Rejected(Exception):  # noqa: N818 - caught where file and line are known
    """Text that is not JSON, or JSON that would lose information; `str()` says what was found."""


def parse(text: str) -> object:
    """One JSON value.

    Raises:
        Rejected: not JSON, or one of the kinds that parsers read differently.
    """
    value, end = parse_at(text, len(text) - len(text.lstrip()))
    if text[end:].strip():
        raise Rejected(f"more text after the JSON value, from character {end + 1}")
    return value


def parse_at(text: str, start: int) -> tuple[object, int]:
    """The JSON value that starts at an index, and the index after it.

    Raises:
        Rejected: as in `parse`.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise Rejected(f"broken JSON ({error.msg.lower()} at character {error.colno})") from None
    except RecursionError:
        raise Rejected(f"JSON nested deeper than {MAX_DEPTH} levels") from None
    except ValueError:  # Python refuses to read integers of more than 4,300 digits
        raise Rejected("an integer of more than 4,300 digits") from None
    opened = text.count("[", start, end) + text.count("{", start, end)
    if opened > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise Rejected(f"JSON nested deeper than {MAX_DEPTH} levels")
    if text.find("\\ud", start, end) >= 0 or text.find("\\uD", start, end) >= 0:
        half = broken_bytes(json.dumps(value, ensure_ascii=False))
        if half:
            raise Rejected(half)
    return value, end


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object; a key given twice would silently lose its first value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Rejected(f"the key {twice!r} twice in one object")
    return found


def _constant(text: str) -> NoReturn:
    raise Rejected(f"{text}, which JSON does not know")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Rejected(f"the number {text[:40]}, too large for a float")
    return number


def _deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return any(isinstance(value, dict | list) for value in level)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite
)
