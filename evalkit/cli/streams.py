"""Output streams that outlive their reader and a full disk: words must not cost the work."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, cast

LOWEST = (0, 1, 2)
"""Descriptors of input, output and errors."""


class Lasting:
    """A stream; what cannot be written is left out from then on, and the error is remembered."""

    def __init__(self, stream: TextIO) -> None:
        self.error: OSError | None = None
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if that is still possible."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Hand on what is written, if that is still possible."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a stream has
        """Everything else is the stream's own."""
        return getattr(self._stream, name)

    def _give_up(self, error: OSError) -> None:
        """Write to nowhere, so that Python finds nothing to complain of when it ends, either."""
        self.error = error
        with suppress(io.UnsupportedOperation), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())


def outlive() -> Lasting:
    """Let both streams last, and those that were closed before lead nowhere; returns stdout.

    A descriptor that is closed would be given to the next file that is opened, and what is written
    for people would end up in it.
    """
    for number in LOWEST:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free
    output = Lasting(_opened(sys.stdout))
    sys.stdout = cast("TextIO", output)
    sys.stderr = cast("TextIO", Lasting(_opened(sys.stderr)))
    return output


def lost(output: Lasting) -> str:
    """Why results could not be written, if they should have been; empty else.

    Who closes a pipe has had enough.
    """
    output.flush()
    if output.error is None or output.error.errno == errno.EPIPE:
        return ""
    return f"the output cannot be written: {output.error.strerror}"


def _opened(stream: TextIO | None) -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8") if stream is None else stream
