"""What the runner is given and what it gives back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from evalkit.schema import Request


@dataclass(frozen=True, slots=True)
class Job:
    """One question to one model.

    Attributes:
        model: name of the arm; a key of the providers.
        request: what is asked.
        repeat: number of the repetition, from 0; part of the cache key, so that sampled answers
            to one prompt can be had several times.
    """

    model: str
    request: Request
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class AskStats:
    """How the asking of one model went.

    Attributes:
        jobs: jobs given.
        cached: jobs answered without being sent: from the cache, or because an equal job was.
        sent: requests sent, repeated attempts included.
        retries: repeated attempts.
        causes: kind of failure -> attempts repeated because of it.
        missing: jobs without an answer.
        waited: seconds between attempts, summed over all requests.
        paced: seconds that requests were held back to stay within what the server grants.
        median_seconds: time of the requests of this run that were answered; None if none was.
        p95_seconds: the time that 95 % of them stayed below.
        max_seconds: the longest of them.
        prompt_tokens: what the prompts of the answers of this run took, where the provider says.
        completion_tokens: what these answers took.
        seconds: from the first request of this run to its last answer.
        notes: what a reader must know about how this model was asked; of an answer from the cache
            the notes of the run that asked it.
    """

    jobs: int
    cached: int
    sent: int
    retries: int
    causes: Mapping[str, int]
    missing: int
    waited: float
    paced: float
    median_seconds: float | None
    p95_seconds: float | None
    max_seconds: float | None
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    notes: tuple[str, ...]

    @property
    def tokens_per_second(self) -> float | None:
        """Completion tokens a second, all requests in flight together; None if there were none."""
        if not (self.completion_tokens and self.seconds):
            return None
        return round(self.completion_tokens / self.seconds, 1)


def aside(stats: Mapping[str, AskStats]) -> dict[str, AskStats]:
    """The count of a call that asked none of the run's own jobs: only what it sent counts."""
    return {model: replace(one, jobs=0, cached=0, missing=0) for model, one in stats.items()}


def together(
    last: Mapping[str, AskStats], earlier: Iterable[Mapping[str, AskStats]]
) -> dict[str, AskStats]:
    """One count of several calls, the last of which asked everything and had the rest cached.

    The times of requests are those of the last call, unless it sent none.
    """
    before = list(earlier)
    return {
        model: _joined(one, [went[model] for went in before if model in went])
        for model, one in last.items()
    }


def _joined(last: AskStats, earlier: Iterable[AskStats]) -> AskStats:
    joined = last
    for one in earlier:
        answered = one.jobs - one.cached - one.missing
        timed = joined if joined.median_seconds is not None else one
        joined = replace(
            joined,
            cached=joined.cached - answered,
            sent=joined.sent + one.sent,
            retries=joined.retries + one.retries,
            causes=dict(sorted((Counter(joined.causes) + Counter(one.causes)).items())),
            waited=joined.waited + one.waited,
            paced=joined.paced + one.paced,
            median_seconds=timed.median_seconds,
            p95_seconds=timed.p95_seconds,
            max_seconds=timed.max_seconds,
            prompt_tokens=joined.prompt_tokens + one.prompt_tokens,
            completion_tokens=joined.completion_tokens + one.completion_tokens,
            seconds=round(joined.seconds + one.seconds, 3),
        )
    return joined
