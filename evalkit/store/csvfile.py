"""CSV files that a spreadsheet can open without computing anything a model wrote."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# What Excel, LibreOffice and Google Sheets take for the start of a formula, full-width forms too.
_FORMULA = re.compile(r"'*\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]")
_QUOTED = re.compile(r'[",\r\n\x85\u2028\u2029]|^\s|\s$')
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def defuse(text: str) -> str:
    """A cell that stays text: a leading `'` before formulas, control characters made visible.

    Every text that starts like a formula, after any number of `'`, gets one more, so `restore`
    can take exactly one away.
    """
    text = _CONTROL.sub("\ufffd", text)
    return f"'{text}" if _FORMULA.match(text) else text


def restore(cell: str) -> str:
    """The text that `defuse` was given, control characters apart."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _cell(value: object) -> str:
    """Numbers in their shortest exact form, texts defused and quoted, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _quoted(defuse(value))
    return repr(float(value)) if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    """A text as one cell (RFC 4180).

    The csv module leaves a lone carriage return unquoted when lines end in a line feed, and every
    reader takes that for the end of the row.
    """
    return '"{}"'.format(text.replace('"', '""')) if _QUOTED.search(text) else text


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A whole CSV file: UTF-8, Unix line ends, a header, the rows in their order."""
    lines = [",".join(map(_cell, row)) for row in (columns, *rows)]
    # A lone surrogate is no character: JSON files keep it escaped, a CSV cannot hold it.
    return "\n".join([*lines, ""]).encode("utf-8", "replace")


def read_csv(path: Path) -> Iterator[Mapping[str, str]]:
    """The rows of a file that `csv_bytes` wrote, texts restored."""
    limit = csv.field_size_limit(2**31 - 1)  # a completion may be longer than the default 128 kB
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            columns = [restore(column) for column in next(reader, [])]
            for cells in reader:
                yield {column: restore(cell) for column, cell in zip(columns, cells, strict=True)}
    finally:
        csv.field_size_limit(limit)


def as_float(cell: str) -> float | None:
    """A number, or None for an empty cell."""
    return float(cell) if cell else None


def parse(row: Mapping[str, str], types: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of one row turned into the types of a record's fields."""
    return {name: convert(row[name]) for name, convert in types.items()}
