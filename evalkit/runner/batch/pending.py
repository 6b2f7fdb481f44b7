"""The questions of one call of `ask_by_batch`, until each has an answer or a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from evalkit.models import Batched
from evalkit.runner.batch.means import BatchPace
from evalkit.runner.batch.model import BatchModel
from evalkit.runner.cache import Cache, cache_key
from evalkit.runner.job import Job
from evalkit.runner.observer import Tally
from evalkit.schema import Answer, Failure


class Pending:
    """What is still to be answered, model by model, and what has become of the rest.

    Attributes:
        models: key of a model (see `model_key`) -> the model, with what is pending of it.
        answered: cache keys of what was answered.
        settled: cache key -> why there is no answer.
        tally: counts everything.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        providers: Mapping[str, Batched],
        store: Cache,
        pace: BatchPace,
    ) -> None:
        self.models: dict[str, BatchModel] = {}
        self.answered: set[str] = set()
        self.settled: dict[str, Failure] = {}
        self.tally = Tally(providers, None)
        self._store = store
        self._rounds = pace.rounds
        self._arms: dict[str, list[str]] = {}
        by_arm = {}
        for arm in dict.fromkeys(job.model for job in jobs):
            model = BatchModel(arm, providers[arm], pace.most_lines, pace.timeout)
            by_arm[arm] = self.models.setdefault(model.key, model)
        for job in jobs:
            key = cache_key(providers[job.model], job.request, job.repeat)
            by_arm[job.model].pending[key] = job.request
            self._arms.setdefault(key, []).append(job.model)
        self.tally.started(Counter(job.model for job in jobs), Counter(self._recalled()), {})
        for key, model in self.models.items():
            model.provider.learn(store.notes(key))

    @property
    def left(self) -> bool:
        """Whether there is something left."""
        return any(model.pending for model in self.models.values())

    def recall(self) -> None:
        """Take out what another run has brought into the cache meanwhile."""
        for arm in self._recalled():
            self.tally.recalled(arm)

    def deliver(self, key: str, model: BatchModel, outcome: Answer | Failure) -> None:
        """Take what came of a request of a batch.

        Raises:
            ModelError: a model that has never answered and never will.
        """
        if isinstance(outcome, Failure):
            self.fail(key, model, outcome)
            return
        del model.pending[key]
        self.answered.add(key)
        for place, arm in enumerate(self._arms[key]):
            self.tally.answered(arm, outcome, shared=place > 0)

    def fail(self, key: str, model: BatchModel, failure: Failure) -> None:
        """A request came back without an answer: it is handed in again, or stays without one.

        Raises:
            ModelError: a model that has never answered and never will.
        """
        if failure.fatal and not model.answered:
            raise model.error(failure.message)
        model.rounds[key] += 1
        if failure.retryable and not failure.fatal and model.rounds[key] < self._rounds:
            self.tally.retrying(model.name, failure, 0.0)
        else:
            self._settle(key, model, failure)

    def settle_rest(self, failure: Failure) -> None:
        """Leave everything that is pending without an answer, for one reason."""
        for model in self.models.values():
            for key in list(model.pending):
                self._settle(key, model, failure)

    def _settle(self, key: str, model: BatchModel, failure: Failure) -> None:
        self.settled[key] = failure
        del model.pending[key]
        for arm in self._arms[key]:
            self.tally.failed(arm, failure)

    def _recalled(self) -> list[str]:
        """Take what the cache holds out of what is pending; the arms that had it for nothing."""
        arms = []
        for model in self.models.values():
            for key in self._store.get(list(model.pending)):
                del model.pending[key]
                model.answered += 1
                arms += self._arms[key]
        return arms
