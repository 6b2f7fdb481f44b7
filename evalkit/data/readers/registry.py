"""The row, and who reads which file ending."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import Problem, UsageError, nearest

COMPRESSED = ".gz"
"""The ending that text formats may carry after their own."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data file, as it stands there.

    Attributes:
        path: the file.
        line: its first line (text formats) or its row number (workbooks, Parquet), from 1.
        values: key -> value; JSON values in JSON and Parquet, text everywhere else.
    """

    path: Path
    line: int
    values: dict[str, object]

    @property
    def where(self) -> str:
        """`file:line`."""
        return f"{self.path}:{self.line}"

    def problem(self, field: str, found: str, expected: str) -> Problem:
        """A problem of this row."""
        return Problem(self.where, field, found, expected)


Scan = Iterator[Row | Problem]
"""What a reader yields: rows in file order, and problems where rows should have been."""

Reader = Callable[[Path], Scan]

_READERS: dict[str, Reader] = {}


def reader(*endings: str) -> Callable[[Reader], Reader]:
    """Register a function as the reader of these file endings.

    A reader streams: it yields a row as soon as it has it, and yields a `Problem` for whatever
    should have been a row, without stopping there if it can go on.
    """

    def register(function: Reader) -> Reader:
        for ending in endings:
            _READERS[ending] = function
        return function

    return register


def find_reader(path: Path) -> Reader:
    """The reader of a file, by its ending; third parties' come from `evalkit.readers`.

    Raises:
        UsageError: no file, or an ending that nobody reads.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise UsageError(f"{path}: found {found}, expected a data file ({_known_endings()})")
    ending = _ending(path)
    if ending not in _READERS:
        _load_entry_points()
    if ending not in _READERS:
        raise UsageError(
            f"{path}: found the file ending {ending!r}, expected one of {_known_endings()}; "
            + nearest(ending, _READERS)
        )
    return _READERS[ending]


def _ending(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [COMPRESSED]:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _known_endings() -> str:
    return ", ".join(sorted(_READERS))


def _load_entry_points() -> None:
    from importlib.metadata import entry_points

    for point in entry_points(group="evalkit.readers"):
        _READERS.setdefault(f".{point.name.removeprefix('.')}", point.load())
