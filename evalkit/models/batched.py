"""Providers whose server also takes many requests as one file and answers within a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from evalkit.models.provider import Provider
from evalkit.schema import Answer, Failure, Request

QUEUE_FULL = frozenset({"token_limit_exceeded"})
"""Error codes of batches that the server would take later, or in smaller parts."""

_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
"""Statuses of batches of which nothing more will come."""


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """What a server says of a batch.

    Attributes:
        id: its id at the server.
        status: in the server's words.
        done: requests that have come to an end, well or not.
        files: ids of its output and error files, as far as there are any -> results that they hold
            at least, by what the server has counted.
        codes: codes of the errors that kept the whole batch from running.
        why: the first of those errors, for a person.
        file_unknown: whether one of those errors is that the server does not find the file, which
            it had taken before: that passes.
    """

    id: str
    status: str
    done: int = 0
    files: Mapping[str, int] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    why: str = ""
    file_unknown: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in _ENDED

    @property
    def queue_full(self) -> bool:
        """Whether it was refused only for what else is waiting there."""
        return self.status == "failed" and bool(self.codes & QUEUE_FULL)


class BatchServer(Protocol):
    """Files and batches of one server. Nothing is tried twice: that is the runner's business."""

    async def upload(self, path: Path) -> str | Failure:
        """Send a file of requests; its id at the server."""

    async def create(self, file_id: str, path: str, tag: str) -> BatchStatus | Failure:
        """Have the requests of a file answered within a day.

        Args:
            file_id: of the uploaded file.
            path: of the API that its requests go to.
            tag: ours, by which `find` knows the batch again.
        """

    async def find(self, tag: str) -> BatchStatus | Failure | None:
        """The batch with this tag; None if the server has none."""

    async def status(self, batch_id: str) -> BatchStatus | Failure:
        """How far a batch is."""

    async def read(self, file_id: str, take: Callable[[bytes], None]) -> Failure | None:
        """Hand over a file of results line by line; None when that was all of it."""


@runtime_checkable
class Batched(Provider, Protocol):
    """A provider that can be asked by file.

    Attributes:
        path: of the API that its requests go to, such as `/v1/chat/completions`.
    """

    path: str

    def body(self, request: Request) -> dict[str, Any]:
        """What `complete` would send, to the letter."""

    def unsent_stop(self, request: Request) -> tuple[str, ...]:
        """The stop texts that `body` leaves out, so that the answer must be cut here."""

    def read(self, status: int, content: bytes, stop: Sequence[str]) -> Answer | Failure:
        """The outcome in a reply that came by file, as `complete` would have read it.

        Args:
            status: HTTP status.
            content: the body.
            stop: the stop texts that were not sent.
        """

    def learn(self, notes: Iterable[str]) -> None:
        """Begin with what notes of earlier runs say about this model."""

    def open_batches(self, timeout: float | None) -> BatchServer:
        """Its server's batches.

        Args:
            timeout: seconds that one call may take; None for no limit.

        Raises:
            ModelError: the variable that should hold the key is not set.
        """
