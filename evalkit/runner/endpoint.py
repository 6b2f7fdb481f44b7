"""Asking everything that one endpoint is to be asked, within its limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evalkit.errors import EvalkitError, ModelError
from evalkit.models import Allowance, Metered, Provider, quote
from evalkit.runner.cache import Cache, model_key
from evalkit.runner.deadline import seconds_until, wait_for
from evalkit.runner.limiter import LONG, Limiter
from evalkit.runner.observer import Tally
from evalkit.runner.purse import Purse
from evalkit.runner.questions import ModelState, Question, in_turns
from evalkit.runner.retry import Budget, Retry
from evalkit.schema import Answer, Failure

GIVE_UP_AFTER = 5
"""How many requests in a row may find nobody there, all attempts spent, before a model that has
answered before is left alone for the rest of the run."""

HOPELESS_AFTER = 20
"""How many requests in a row may end without an answer before a model that never gave one is an
error of the run rather than of the requests."""

NO_FAULT = frozenset({"absent", "deadline", "budget"})
"""Kinds of failures that say nothing against the model."""

OUT_OF_TIME = Failure(
    "deadline",
    "the time that the run was given (--max-seconds) is up, or the server wants rest for longer",
)
"""Why a question is left unasked when the run's time is up."""


@dataclass(slots=True)
class EndpointRun:
    """One endpoint in one run: its models in turns, all sharing one limiter.

    Attributes:
        providers: of the whole run, by model.
        states: of the whole run, by model.
        deliver: takes every final outcome of a question.
        cache: where answers go before they count; None keeps none.
        tally: counts everything.
        retry: how much patience a request gets.
        timeout: seconds that one request may take; a batch gets them for each of its requests.
        deadline: when the run's time is up, on `time.monotonic`; infinity for never.
        purse: pays for every call; None pays whatever it costs.
        limiter: lets requests in.
        heard: how many answers came.
        answer: set when one comes.
        told: how many had come when an outage was last told of.
        waited_for: until when, on `time.monotonic`, a server that answers no more is waited for;
            one that never answered is not.
    """

    providers: Mapping[str, Provider]
    states: Mapping[str, ModelState]
    deliver: Callable[[Question, Answer | Failure], None]
    cache: Cache | None
    tally: Tally
    retry: Retry
    timeout: float | None
    deadline: float
    purse: Purse | None
    limiter: Limiter = field(init=False)
    heard: int = field(default=0, init=False)
    told: int = field(default=0, init=False)
    answer: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    waited_for: float = field(default=float("-inf"), init=False)

    async def run(self, questions: Sequence[Question], concurrency: int) -> None:
        """Ask all questions; every one of them is delivered, or an error is raised.

        Raises:
            ModelError: a model that cannot be asked at all.
            CacheError: answers cannot be kept.
        """
        units = in_turns(questions, self.providers)
        waiting = iter(units)
        asked = {question.model for question in questions}
        limits = [self.providers[model].parallel for model in sorted(asked)]
        workers = min([concurrency, len(units), *(limit for limit in limits if limit is not None)])
        self.limiter = Limiter(workers, deadline=self.deadline, on_wait=self.tally.waiting)
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(waiting))

    async def _work(self, units: Iterator[Sequence[Question]]) -> None:
        for unit in units:
            await self._settle(unit)

    async def _settle(self, unit: Sequence[Question]) -> None:
        """Ask one unit, as often as it takes, until all its questions have a final outcome."""
        state = self.states[unit[0].model]
        budget = Budget(self.retry)
        pending, heard = unit, 0
        while pending:
            outcomes = await self._ask_once(pending, state)
            pairs = list(zip(pending, outcomes, strict=True))
            await self._keep([(q, o) for q, o in pairs if isinstance(o, Answer)], state)
            failed = [(q, o) for q, o in pairs if isinstance(o, Failure)]
            silent, heard = self.heard == heard, self.heard
            pending = await self._after(failed, budget, state, silent=silent)

    async def _ask_once(
        self, questions: Sequence[Question], state: ModelState
    ) -> Sequence[Answer | Failure]:
        """Ask when it is their turn; what cannot be asked any more fails without being sent."""
        model = questions[0].model
        turn = await self.limiter.enter([question.request for question in questions])
        if turn is None:
            return [OUT_OF_TIME for _ in questions]
        self.tally.paced(model, turn.paced)
        outcomes: Sequence[Answer | Failure] = ()
        try:
            if state.stopped is None:
                outcomes = await self._paid(questions)
            else:
                outcomes = [state.stopped for _ in questions]
        finally:
            self.limiter.leave(turn, outcomes, self._allowances(model))
        return outcomes

    async def _after(
        self,
        failed: Sequence[tuple[Question, Failure]],
        budget: Budget,
        state: ModelState,
        *,
        silent: bool,
    ) -> list[Question]:
        """Settle what failed for good; wait, and return what is to be asked again.

        Args:
            failed: questions of one unit.
            budget: what the unit has used up.
            state: of its model.
            silent: whether nobody has been answered since the unit failed before.
        """
        again = [(q, failure) for q, failure in failed if failure.retryable and not failure.fatal]
        longest = max(
            (f for _, f in again), key=lambda failure: failure.retry_after or 0.0, default=None
        )
        delay = None if longest is None else self._delay(longest, budget, silent=silent)
        for question, failure in failed:
            if delay is None or failure.fatal or not failure.retryable:
                self._give_up(question, failure, state)
        if delay is None:
            return []
        for question, failure in again:
            self.tally.retrying(question.model, failure, delay)
        if all(failure.retry_after is None for _, failure in again):
            if silent and all(failure.away for _, failure in again):
                await wait_for(self.answer, delay)  # a server that is back need not be waited for
            else:
                await asyncio.sleep(delay)
        return [question for question, _ in again]

    def _delay(self, failure: Failure, budget: Budget, *, silent: bool) -> float | None:
        """Seconds to wait before asking again; None if that is not to be.

        A time that the server names holds for everything that is asked here, whatever becomes of
        this.
        """
        outage = silent and failure.away and time.monotonic() < self.waited_for
        if outage:
            self._tell(failure)
        delay = budget.next_delay(failure, outage=outage)
        if failure.retry_after is not None:
            self.limiter.pause(delay or failure.retry_after)
        late = delay is not None and time.monotonic() + delay > self.deadline
        return None if late else delay

    def _tell(self, failure: Failure) -> None:
        """Say once of a long outage that it is one."""
        rest = self.waited_for - time.monotonic()
        if self.retry.outage - rest >= LONG and self.told != self.heard:
            self.told = self.heard
            self.tally.outage(failure, rest)

    def _allowances(self, model: str) -> tuple[Allowance, ...]:
        """What the server just said about its limits, if it is one that says so."""
        provider = self.providers[model]
        return provider.take_allowances() if isinstance(provider, Metered) else ()

    async def _paid(self, questions: Sequence[Question]) -> Sequence[Answer | Failure]:
        """One call, if there is the money for it."""
        if self.purse is None:
            return await self._call(questions)
        requests = [question.request for question in questions]
        return await self.purse.pay(questions[0].model, requests, lambda: self._call(questions))

    async def _call(self, questions: Sequence[Question]) -> list[Answer | Failure]:
        """One call of the provider; a time-out is an outcome, a broken provider is an error."""
        model = questions[0].model
        provider = self.providers[model]
        limit = None if self.timeout is None else self.timeout * len(questions)
        spans = [s for s in (limit, seconds_until(self.deadline)) if s is not None]
        self.tally.sent(model, len(questions))
        clock = asyncio.get_running_loop().time
        start = clock()
        try:
            async with asyncio.timeout(min(spans, default=None)):
                outcomes = await provider.complete([question.request for question in questions])
        except TimeoutError:
            if time.monotonic() >= self.deadline:
                return [OUT_OF_TIME for _ in questions]
            late = "no answer in time" if limit is None else f"no answer within {limit:g} s"
            return [Failure("timeout", late, retryable=True) for _ in questions]
        except EvalkitError:
            raise
        except Exception as error:
            raise ModelError(
                f"model {model!r}: its provider broke: {type(error).__name__}: {quote(str(error))}"
            ) from error
        if len(outcomes) != len(questions):
            raise ModelError(
                f"model {model!r}: its provider returned {len(outcomes)} outcomes for "
                f"{len(questions)} requests; expected one each"
            )
        seconds = clock() - start
        return [_timed(outcome, seconds) for outcome in outcomes]

    async def _keep(self, answers: Sequence[tuple[Question, Answer]], state: ModelState) -> None:
        """Put answers on disk, together with what must be known about them; then they count."""
        if not answers:
            return
        provider = self.providers[answers[0][0].model]
        if self.cache is not None and provider.cacheable:
            notes = provider.notes[state.noted :]
            await self.cache.put(
                [(question.key, answer) for question, answer in answers if question.key],
                [(model_key(provider), note) for note in notes],
            )
            state.noted += len(notes)
        self.heard += len(answers)
        self.answer.set()
        self.waited_for = time.monotonic() + self.retry.outage
        state.answered += len(answers)
        state.lost = 0
        for question, answer in answers:
            self.deliver(question, answer)

    def _give_up(self, question: Question, failure: Failure, state: ModelState) -> None:
        """A question stays without an answer; perhaps its model must be left alone.

        Raises:
            ModelError: the model has never answered and, as it looks, never will.
        """
        self.deliver(question, failure)
        if failure.kind in NO_FAULT:
            return
        state.lost += 1
        unreachable = failure.kind == "connection"
        if state.answered:
            gone = failure.away and state.lost >= GIVE_UP_AFTER
            if (failure.fatal or gone) and state.stopped is None:
                said = f"not asked any more after this: {failure.message}"
                state.stopped = replace(failure, message=said, retryable=False)
        elif failure.fatal or unreachable or state.lost >= HOPELESS_AFTER:
            endpoint = self.providers[question.model].endpoint
            asked_in_vain = unreachable and not failure.fatal
            hint = "; is the server running there?" if asked_in_vain else ""
            raise ModelError(f"model {question.model!r} at {endpoint}: {failure.message}{hint}")


def _timed(outcome: Answer | Failure, seconds: float) -> Answer | Failure:
    """An answer with the time it took, unless its provider knows better."""
    if isinstance(outcome, Failure) or outcome.seconds is not None:
        return outcome
    return replace(outcome, seconds=round(seconds, 6))
