"""One model as it is asked by file, and how much patience its server gets."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from evalkit.errors import ModelError
from evalkit.models import Batched, BatchServer, Line
from evalkit.models.batchfile import MOST_BYTES, MOST_LINES
from evalkit.runner.cache import model_key
from evalkit.runner.retry import Budget, Retry
from evalkit.schema import Failure, Request

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BatchPace:
    """How batches are cut and waited for.

    Attributes:
        first: seconds after which a batch is first looked at again; they grow by half each time.
        longest: the growing ends here.
        rounds: how often a request is handed in at most.
        most_lines: requests in one file at most.
        most_bytes: size of one file at most.
        timeout: seconds that one call of the API may take, and more for the bytes of a large file;
            None for no limit.
        retry: patience with a server that fails.
    """

    first: float = 1.0
    longest: float = 60.0
    rounds: int = 3
    most_lines: int = MOST_LINES
    most_bytes: int = MOST_BYTES
    timeout: float | None = 120.0
    retry: Retry = field(default_factory=Retry)


@dataclass
class BatchModel:
    """One model of a run; two arms that are one model are one here.

    Attributes:
        name: of its first arm.
        provider: of its first arm.
        most_lines: requests in one file at most; fewer once its server's queue was full.
        timeout: seconds that one call of the API may take.
        pending: cache key -> request, of everything that has no outcome yet.
        rounds: cache key -> how often it came back without an answer.
        answered: how many answers it has given, now or in earlier runs.
        noted: how many of its provider's notes are in the cache.
        touched: when its server last told of a batch, on `time.monotonic`.
        unheard: how often in a row it was asked after one since, and did not.
        absent: tag -> how often the server did not know that batch.
        crowded: whether its server takes only one batch at a time.
    """

    name: str
    provider: Batched
    most_lines: int
    timeout: float | None
    pending: dict[str, Request] = field(default_factory=dict)
    rounds: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    noted: int = 0
    touched: float = field(default_factory=time.monotonic)
    unheard: int = 0
    absent: Counter[str] = field(default_factory=Counter)
    crowded: bool = False

    @cached_property
    def key(self) -> str:
        """What its batches and notes are kept under."""
        return model_key(self.provider)

    @cached_property
    def server(self) -> BatchServer:
        """Its server's batches; from here on a key is needed."""
        return self.provider.open_batches(self.timeout)

    def lines(self, keys: Sequence[str]) -> Iterator[Line]:
        """Its pending requests as lines of a file."""
        for key in keys:
            yield Line(key, self.provider.path, self.provider.body(self.pending[key]))

    def error(self, message: str) -> ModelError:
        """An error of this model, as a person reads it."""
        return ModelError(f"model {self.name!r} at {self.provider.endpoint}: {message}")


async def patiently(
    call: Callable[[], Awaitable[Result | Failure]], retry: Retry, deadline: float
) -> Result | Failure:
    """Call until it brings a result, or a failure that is final.

    Args:
        call: asks a server once.
        retry: how much patience it gets.
        deadline: on `time.monotonic`; nothing is waited for beyond it.
    """
    budget = Budget(retry)
    while True:
        outcome = await call()
        if not isinstance(outcome, Failure):
            return outcome
        delay = budget.next_delay(outcome)
        if delay is None or time.monotonic() + delay > deadline:
            return outcome
        await asyncio.sleep(delay)
