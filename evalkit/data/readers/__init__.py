"""Data files as rows. A reader is one function with `@reader(".ending")` in a module here.

| ending | reader |
|---|---|
| `.jsonl`, `.ndjson` (`.gz`) | `json_lines` |
| `.json` (`.gz`) | `json_array` |
| `.csv`, `.tsv`, `.tab` (`.gz`) | `delimited` |
| `.xlsx` | `workbook`, needs the extra `tables` |
| `.parquet`, `.pq` | `parquet`, needs the extra `tables` |
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evalkit.data.problems import Problems
from evalkit.data.readers import delimited, json_array, json_lines, parquet, workbook
from evalkit.data.readers.registry import Reader, Row, Scan, find_reader, reader
from evalkit.errors import DataError, UsageError

__all__ = [
    "Reader",
    "Row",
    "Scan",
    "delimited",
    "json_array",
    "json_lines",
    "parquet",
    "read_rows",
    "reader",
    "scan_rows",
    "workbook",
]


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, one by one, in file order.

    Raises:
        UsageError: no file, or an ending that nobody reads.
        DataError: after the last row, if any row was broken: all of them at once.
    """
    problems = Problems()
    for item in scan_rows(path):
        if isinstance(item, Row):
            yield item
        else:
            problems.add(item)
    problems.raise_if_any()


def scan_rows(path: Path) -> Scan:
    """Rows and problems in file order; a problem of the whole file ends it.

    Raises:
        UsageError: no file, one that may not be read, or an ending that nobody reads.
    """
    read = find_reader(path)
    try:
        yield from read(path)
    except DataError as error:
        yield from error.problems
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
