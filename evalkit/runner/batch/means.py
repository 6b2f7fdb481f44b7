"""What all the asking by file of one call shares: its ledger, its patience, its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from evalkit.models.batchfile import MOST_BYTES, MOST_LINES
from evalkit.runner.ask import TIMEOUT
from evalkit.runner.batch.ledger import Ledger
from evalkit.runner.observer import Say
from evalkit.runner.retry import Budget, Retry
from evalkit.schema import Failure

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
    timeout: float | None = TIMEOUT
    retry: Retry = field(default_factory=Retry)


@dataclass(frozen=True, slots=True)
class BatchMeans:
    """One for the whole call; its models and batches draw on the same.

    Attributes:
        ledger: where everything stands before it happens.
        pace: how batches are cut and waited for.
        deadline: when the time is up, on `time.monotonic`.
        say: told how it goes.
    """

    ledger: Ledger
    pace: BatchPace
    deadline: float
    say: Say

    async def patiently(self, call: Callable[[], Awaitable[Result | Failure]]) -> Result | Failure:
        """Call a server until it brings a result, or a failure that is final.

        Nothing is waited for beyond the deadline.
        """
        budget = Budget(self.pace.retry)
        while True:
            outcome = await call()
            if not isinstance(outcome, Failure):
                return outcome
            delay = budget.next_delay(outcome)
            if delay is None or time.monotonic() + delay > self.deadline:
                return outcome
            await asyncio.sleep(delay)
