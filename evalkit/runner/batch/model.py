"""One model as it is asked by file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from evalkit.errors import ModelError
from evalkit.models import Batched, BatchServer, Line
from evalkit.runner.cache import model_key
from evalkit.schema import Request


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
