"""The runner's one function: jobs in, outcomes out, in the same order."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from evalkit.errors import EvalkitError, Interrupted
from evalkit.models import Provider
from evalkit.runner.cache import Cache
from evalkit.runner.claims import Claims
from evalkit.runner.deadline import deadline_in
from evalkit.runner.endpoint import OUT_OF_TIME, EndpointRun
from evalkit.runner.gathering import Gathering, key_of
from evalkit.runner.job import AskStats, Job
from evalkit.runner.observer import Observer, Tally
from evalkit.runner.purse import Purse
from evalkit.runner.questions import Question
from evalkit.runner.retry import Retry
from evalkit.schema import Answer, Failure

CONCURRENCY = 32
"""Calls in flight for one endpoint at most, where nobody says otherwise."""

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
    keys = [key_of(job, providers[job.model]) for job in jobs]
    cacheable = cache is not None and any(key is not None for key in keys)
    with _open(cache if cacheable else None) as store:
        found = Gathering(jobs, providers, store, tally, set() if own is None else own)
        questions = found.recall(keys, settled or {})
        deadline = deadline_in(max_seconds)
        endpoint_run = partial(
            EndpointRun,
            providers=providers,
            states=found.states,
            deliver=found.deliver,
            cache=store,
            tally=tally,
            retry=retry or Retry(),
            timeout=timeout,
            purse=purse,
            deadline=deadline,
        )
        asking = partial(_ask_endpoints, endpoint_run, providers, concurrency=max(1, concurrency))
        interrupted = False
        try:
            with _lasting():
                if store is None or not questions:
                    await asking(questions)
                else:
                    await _ask_beside_others(questions, asking, found, store, deadline)
        except (asyncio.CancelledError, KeyboardInterrupt):
            interrupted = True
        finally:
            tally.finished()
    # The cache is closed: whatever had come in is on disk by now.
    if interrupted:
        raise Interrupted(found.kept())
    outcomes = [outcome for outcome in found.outcomes if outcome is not None]
    return outcomes, tally.stats(found.notes())


class Ask(Protocol):
    """`ask` with the options of a run, all of whose calls share one cache, time and money."""

    async def __call__(
        self,
        jobs: Sequence[Job],
        providers: Mapping[str, Provider],
        observer: Observer | None = None,
    ) -> tuple[list[Answer | Failure], dict[str, AskStats]]:
        """Ask; answers go into the cache of the run, so that the run need not ask again."""


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
    endpoint_run: Callable[[], EndpointRun],
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
                group.create_task(endpoint_run().run(asked, concurrency))
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors


async def _ask_beside_others(
    questions: Sequence[Question],
    asking: Callable[[Sequence[Question]], Awaitable[None]],
    found: Gathering,
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
            rest = found.meanwhile(rest, store)
            await asking([q for q in rest if q.key is None or q.key in mine])
            rest = [q for q in rest if q.key is not None and q.key not in mine]
            if rest and time.monotonic() >= deadline:
                for question in rest:
                    found.deliver(question, OUT_OF_TIME)
                return
            if rest and not told:
                told = True
                found.others(rest, claims.others())
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
