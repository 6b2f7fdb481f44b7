"""The files of the Batch API, which `vllm run-batch` reads and writes too: one request a line.

A line going out holds a `custom_id`, the path and the body of one request; a line coming back holds
the `custom_id` and what the server would have replied. Order means nothing.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

MOST_LINES = 50_000
"""Requests that OpenAI takes in one file."""

MOST_BYTES = 200_000_000
"""Size of the largest file that OpenAI takes."""

EXPIRED = frozenset({"batch_expired", "batch_cancelled"})
"""Codes of lines that the server never came to."""


@dataclass(frozen=True, slots=True)
class Line:
    """One request on its way out.

    Attributes:
        custom_id: what the reply is joined by; at most 64 characters.
        path: of the API, such as `/v1/chat/completions`.
        body: the request.
    """

    custom_id: str
    path: str
    body: dict[str, Any]

    def encode(self) -> bytes:
        """The line as it stands in a file, with its end."""
        line = {"custom_id": self.custom_id, "method": "POST", "url": self.path, "body": self.body}
        return json.dumps(line).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Result:
    """One reply.

    Attributes:
        custom_id: of the request it answers.
        status: HTTP status; 0 if the request was never run.
        content: body of the reply, or the error in its place.
    """

    custom_id: str
    status: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """One file of requests.

    Attributes:
        path: where it is.
        custom_ids: of its lines, in order.
    """

    path: Path
    custom_ids: tuple[str, ...]


def write_files(
    lines: Iterable[Line],
    name: Callable[[int], Path],
    *,
    most_lines: int = MOST_LINES,
    most_bytes: int = MOST_BYTES,
) -> list[Written]:
    """Write lines to as few files as the limits allow, in order; a file is whole or not there.

    Args:
        lines: what to write.
        name: number of a file, from 1 -> its path.
        most_lines: of one file.
        most_bytes: of one file; a line that is larger has a file of its own.
    """
    written: list[Written] = []
    encoded = ((line.custom_id, line.encode()) for line in lines)
    held = next(encoded, None)
    while held is not None:
        path = name(len(written) + 1)
        beside = path.with_name(f".{path.name}.part")
        ids: list[str] = []
        size = 0
        with beside.open("wb") as file:
            while held is not None and len(ids) < most_lines:
                if ids and size + len(held[1]) > most_bytes:
                    break
                file.write(held[1])
                size += len(held[1])
                ids.append(held[0])
                held = next(encoded, None)
            _sync(file)
        beside.replace(path)
        written.append(Written(path, tuple(ids)))
    return written


def parse_result(line: bytes) -> Result | None:
    """One line of an output or error file; None if it is no reply.

    Where the request failed, OpenAI puts the server's words into `response.body` or into `error`,
    and vLLM into `error`, as text or as an object.
    """
    try:
        told = json.loads(line)
        custom_id, response, error = told["custom_id"], told.get("response"), told.get("error")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    if not isinstance(custom_id, str):
        return None
    if not isinstance(response, dict):
        return Result(custom_id, _status_of(error), _content(error)) if error else None
    status, body = response.get("status_code", HTTPStatus.OK), response.get("body")
    if not isinstance(status, int) or isinstance(status, bool):
        return None
    return Result(custom_id, status, _content(error if error and not body else body))


def _status_of(error: object) -> int:
    """The status of a request that got no response: its code, where that is one."""
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    if code in EXPIRED:
        return 0
    return int(code) if re.fullmatch(r"[45]\d\d", code) else HTTPStatus.INTERNAL_SERVER_ERROR


def _content(body: object) -> bytes:
    """A body as it would have been received; a bare text becomes an error's message."""
    if isinstance(body, str):
        body = {"error": {"message": body}}
    return json.dumps(body).encode()


def _sync(file: BinaryIO) -> None:
    """Wait until a file is on disk: what was submitted must be there after a crash."""
    file.flush()
    os.fsync(file.fileno())
