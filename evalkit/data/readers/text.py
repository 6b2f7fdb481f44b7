"""Text files as lines: any usual encoding, compressed or not, and never a guess about bytes."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from evalkit.data.readers.registry import COMPRESSED
from evalkit.errors import DataError, Problem

# Longer marks first: the mark of UTF-32 little-endian begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED = 0xDC00  # where the error handler `surrogateescape` puts bytes it cannot decode
_ENCODINGS = "UTF-8, or UTF-16 with a byte order mark"


def lines_of(path: Path) -> Iterator[str]:
    """Lines with their own line ends, decoded by byte order mark, UTF-8 without one.

    Bytes that are not UTF-8 come through escaped, so that `broken_bytes` can name them in the row
    they are in while the rows after it are still read.

    Raises:
        DataError: the file cannot be decoded or decompressed from some line on.
    """
    number = 0
    try:
        with _open(path) as raw:
            encoding = _encoding(path, raw)
            text = io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="")
            for number, line in enumerate(text, 1):  # noqa: B007 - the error below names it
                yield line
    except UnicodeError as error:
        raise _broken(path, number + 1, f"bytes that are not {_name(error)}", _ENCODINGS) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _broken(path, number + 1, f"broken compression ({error})", "a gzip file") from None


def broken_bytes(text: str) -> str | None:
    """The first byte that could not be decoded, in words; None if there is none."""
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        if _ESCAPED <= code < _ESCAPED + 256:
            return f"the byte 0x{code - _ESCAPED:02x} (character {error.start + 1}), not UTF-8"
        return f"half of a surrogate pair, U+{code:04X}"
    return None


def encoding_problem(path: Path, line: int, found: str) -> Problem:
    """The problem of a line that `broken_bytes` found something in."""
    return Problem(f"{path}:{line}", "", found, _ENCODINGS)


def _open(path: Path) -> BinaryIO:
    if path.suffix.lower() == COMPRESSED:
        return cast("BinaryIO", gzip.open(path))
    return path.open("rb")


def _encoding(path: Path, raw: BinaryIO) -> str:
    head = raw.read(4)
    raw.seek(0)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        found = "zero bytes at the start (UTF-16 without its mark, or no text at all)"
        raise _broken(path, 1, found, _ENCODINGS)
    return "utf-8"


def _broken(path: Path, line: int, found: str, expected: str) -> DataError:
    return DataError([Problem(f"{path}:{line}", "", found, expected)])


def _name(error: UnicodeError) -> str:
    return error.encoding.upper() if isinstance(error, UnicodeDecodeError) else "text"
