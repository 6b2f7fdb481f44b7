"""JSON: one array of objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from evalkit.data.describe import describe
from evalkit.data.readers.jsontext import Rejected, parse_at
from evalkit.data.readers.registry import Row, Scan, reader
from evalkit.data.readers.text import broken_bytes, encoding_problem, lines_of
from evalkit.errors import Problem

_EXPECTED = "an array of objects, [{...}, {...}]"
_SPACE = re.compile(r"[ \t\r\n]*")


@reader(".json")
def read_json_array(path: Path) -> Scan:
    """Every element of the array is a row; rows are parsed one at a time."""
    lines = list(lines_of(path))
    broken = [(n, found) for n, line in enumerate(lines, 1) if (found := broken_bytes(line))]
    if broken:
        yield from (encoding_problem(path, number, found) for number, found in broken)
        return
    text = "".join(lines)
    del lines
    line, counted = 1, 0
    try:
        for start, value in _elements(text):
            line += text.count("\n", counted, start)
            counted = start
            if isinstance(value, dict):
                yield Row(path, line, value)
            else:
                yield Problem(f"{path}:{line}", "", describe(value), _EXPECTED)
    except _NoArrayError as error:
        line = 1 + text.count("\n", 0, error.index)
        yield Problem(f"{path}:{line}", "", error.found, _EXPECTED)


class _NoArrayError(Exception):
    """Where the text stops being an array, and what is there."""

    def __init__(self, index: int, found: str) -> None:
        super().__init__(found)
        self.index = index
        self.found = found


def _elements(text: str) -> Iterator[tuple[int, object]]:
    """Index and value of each element of the array that is the whole text."""
    index = _skip(text, 0)
    if not text.startswith("[", index):
        raise _NoArrayError(index, _outside(text, index))
    index = _skip(text, index + 1)
    if text.startswith("]", index):
        index = _skip(text, index + 1)
    else:
        while True:
            try:
                value, end = parse_at(text, index)
            except Rejected as error:
                raise _NoArrayError(index, str(error)) from None
            yield index, value
            index = _skip(text, end)
            closed = text.startswith("]", index)
            if not closed and not text.startswith(",", index):
                raise _NoArrayError(index, f"{text[index : index + 20]!r} after an element")
            index = _skip(text, index + 1)
            if closed:
                break
    if index < len(text):
        raise _NoArrayError(index, "more text after the array")


def _skip(text: str, index: int) -> int:
    space = _SPACE.match(text, index)
    return space.end() if space else index


def _outside(text: str, index: int) -> str:
    """What stands where the array should begin."""
    if index == len(text):
        return "no rows"
    try:
        value, end = parse_at(text, index)
    except Rejected as error:
        return str(error)
    if text.startswith("{", _skip(text, end)):
        return "objects without an array (one a line belong into a .jsonl file)"
    return describe(value)
