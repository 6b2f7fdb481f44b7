"""The runner's one function: jobs in, outcomes out, in the same order."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from evalkit.errors import EvalkitError, Interrupted
from evalkit.models import Provider
from evalkit.runner.cache import FILE, Cache, cache_key, model_key
from evalkit.runner.claims import Claims
from evalkit.runner.endpoint import OUT_OF_TIME, EndpointRun, ModelState, Question
from evalkit.runner.job import AskStats, Job
from evalkit.runner.observer import Observer, Tally
from evalkit.runner.purse import Purse
from evalkit.runner.retry import Retry
from evalkit.schema import Answer, Failure

CONCURRENCY = 32
POLL = 0.25
"""Seconds between two looks at what another run has brought."""

TIMEOUT = 120.0
"""Seconds: what a few hundred tokens take on a slow and busy server, several times over."""


async def ask(  # noqa: PLR0913 - jobs, providers, and an option for each limit
    jobs: Sequence[Job],
    providers: Mapping[str, Provider],
    *,
    cache: Path | None,
    concurrency: int = CONCURRENCY,
    retry: Retry | None = None,
    timeout: float | None = TIMEOUT,  # noqa: ASYNC109 - of one request, not of this call
    max_seconds: float | None = None,
    purse: Purse | None = None,
    observer: Observer | None = None,
    settled: Mapping[str, Failure] | None = None,
    own: set[str] | None = None,
) -> tuple[list[Answer | Failure], dict[str, AskStats]]:
    """Ask every job of its model; answers that are in the cache are not asked again.

    Models of one endpoint are asked in turns and share its limit. Equal questions are asked once.

    Args:
        jobs: what to ask; outcomes come back in this order.
        providers: model -> opened provider; the caller closes them.
        cache: folder of the completion cache, made if need be; None keeps nothing.
        concurrency: calls in flight for one endpoint at most; fewer while its server is not up to
            so many.
        retry: patience with failures; None for the default.
        timeout: seconds that one request may take; None for no limit.
        max_seconds: how long all of it may take; what has no answer by then is missing. None for
            no limit.
        purse: pays for every request; None pays whatever it costs.
        observer: is told of everything that happens.
        settled: cache key -> why a question has no answer, for questions that are not asked (see
            `ask_by_batch`).
        own: cache keys of the answers that earlier calls of this run have sent for; those of this
            call are added. The observer is told them apart from what an earlier run has paid for.

    Returns:
        One outcome a job, and per model how the asking went.

    Raises:
        ModelError: a model that cannot be asked at all, or a provider that broke.
        CacheError: the cache cannot be used.
        Interrupted: Ctrl-C or cancellation; every answer received is in the cache.
    """
    tally = Tally(providers, observer)
    keys = [_key(job, providers[job.model]) for job in jobs]
    cacheable = cache is not None and any(key is not None for key in keys)
    with _open(cache if cacheable else None) as store:
        run = _Run(jobs, providers, store, tally, set() if own is None else own)
        questions = run.recall(keys, settled or {})
        deadline = float("inf") if max_seconds is None else time.monotonic() + max_seconds
        line = partial(
            EndpointRun,
            providers=providers,
            states=run.states,
            deliver=run.deliver,
            cache=store,
            tally=tally,
            retry=retry or Retry(),
            timeout=timeout,
            purse=purse,
            deadline=deadline,
        )
        asking = partial(_ask_endpoints, line, providers, concurrency=max(1, concurrency))
        try:
            with _lasting():
                if store is None or not questions:
                    await asking(questions)
                else:
                    await _ask_beside_others(questions, asking, run, store, deadline)
        except (asyncio.CancelledError, KeyboardInterrupt):
            run.interrupted = True
        finally:
            tally.finished()
    # The cache is closed: whatever had come in is on disk by now.
    if run.interrupted:
        raise Interrupted(run.kept())
    return [outcome for outcome in run.outcomes if outcome is not None], tally.stats(run.notes())


def recalled(
    jobs: Sequence[Job], providers: Mapping[str, Provider], cache: Path
) -> list[Answer | None]:
    """What the cache holds of the answers to jobs; None where it holds none. Asks nothing.

    Raises:
        CacheError: the cache cannot be used.
    """
    if not (cache / FILE).is_file():
        return [None for _ in jobs]
    keys = [_key(job, providers[job.model]) for job in jobs]
    with Cache(cache) as store:
        found = store.get([key for key in keys if key])
    return [found.get(key or "") for key in keys]


class Ask(Protocol):
    """`ask` with the options of a run, all of whose calls share one cache, time and money."""

    async def __call__(
        self,
        jobs: Sequence[Job],
        providers: Mapping[str, Provider],
        observer: Observer | None = None,
        settled: Mapping[str, Failure] | None = None,
    ) -> tuple[list[Answer | Failure], dict[str, AskStats]]:
        """Ask; answers go into the cache of the run, so that the run need not ask again."""


class _Run:
    """The outcomes of one call of `ask`, as they gather."""

    def __init__(
        self,
        jobs: Sequence[Job],
        providers: Mapping[str, Provider],
        store: Cache | None,
        tally: Tally,
        own: set[str],
    ) -> None:
        self.outcomes: list[Answer | Failure | None] = [None] * len(jobs)
        self.states = {model: ModelState() for model in providers}
        self.interrupted = False
        self._jobs = jobs
        self._providers = providers
        self._store = store
        self._tally = tally
        self._own = own
        self._recalled = 0
        self._old_notes: dict[str, list[str]] = {}

    def recall(self, keys: Sequence[str | None], settled: Mapping[str, Failure]) -> list[Question]:
        """Deliver what the cache holds and what is settled; return the rest, equal ones as one."""
        places: dict[str, list[int]] = {}
        for i, key in enumerate(keys):
            places.setdefault(f"#{i}" if key is None else key, []).append(i)
        stored = {} if self._store is None else self._store.get([key for key in keys if key])
        questions = []
        cached: Counter[str] = Counter()
        own: Counter[str] = Counter()
        for name, jobs in places.items():
            first = self._jobs[jobs[0]]
            if name not in stored:
                questions.append(Question(first.model, first.request, keys[jobs[0]], tuple(jobs)))
                continue
            for i in jobs:
                self.outcomes[i] = stored[name]
                (own if name in self._own else cached)[self._jobs[i].model] += 1
                self.states[self._jobs[i].model].answered += 1
        self._recalled = len(stored)
        if self._store is not None:
            self._old_notes = {
                model: self._store.notes(model_key(provider))
                for model, provider in self._providers.items()
                if self.states[model].answered
            }
        self._tally.started(Counter(job.model for job in self._jobs), cached, own)
        reasons = [settled.get(question.key or "") for question in questions]
        for question, reason in zip(questions, reasons, strict=True):
            if reason is not None:
                self.deliver(question, reason)
        return [q for q, reason in zip(questions, reasons, strict=True) if reason is None]

    def deliver(self, question: Question, outcome: Answer | Failure, *, sent: bool = True) -> None:
        """Give an outcome to every job that asked for it; only the first may have been sent."""
        if sent and question.key is not None and isinstance(outcome, Answer):
            self._own.add(question.key)
        for i in question.jobs:
            self.outcomes[i] = outcome
            model = self._jobs[i].model
            if isinstance(outcome, Answer):
                self._tally.answered(model, outcome, shared=not sent or i != question.jobs[0])
            else:
                self._tally.failed(model, outcome)

    def found(self, questions: Sequence[Question], store: Cache) -> list[Question]:
        """Deliver what another run has brought into the cache meanwhile; return the rest."""
        stored = store.get([question.key for question in questions if question.key])
        rest = []
        for question in questions:
            answer = stored.get(question.key or "")
            if answer is None:
                rest.append(question)
                continue
            self.states[question.model].answered += 1
            self.deliver(question, answer, sent=False)
        return rest

    def others(self, questions: Sequence[Question]) -> None:
        """Tell that other runs are asking these."""
        self._tally.others(sum(len(question.jobs) for question in questions))

    def notes(self) -> dict[str, list[str]]:
        """Model -> what must be known about how it was asked, now or when its answers were had."""
        return {
            model: [*self._old_notes.get(model, ()), *provider.notes]
            for model, provider in self._providers.items()
        }

    def kept(self) -> str:
        """What a person reads after Ctrl-C."""
        if self._store is None:
            return "interrupted; without a cache no answers are kept"
        kept = self._recalled + self._store.stored
        return (
            f"interrupted; {kept} answers are kept in {self._store.path}, and the same command "
            "asks only for the rest"
        )


def _key(job: Job, provider: Provider) -> str | None:
    return cache_key(provider, job.request, job.repeat) if provider.cacheable else None


@contextmanager
def _open(folder: Path | None) -> Iterator[Cache | None]:
    if folder is None:
        yield None
        return
    with Cache(folder) as store:
        yield store


@contextmanager
def _lasting() -> Iterator[None]:
    """What is there by now stays until everything is asked: not looked through for cycles again.

    Those searches took a tenth of the asking, more the more there is to ask.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _ask_endpoints(
    line: Callable[[], EndpointRun],
    providers: Mapping[str, Provider],
    questions: Sequence[Question],
    *,
    concurrency: int,
) -> None:
    """All endpoints at once; the first error stops everything and is raised by itself."""
    by_endpoint: dict[str, list[Question]] = {}
    for question in questions:
        by_endpoint.setdefault(providers[question.model].endpoint, []).append(question)
    try:
        async with asyncio.TaskGroup() as group:
            for asked in by_endpoint.values():
                group.create_task(line().run(asked, concurrency))
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors


async def _ask_beside_others(
    questions: Sequence[Question],
    asking: Callable[[Sequence[Question]], Awaitable[None]],
    run: _Run,
    store: Cache,
    deadline: float,
) -> None:
    """Ask what no other run on this cache is asking, and wait for the answers to the rest.

    What another run gives up, or leaves behind when it dies, is asked here after all.
    """
    with Claims(store.path.parent) as claims:
        rest, told = list(questions), False
        while rest:
            mine = claims.take([question.key for question in rest if question.key])
            # Looked up only now: whoever had a claim before has stored the answer by now.
            rest = run.found(rest, store)
            await asking([q for q in rest if q.key is None or q.key in mine])
            rest = [q for q in rest if q.key is not None and q.key not in mine]
            if rest and time.monotonic() >= deadline:
                for question in rest:
                    run.deliver(question, OUT_OF_TIME)
                return
            if rest and not told:
                told = True
                run.others(rest)
            if rest:
                await asyncio.sleep(POLL)


def _first(errors: BaseExceptionGroup) -> BaseException:
    """The first error a user can act on, else the first of all."""
    found = list(_leaves(errors))
    return next((error for error in found if isinstance(error, EvalkitError)), found[0])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
