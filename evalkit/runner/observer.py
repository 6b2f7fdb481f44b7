"""Who watches the asking, and the count of everything that happens."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from evalkit.runner.job import AskStats
from evalkit.schema import Answer, Failure

Say = Callable[[str], None]
"""Takes a line for a person."""


def silent(line: str) -> None:
    """Tell nobody."""


class Observer(Protocol):
    """Told of everything that happens while models are asked; called from the event loop."""

    def started(
        self, jobs: Mapping[str, int], cached: Mapping[str, int], own: Mapping[str, int]
    ) -> None:
        """Asking begins.

        Args:
            jobs: model -> jobs.
            cached: model -> jobs of these whose answers an earlier run has asked for.
            own: model -> jobs of these whose answers this run has asked for before.
        """

    def answered(self, model: str, answer: Answer) -> None:
        """A job got its answer."""

    def failed(self, model: str, failure: Failure) -> None:
        """A job stays without an answer."""

    def retrying(self, model: str, failure: Failure, delay: float) -> None:
        """A request is sent again after `delay` seconds."""

    def waiting(self, seconds: float) -> None:
        """Nothing is sent to an endpoint for so long: its server wants it so."""

    def outage(self, failure: Failure, seconds: float) -> None:
        """A server that has answered is gone, by this failure; it is waited for so much longer."""

    def others(self, jobs: int, processes: Sequence[int]) -> None:
        """Other runs on the same cache are asking so many of them; their answers are waited for.

        Args:
            jobs: how many.
            processes: ids of the processes in which those runs are.
        """

    def finished(self) -> None:
        """Asking has ended, well or not."""


@dataclass(slots=True)
class _Count:
    jobs: int = 0
    cached: int = 0
    sent: int = 0
    retries: int = 0
    missing: int = 0
    waited: float = 0.0
    paced: float = 0.0
    causes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first: float | None = None
    last: float = 0.0

    @property
    def span(self) -> float:
        """Seconds from the first request to the last answer."""
        return 0.0 if self.first is None else max(0.0, self.last - self.first)

    def take(self, answer: Answer) -> None:
        """An answer came that was sent for."""
        self.prompt_tokens += answer.prompt_tokens or 0
        self.completion_tokens += answer.completion_tokens or 0
        self.last = time.monotonic()
        if answer.seconds is not None:
            self.seconds.append(answer.seconds)


class Tally:
    """Counts per model, and passes every event on to the observer, if there is one."""

    def __init__(self, models: Iterable[str], observer: Observer | None) -> None:
        self._counts = {model: _Count() for model in models}
        self._observer = observer

    def started(
        self, jobs: Mapping[str, int], cached: Mapping[str, int], own: Mapping[str, int]
    ) -> None:
        """Note how much there is to do; see `Observer`."""
        for model, count in self._counts.items():
            count.jobs = jobs.get(model, 0)
            count.cached = cached.get(model, 0) + own.get(model, 0)
        if self._observer is not None:
            self._observer.started(jobs, cached, own)

    def recalled(self, model: str) -> None:
        """Count a job whose answer another run has brought into the cache meanwhile."""
        self._counts[model].cached += 1

    def sent(self, model: str, requests: int) -> None:
        """Count requests that go out."""
        count = self._counts[model]
        count.sent += requests
        if count.first is None:
            count.first = time.monotonic()

    def answered(self, model: str, answer: Answer, *, shared: bool) -> None:
        """Count a job that got its answer in this run, by itself or from an equal job."""
        if shared:
            self._counts[model].cached += 1
        else:
            self._counts[model].take(answer)
        if self._observer is not None:
            self._observer.answered(model, answer)

    def failed(self, model: str, failure: Failure) -> None:
        """Count a job that stays without an answer."""
        self._counts[model].missing += 1
        if self._observer is not None:
            self._observer.failed(model, failure)

    def retrying(self, model: str, failure: Failure, delay: float) -> None:
        """Count a further attempt."""
        self._counts[model].retries += 1
        self._counts[model].waited += delay
        self._counts[model].causes[failure.kind] += 1
        if self._observer is not None:
            self._observer.retrying(model, failure, delay)

    def paced(self, model: str, seconds: float) -> None:
        """Count time for which a request was held back."""
        self._counts[model].paced += seconds

    def waiting(self, seconds: float) -> None:
        """Tell the observer of a long wait."""
        if self._observer is not None:
            self._observer.waiting(seconds)

    def outage(self, failure: Failure, seconds: float) -> None:
        """Tell the observer that a server is gone."""
        if self._observer is not None:
            self._observer.outage(failure, seconds)

    def others(self, jobs: int, processes: Sequence[int]) -> None:
        """Tell the observer that other runs are asking the rest."""
        if self._observer is not None:
            self._observer.others(jobs, processes)

    def finished(self) -> None:
        """Tell the observer that it is over."""
        if self._observer is not None:
            self._observer.finished()

    def stats(self, notes: Mapping[str, Iterable[str]]) -> dict[str, AskStats]:
        """The counts as a record, with the notes of each model."""
        return {
            model: AskStats(
                jobs=count.jobs,
                cached=count.cached,
                sent=count.sent,
                retries=count.retries,
                causes=dict(sorted(count.causes.items())),
                missing=count.missing,
                waited=count.waited,
                paced=count.paced,
                median_seconds=_quantile(count.seconds, 0.5),
                p95_seconds=_quantile(count.seconds, 0.95),
                max_seconds=_quantile(count.seconds, 1.0),
                prompt_tokens=count.prompt_tokens,
                completion_tokens=count.completion_tokens,
                seconds=round(count.span, 3),
                notes=tuple(sorted(set(notes.get(model, ())))),
            )
            for model, count in self._counts.items()
        }


def _quantile(values: list[float], share: float) -> float | None:
    """The smallest value that at least this share of them does not exceed, to the millisecond."""
    if not values:
        return None
    place = max(0, math.ceil(share * len(values)) - 1)
    return round(sorted(values)[place], 3)
