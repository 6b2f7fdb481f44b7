"""What every provider offers to the runner, which owns cache, limits and retries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from evalkit.schema import Answer, Failure, Mode, ModelSpec, Request, ServedModel


class Provider(Protocol):
    """One model, ready to be asked; used from one event loop.

    Attributes:
        endpoint: where it is asked: the base URL without secrets, or the provider's name when it
            runs in this process. Models of one endpoint share its limits and are asked in turns.
        identity: what answers there: the served model and mode, or a content hash of the weights.
            Endpoint and identity are part of the cache key, so together they name one model.
        batch: how many requests one call of `complete` may take.
        parallel: how many calls may be in flight at most; None leaves it to the runner.
        cacheable: whether answers are worth keeping; False for completions already made.
        notes: what a reader of the run must know about how this model was asked; may grow while
            it is asked.
    """

    endpoint: str
    identity: str
    batch: int
    parallel: int | None
    cacheable: bool
    notes: list[str]

    def prompt_key(self, request: Request) -> str:
        """The prompt exactly as this provider would send it: rendered text or JSON messages."""

    async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        """Ask once, without retries; one outcome a request, in order. Raises only EvalkitError."""

    async def close(self) -> None:
        """Give back sockets, threads and memory."""


@runtime_checkable
class Named(Provider, Protocol):
    """A provider that knows its model by nothing but the name a server has for it."""

    async def logprobs(self, request: Request) -> tuple[float, ...] | Failure:
        """Log-probabilities (nats) of the first tokens of its answer; empty if it gives none."""


@runtime_checkable
class Probed(Named, Protocol):
    """A served model that can be looked at before it is asked.

    Attributes:
        mode: how it is asked.
        model: the name that it is asked for by.
    """

    mode: Mode
    model: str

    @property
    def refused(self) -> frozenset[str]:
        """Decoding parameters that it has turned out not to take."""

    def in_mode(self, mode: Mode) -> Probed:
        """The same model, opened once more to be asked in this mode."""

    async def listing(self) -> tuple[ServedModel, ...] | Failure:
        """What its endpoint lists, or why that cannot be had. Raises nothing."""

    async def reply(self, request: Request, **fields: Any) -> bytes | Failure:  # noqa: ANN401 - JSON
        """The body of the reply to one request with fields besides, as it came."""


@runtime_checkable
class Scoring(Provider, Protocol):
    """A provider whose `complete` also takes requests for the log-probability of a text.

    Others are never sent one. Whether its server gives any shows when it is asked: a failure of
    kind `unsupported` says no.

    Attributes:
        scores_texts: always true.
    """

    scores_texts: bool


class Row(Protocol):
    """One row of a data file, as a reader yields it."""

    @property
    def line(self) -> int:
        """Number of the line or row in its file, from 1."""

    @property
    def values(self) -> Mapping[str, object]:
        """Column name -> value."""


ReadRows = Callable[[Path], Iterable[Row]]
"""Reads any data file row by row; models don't know the readers, so they are handed one."""

Opener = Callable[[ModelSpec], Provider]
"""What a third party registers under the entry point group `evalkit.providers`."""
