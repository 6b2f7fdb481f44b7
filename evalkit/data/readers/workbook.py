"""XLSX workbooks: one sheet with a header and rows of text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evalkit.data.readers.delimited import header_problems
from evalkit.data.readers.registry import Row, Scan, reader
from evalkit.errors import DataError, Problem, UsageError

TABLES_EXTRA = "pip install 'evalkit[tables]'"


@reader(".xlsx")
def read_workbook(path: Path) -> Scan:
    """The one sheet that has rows.

    A text cell stays as it is. A number becomes its shortest text (a cell that shows 1.0 holds 1
    and reads as `1`: type ids and labels as text), true and false become `TRUE` and `FALSE`, dates
    their ISO form, an empty cell the empty text. A formula counts with the result that was saved
    with it.

    Raises:
        UsageError: openpyxl is not installed.
    """
    sheets = _sheets(path)
    used = {name: rows for name, rows in sheets.items() if any(True for _ in _filled(rows()))}
    if len(used) > 1:
        found = f"rows on {len(used)} sheets ({', '.join(used)})"
        yield Problem(str(path), "", found, "one sheet with rows; save each as a file of its own")
        return
    for rows in used.values():
        yield from _rows(path, rows())


def _rows(path: Path, rows: Iterator[Any]) -> Scan:
    names: list[str] | None = None
    for number, cells in _filled(rows):
        where = f"{path}:{number}"
        if names is None:
            names = [_text(shown) for _, shown in cells]
            while names and not names[-1]:
                names.pop()
            problems = list(header_problems(where, names))
            yield from problems
            if problems:
                return
            continue
        lost = [
            Problem(where, name, "a formula without a saved result", "its value as text")
            for name, (written, shown) in zip(names, cells, strict=False)
            if written.data_type == "f" and shown.value is None
        ]
        yield from lost
        texts = [_text(shown) for _, shown in cells]
        if any(texts[len(names) :]):
            yield Problem(where, "", f"{len(texts)} cells", f"{len(names)}, as in the header")
        elif not lost:
            texts += [""] * (len(names) - len(texts))
            yield Row(path, number, dict(zip(names, texts, strict=False)))


def _filled(rows: Iterator[Any]) -> Iterator[tuple[int, Sequence[tuple[Any, Any]]]]:
    """Row number and (cell as written, cell as shown) of each row that is not empty."""
    for number, (written, shown) in enumerate(rows, 1):
        if any(cell.value is not None for cell in written):
            yield number, list(zip(written, shown, strict=True))


def _sheets(path: Path) -> dict[str, Any]:
    """Sheet name -> function that reads its rows from the start."""
    try:
        import openpyxl
    except ImportError:
        raise UsageError(f"{path}: reading XLSX needs {TABLES_EXTRA}") from None
    try:
        # Twice: what was written (formulas) and what a spreadsheet shows (their results).
        written = openpyxl.load_workbook(path, read_only=True)
        shown = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # noqa: BLE001 - a damaged archive fails in any of its layers
        found = f"a broken workbook ({type(error).__name__})"
        raise DataError([Problem(str(path), "", found, "an XLSX workbook")]) from None
    return {
        sheet.title: lambda sheet=sheet: zip(
            sheet.iter_rows(), shown[sheet.title].iter_rows(), strict=True
        )
        for sheet in written.worksheets
    }


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
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
