"""What is known of a call of `ask` while it goes on: from the cache, from others, from the wire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from evalkit.models import Provider
from evalkit.runner.cache import FILE, Cache, cache_key, model_key
from evalkit.runner.job import Job
from evalkit.runner.observer import Tally
from evalkit.runner.questions import ModelState, Question
from evalkit.schema import Answer, Failure


class Gathering:
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

    def meanwhile(self, questions: Sequence[Question], store: Cache) -> list[Question]:
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

    def others(self, questions: Sequence[Question], processes: Sequence[int]) -> None:
        """Tell that other runs are asking these."""
        self._tally.others(sum(len(question.jobs) for question in questions), processes)

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


def recalled(
    jobs: Sequence[Job], providers: Mapping[str, Provider], cache: Path
) -> list[Answer | None]:
    """What the cache holds of the answers to jobs; None where it holds none. Asks nothing.

    Raises:
        CacheError: the cache cannot be used.
    """
    if not (cache / FILE).is_file():
        return [None for _ in jobs]
    keys = [key_of(job, providers[job.model]) for job in jobs]
    with Cache(cache) as store:
        found = store.get([key for key in keys if key])
    return [found.get(key or "") for key in keys]


def key_of(job: Job, provider: Provider) -> str | None:
    """Under which key the answer is kept; None if it is not worth keeping."""
    return cache_key(provider, job.request, job.repeat) if provider.cacheable else None
