"""Parquet: columns of text, numbers, lists and structures."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

from evalkit.data.readers.delimited import header_problems
from evalkit.data.readers.registry import Row, Scan, reader
from evalkit.errors import DataError, Problem, UsageError

BATCH = 4096
"""Rows that are Python objects at one time."""


@reader(".parquet", ".pq")
def read_parquet(path: Path) -> Scan:
    """Every row; dates and decimals as their text, maps as objects.

    Raises:
        UsageError: pyarrow is not installed.
        DataError: not a Parquet file.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise UsageError(f"{path}: reading Parquet needs pyarrow: pip install pyarrow") from None
    try:
        with pq.ParquetFile(path) as file:
            problems = list(header_problems(str(path), file.schema_arrow.names))
            yield from problems
            if not problems:
                yield from _rows(path, file)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        found = f"a broken Parquet file ({type(error).__name__})"
        raise DataError([Problem(str(path), "", found, "a Parquet file")]) from None


def _rows(path: Path, file: Any) -> Scan:  # noqa: ANN401 - pyarrow is optional
    number = 0
    for batch in file.iter_batches(batch_size=BATCH):
        for values in batch.to_pylist(maps_as_pydicts="strict"):
            number += 1
            try:
                yield Row(path, number, {key: _plain(value) for key, value in values.items()})
            except TypeError as error:
                yield Problem(f"{path}:{number}", "", str(error), "text, numbers, lists or objects")


def _plain(value: object) -> object:
    """A value as JSON could have held it."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a value of type {type(value).__name__}")
