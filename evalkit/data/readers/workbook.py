"""XLSX workbooks: one sheet with a header and rows of text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from evalkit.data.readers.delimited import header_problems
from evalkit.data.readers.registry import Row, Scan, reader
from evalkit.errors import DataError, Problem, UsageError

_EXACT = 10**15  # spreadsheets hold 15 digits of a number

Cells = Sequence[tuple[Any, Any]]
"""The cells of one row, each as it was written (formulas) and as it is shown (their results)."""


@reader(".xlsx")
def read_workbook(path: Path) -> Scan:
    """The one sheet that has rows.

    A text cell stays as it is. A number becomes its shortest text (a cell that shows 1.0 holds 1
    and reads as `1`: type ids and labels as text), true and false become `TRUE` and `FALSE`, dates
    their ISO form, an empty cell the empty text. A formula counts with the result that was saved
    with it.

    Raises:
        UsageError: openpyxl is not installed.
        DataError: not a workbook.
    """
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UsageError(f"{path}: reading XLSX needs openpyxl: pip install openpyxl") from None
    try:
        with (
            closing(load_workbook(path, read_only=True)) as written,
            closing(load_workbook(path, read_only=True, data_only=True)) as shown,
        ):
            yield from _read(path, written, shown)
    except Exception as error:  # noqa: BLE001 - a damaged archive fails in any of its layers
        found = f"a broken workbook ({type(error).__name__})"
        raise DataError([Problem(str(path), "", found, "an XLSX workbook")]) from None


def _read(path: Path, written: Any, shown: Any) -> Scan:  # noqa: ANN401 - openpyxl is optional
    used = [name for name in written.sheetnames if any(_rows(written, shown, name))]
    if len(used) > 1:
        found = f"rows on {len(used)} sheets ({', '.join(used)})"
        yield Problem(str(path), "", found, "one sheet with rows; save each as a file of its own")
        return
    names: list[str] | None = None
    for number, cells in (row for name in used for row in _rows(written, shown, name)):
        if names is None:
            names = [_text(value) for _, value in cells]
            while not names[-1]:
                names.pop()
            problems = list(header_problems(f"{path}:{number}", names))
            yield from problems
            if problems:
                return
        else:
            yield from _row(path, number, names, cells)


def _row(path: Path, number: int, names: Sequence[str], cells: Cells) -> Scan:
    where = f"{path}:{number}"
    texts = [_text(value) for _, value in cells]
    lost = [
        Problem(where, name, "a formula without a saved result", "its value as text")
        for name, (formula, value) in zip(names, cells, strict=False)
        if formula.data_type == "f" and value.value is None and value.data_type == "n"
    ]
    if any(texts[len(names) :]):
        yield Problem(where, "", f"{len(texts)} cells", f"{len(names)}, as in the header")
    elif lost:
        yield from lost
    else:
        texts += [""] * (len(names) - len(texts))
        yield Row(path, number, dict(zip(names, texts, strict=False)))


def _rows(written: Any, shown: Any, name: str) -> Iterator[tuple[int, Cells]]:  # noqa: ANN401
    """Number and cells of each row of a sheet that is not empty."""
    sheets = written[name], shown[name]
    for sheet in sheets:
        sheet.reset_dimensions()  # what a file claims to hold may be less than it holds
    rows = zip(*(sheet.iter_rows() for sheet in sheets), strict=True)
    for number, (formulas, values) in enumerate(rows, 1):
        if any(cell.value not in {None, ""} for cell in formulas):
            yield number, list(zip(formulas, values, strict=True))


def _text(cell: Any) -> str:  # noqa: ANN401 - openpyxl has no public type for read-only cells
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("_x000D_", "\r")  # how the format writes a carriage return
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value)
