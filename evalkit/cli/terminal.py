"""What people read on stderr; machines get JSON on stdout."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

from evalkit.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

# C0 and C1 controls but for tab and newline, and the marks that reorder text.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Text that cannot move the cursor, recolour or reorder what a terminal shows."""
    return _UNSAFE.sub("\ufffd", text)


def console() -> Console:
    """Where people read: stderr, coloured only on a terminal that wants it."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True, highlight=False)


def print_error(message: str) -> None:
    """`error: ...` on stderr."""
    from rich.text import Text

    console().print(Text.assemble(("error: ", "bold red"), clean(message)))


def print_note(message: str) -> None:
    """A sentence on stderr."""
    from rich.text import Text

    console().print(Text(clean(message)))


def print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, indent=1) + "\n")


def print_line(text: str) -> None:
    """The one line of a command's result, on stdout."""
    sys.stdout.write(clean(text) + "\n")


def append_text(path: Path, text: str) -> None:
    """A paragraph of its own at the end of a file, which is made if it is not there.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}")
    except OSError as error:
        raise UsageError(f"--markdown {path}: cannot be written: {error.strerror}") from error
