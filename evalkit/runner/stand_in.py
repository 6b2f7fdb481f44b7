"""Served models asked for something else than completions, by the same runner."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from evalkit.models import Provider
from evalkit.schema import Answer, Failure, Request


class StandIn:
    """Stands where a provider would, and answers by a function; see `Provider`."""

    batch = 1

    def __init__(
        self,
        provider: Provider,
        answer: Callable[[Request], Awaitable[Answer | Failure]],
        *,
        cacheable: bool,
    ) -> None:
        self.endpoint, self.identity = provider.endpoint, provider.identity
        self.parallel, self.notes = provider.parallel, provider.notes
        self.prompt_key = provider.prompt_key
        self.cacheable = cacheable
        self._answer = answer

    async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        """Ask, one request after the other; the runner sends one at a time."""
        return [await self._answer(request) for request in requests]

    async def close(self) -> None:
        """Nothing of its own to give back."""
