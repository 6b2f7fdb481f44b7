"""Providers: what can be asked. One file each; third parties add theirs by entry point.

A provider is opened from a `ModelSpec` and asked by the runner, which owns cache, limits and
retries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from evalkit.schema import Answer, Failure, ModelSpec, Request


class Provider(Protocol):
    """One model, ready to be asked.

    Attributes:
        endpoint: stable identity of what answers, part of the cache key: base URL or content hash
            of the weights, plus mode and whatever else shapes an answer; no secrets.
        batch: how many requests one call of `complete` may take.
        parallel: how many calls may be in flight at most; None leaves it to the runner.
        cacheable: whether answers are worth keeping; False for completions already made.
    """

    endpoint: str
    batch: int
    parallel: int | None
    cacheable: bool

    def prompt_key(self, request: Request) -> str:
        """The prompt exactly as this provider would send it: rendered text or JSON messages."""

    async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        """Ask once, without retries; one outcome a request, in order. Raises only ModelError."""

    async def close(self) -> None:
        """Give back sockets, threads and memory."""


Opener = Callable[[ModelSpec], Provider]
