"""CSV and TSV: a header and rows of text. Nothing becomes a number, a date or a missing value."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from evalkit.data.readers.registry import Row, Scan, reader
from evalkit.data.readers.text import broken_bytes, encoding_problem, lines_of
from evalkit.errors import Problem

LONGEST_CELL = 1 << 28
"""Characters of one cell; the csv module's own limit, 131,072, is below long prompts."""


@reader(".csv")
def read_csv(path: Path) -> Scan:
    """Comma-separated; by semicolon or tab if the header has those and no comma."""
    lines = lines_of(path)
    header = next(lines, "")
    delimiter = next((mark for mark in ",;\t" if mark in header), ",")
    yield from _rows(path, chain([header], lines), delimiter)


@reader(".tsv", ".tab")
def read_tsv(path: Path) -> Scan:
    """Tab-separated, quoted as CSV is."""
    yield from _rows(path, lines_of(path), "\t")


def _rows(path: Path, lines: Iterator[str], delimiter: str) -> Scan:
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
    records = _records(path, lines, delimiter)
    names: list[str] | None = None
    for line, record in records:
        if isinstance(record, Problem):
            yield record
        elif names is None:
            names = record
            problems = list(header_problems(f"{path}:{line}", names))
            yield from problems
            if problems:
                return
        elif len(record) != len(names):
            yield Problem(
                f"{path}:{line}", "", _cells(len(record)), f"{_cells(len(names))}, as in the header"
            )
        else:
            yield Row(path, line, dict(zip(names, record, strict=True)))


def _records(
    path: Path, lines: Iterator[str], delimiter: str
) -> Iterator[tuple[int, list[str] | Problem]]:
    """First line and cells of each record that is not blank."""
    table = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = table.line_num + 1
        try:
            record = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            found = f"broken quoting ({error})"
            expected = 'cells quoted as "...", quotes doubled'
            yield line, Problem(f"{path}:{line}", "", found, expected)
            continue
        broken = next((bytes_ for cell in record if (bytes_ := broken_bytes(cell))), None)
        if broken:
            yield line, encoding_problem(path, line, broken)
        elif record:
            yield line, record


def header_problems(where: str, names: Sequence[str]) -> Iterator[Problem]:
    """What is wrong with the names of the columns."""
    for index, name in enumerate(names, 1):
        if not name.strip():
            yield Problem(where, "", f"no name in column {index} of the header", "a name")
        elif name in names[: index - 1]:
            yield Problem(where, name, "the column twice in the header", "one column of a name")


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
