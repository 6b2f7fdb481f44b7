"""JSON Lines: one object a line."""

from __future__ import annotations

from pathlib import Path

from evalkit.data.describe import describe
from evalkit.data.readers.jsontext import Rejected, parse
from evalkit.data.readers.registry import Row, Scan, reader
from evalkit.data.readers.text import broken_bytes, encoding_problem, lines_of
from evalkit.errors import Problem

_EXPECTED = "one JSON object a line"


@reader(".jsonl", ".ndjson")
def read_json_lines(path: Path) -> Scan:
    """Every line that is not blank is a row."""
    for number, line in enumerate(lines_of(path), 1):
        text = line.strip()
        if text:
            yield _row(path, number, text)


def _row(path: Path, number: int, text: str) -> Row | Problem:
    broken = broken_bytes(text)
    if broken:
        return encoding_problem(path, number, broken)
    where = f"{path}:{number}"
    try:
        value = parse(text)
    except Rejected as error:
        many = text[0] in "[{" and len(text) == 1
        hint = "; a JSON array over several lines belongs into a .json file" if many else ""
        return Problem(where, "", str(error), _EXPECTED + hint)
    if not isinstance(value, dict):
        return Problem(where, "", describe(value), _EXPECTED)
    return Row(path, number, value)
