"""One run of batches: hand in, look, collect, until every question has an answer or a reason."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from evalkit.errors import Interrupted, ModelError
from evalkit.models import Batched, BatchStatus, quote
from evalkit.runner.batch.fetching import fetch_results
from evalkit.runner.batch.ledger import Batch, Ledger
from evalkit.runner.batch.means import BatchMeans, BatchPace
from evalkit.runner.batch.model import BatchModel
from evalkit.runner.batch.pending import Pending
from evalkit.runner.batch.submit import finish_planned, plan
from evalkit.runner.cache import Cache
from evalkit.runner.deadline import deadline_in, seconds_until
from evalkit.runner.job import AskStats, Job
from evalkit.runner.observer import Say, silent
from evalkit.schema import Failure

GROWTH = 1.5
"""A batch that is not finished is looked at again after so many times the last pause."""

STEP = 0.01
"""Share of the prompts at the server that must have been done since a person was last told."""

LATE = Failure("deadline", "its batch is not finished yet; the same command will collect it")
"""Why a question has no answer when the run's time is up."""

NEVER_RUN = {
    "expired": Failure("timeout", "its batch expired before its turn came", retryable=True),
    "cancelled": Failure("cancelled", "its batch was cancelled at the server"),
}
"""How a batch ended -> why a request of it has no result."""

NO_RESULT = Failure("malformed", "its batch came back without a result for it", retryable=True)
"""Why a request of a batch that was completed has no result."""


async def ask_by_batch(
    jobs: Sequence[Job],
    providers: Mapping[str, Batched],
    *,
    cache: Path,
    max_seconds: float | None = None,
    pace: BatchPace | None = None,
    say: Say = silent,
    own: set[str] | None = None,
) -> tuple[dict[str, Failure], dict[str, AskStats]]:
    """Have everything that can be asked by file answered that way, into the cache.

    Batches of earlier runs that hold the same questions are waited for and not handed in again, and
    whatever else they bring is kept. Requests for the log-probability of a text are left alone: no
    Batch API promises to take them.

    Args:
        jobs: what to ask; those of other models are left alone.
        providers: model -> opened provider; the caller closes them.
        cache: folder of the completion cache.
        max_seconds: how long to wait; what is not answered by then goes on at the server.
        pace: how batches are cut and waited for; None for the default.
        say: told how it goes.
        own: cache keys of the answers that this run has sent for; those of this call are added.

    Returns:
        Cache key -> why a question has no answer, for those that have none; and per model how the
        asking went.

    Raises:
        ModelError: a server without batches, or one that refuses a whole batch.
        CacheError: the cache cannot be used.
        Interrupted: Ctrl-C; the batches go on at the server.
    """
    mine = [job for job in jobs if job.model in providers and job.request.scored is None]
    pace = pace or BatchPace()
    with Cache(cache) as store, Ledger(cache) as ledger:
        means = BatchMeans(ledger, pace, deadline_in(max_seconds), say)
        pending = Pending(mine, providers, store, pace)
        try:
            await _BatchRun(pending, store, means).run()
        except (asyncio.CancelledError, KeyboardInterrupt):
            left = len(ledger.open_batches(pending.models))
            raise Interrupted(
                f"interrupted; {left} of our batches go on at the server, and the same command "
                "collects what they bring"
            ) from None
    if own is not None:
        own |= pending.answered
    return pending.settled, pending.tally.stats({name: p.notes for name, p in providers.items()})


class _BatchRun:
    """One call of `ask_by_batch`."""

    def __init__(self, pending: Pending, store: Cache, means: BatchMeans) -> None:
        self._pending = pending
        self._models = pending.models
        self._store = store
        self._means = means
        self._ledger, self._pace, self._say = means.ledger, means.pace, means.say
        self._told = (0, 0)
        self._quiet: dict[str, float] = {}  # endpoint -> until when it wants no question
        self._stuck: dict[str, tuple[str, ModelError]] = {}  # tag -> model key, what is wrong

    async def run(self) -> None:
        """Go on until nothing is pending, or the time is up.

        Raises:
            ModelError: a batch that cannot be gone on with; all others are collected before.
        """
        pause = self._pace.first
        while self._pending.left:
            await self._hand_in()
            if await self._look():
                pause = self._pace.first
                continue
            rest = seconds_until(self._means.deadline)
            if self._stuck and (rest == 0 or not self._going()):
                raise next(error for _, error in self._stuck.values())
            if rest == 0:
                self._pending.settle_rest(LATE)
                return
            await asyncio.sleep(pause if rest is None else min(pause, rest))
            pause = min(pause * GROWTH, self._pace.longest)

    async def _hand_in(self) -> None:
        """Hand in what is in no batch: in turns, so that no two runs hand in the same."""
        idle = all(
            model.pending.keys() <= self._ledger.waiting(key) for key, model in self._models.items()
        )
        planned = any(b.batch_id is None for b in self._ledger.open_batches(self._models))
        if idle and not planned:
            return
        async with self._ledger.turn():
            self._ledger.sweep()
            await finish_planned(self._models, self._means)
            # The ledger first: what has left it is in the cache by then.
            waiting = {key: self._ledger.waiting(key) for key in self._models}
            self._pending.recall()
            stuck = {key for key, _ in self._stuck.values()}
            for key, model in self._models.items():
                if key in stuck:
                    continue
                rest = [question for question in model.pending if question not in waiting[key]]
                if rest and not (model.crowded and waiting[key]):
                    self._pending.tally.sent(model.name, plan(rest, model, self._means))
            await finish_planned(self._models, self._means)

    async def _look(self) -> bool:
        """Ask after every batch; collect those that have ended. Whether there were any."""
        done = total = 0
        ended = False
        for batch in self._ledger.open_batches(self._models):
            if batch.batch_id is None or batch.tag in self._stuck:
                continue
            model = self._models[batch.model]
            if time.monotonic() < self._quiet.get(model.provider.endpoint, 0.0):
                continue
            try:
                status = await self._ask_after(batch, batch.batch_id, model)
            except ModelError as error:
                self._stuck[batch.tag] = (batch.model, error)
                if self._going():
                    self._say(f"{error}. Going on with the other batches")
                continue
            if status is not None:
                done, total = done + status.done, total + batch.lines
                ended = ended or status.ended
        if total and (total != self._told[1] or done - self._told[0] >= STEP * total):
            self._told = (done, total)
            self._say(f"{done:,} of {total:,} prompts are done at the server")
        return ended

    def _going(self) -> bool:
        """Whether anything is to be had yet, of batches and models that are not stuck."""
        stuck = {key for key, _ in self._stuck.values()}
        return any(
            batch.tag not in self._stuck for batch in self._ledger.open_batches(self._models)
        ) or any(model.pending for key, model in self._models.items() if key not in stuck)

    async def _ask_after(
        self, batch: Batch, batch_id: str, model: BatchModel
    ) -> BatchStatus | None:
        """How far a batch is, collected if it has ended; None if that is not to be had now.

        Raises:
            ModelError: it cannot be gone on with.
        """
        status = await model.server.status(batch_id)
        if isinstance(status, Failure):
            await self._out_of_touch(batch, batch_id, model, status)
            return None
        model.touched, model.unheard = time.monotonic(), 0
        if status.status == "failed":
            self._turned_away(batch, model, status)
        elif status.ended:
            await self._collect(batch, model, status)
        return status

    async def _out_of_touch(
        self, batch: Batch, batch_id: str, model: BatchModel, failure: Failure
    ) -> None:
        """A batch that cannot be asked after is asked after again, unless it is gone for good."""
        if failure.retry_after is not None:
            rest = time.monotonic() + failure.retry_after
            self._quiet[model.provider.endpoint] = rest
        if failure.kind == "absent" and model.absent[batch.tag] < self._pace.retry.attempts:
            model.absent[batch.tag] += 1  # perhaps only for a moment
            return
        if failure.kind == "absent":
            found = await self._means.patiently(partial(model.server.find, batch.tag))
            if found is None:
                self._say(f"{model.name}: the server has lost the batch {quote(batch_id)}")
                self._ledger.drop(batch)
                return
        model.unheard += 1
        retry = self._pace.retry
        if model.unheard == retry.attempts:
            self._say(f"{model.name}: {quote(batch_id)} cannot be asked after: {failure.message}")
        silent = model.unheard >= retry.attempts and (
            time.monotonic() - model.touched > retry.patience
        )
        if failure.fatal or not failure.retryable or silent:
            raise model.error(
                f"its batch {quote(batch_id)} cannot be asked after: {failure.message}; "
                "the same command goes on with it"
            )

    def _turned_away(self, batch: Batch, model: BatchModel, status: BatchStatus) -> None:
        """The server has run nothing of a batch.

        If only its queue is full, go on in small parts; if it does not find the file, hand it in
        again.

        Raises:
            ModelError: anything else is wrong with the whole batch.
        """
        requests = self._ledger.lines(batch.tag)
        self._ledger.drop(batch)
        why = (
            f"the server refused the batch {quote(status.id)}: {status.why or 'it gives no reason'}"
        )
        if status.file_unknown:
            model.rounds.update(requests.keys())
            if max(model.rounds[key] for key in requests) < self._pace.rounds:
                self._say(f"{model.name}: {why}; handing it in again")
                return
        if not status.queue_full:
            raise model.error(why)
        model.crowded = True
        model.most_lines = max(1, min(model.most_lines, batch.lines // 2))
        if batch.lines == 1:
            for key in requests.keys() & model.pending.keys():
                self._pending.fail(key, model, Failure("rate_limit", why, retryable=True))
        self._say(f"{model.name}: {why}; going on with {model.most_lines:,} prompts at a time")

    async def _collect(self, batch: Batch, model: BatchModel, status: BatchStatus) -> None:
        """Put every answer of a batch into the cache, then forget the batch.

        Raises:
            ModelError: its results cannot be had now; it is not forgotten.
        """
        requests = self._ledger.lines(batch.tag)
        joined = await fetch_results(status, requests, model, self._means)
        notes = model.provider.notes[model.noted :]
        await self._store.put(joined.answers, [(model.key, note) for note in notes])
        model.noted += len(notes)
        model.answered += len(joined.answers)
        self._ledger.drop(batch)
        summary = joined.summary(len(requests))
        self._say(f"{model.name}: batch {quote(status.id)} {status.status}: {summary}")
        missing = NEVER_RUN.get(status.status, NO_RESULT)
        for key in requests:
            if key in model.pending:
                self._pending.deliver(key, model, joined.outcomes.get(key, missing))
