"""From questions to answers: every arm is asked, and what came back is sorted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from evalkit.models import Provider
from evalkit.pipeline.jobs import make_jobs, models_asked, pairs_of
from evalkit.pipeline.judging import open_judges
from evalkit.pipeline.likelihoods import drop_silent, likelihood_notes, with_likelihoods
from evalkit.pipeline.loading import Loaded
from evalkit.pipeline.means import Means
from evalkit.pipeline.opening import batched, open_providers, require_batched, run_async
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.probing import probe_models, with_remarks
from evalkit.pipeline.repeats import split_result
from evalkit.runner import (
    AskStats,
    BatchPace,
    Job,
    Observer,
    ask,
    ask_by_batch,
    require_none_handed_in,
    require_two_models,
    together,
)
from evalkit.schema import Answer, Failure, Probe, SplitResult

Replies = tuple[tuple[SplitResult, ...], Mapping[str, AskStats], tuple[Probe, ...]]
"""The outcomes split by split, how the asking of each model went, and what was found out."""


def ask_models(plan: Plan, loaded: Loaded, means: Means) -> Replies:
    """Look at the models, ask everything, and sort the outcomes by suite, split and model.

    Args:
        plan: how to ask.
        loaded: what to ask.
        means: what the asking may use.

    Raises:
        ModelError: an arm that cannot be asked at all.
        Interrupted: Ctrl-C.
    """

    async def asked() -> Replies:
        async with open_models(plan, means) as models:
            return await models.ask(loaded)

    return run_async(asked())


@asynccontextmanager
async def open_models(plan: Plan, means: Means) -> AsyncIterator[Opened]:
    """The arms of a plan, opened once for as many questions as are put to them.

    Raises:
        ModelError: an arm that cannot be asked at all.
    """
    async with open_providers(plan.models) as providers:
        yield Opened(plan, providers, means)


@dataclass(frozen=True, slots=True)
class Opened:
    """Models that can be asked; see `open_models`.

    Attributes:
        plan: how to ask.
        providers: model -> its provider.
        means: what the asking may use.
        own: cache keys of the answers that were sent for while they are open.
    """

    plan: Plan
    providers: Mapping[str, Provider]
    means: Means
    own: set[str] = field(default_factory=set)

    async def ask(self, loaded: Loaded) -> Replies:
        """Ask everything, and sort the outcomes by suite, split and model; then ask the judges.

        Raises:
            ModelError: an arm, or a judge, that cannot be asked at all.
            UsageError: what a batch at the server may have answered would be asked live.
        """
        jobs = make_jobs(self.plan, loaded)
        if not self.plan.batch:  # before the first of them is looked at
            require_none_handed_in(jobs, self.providers, self.plan.cache)
        async with open_judges(self.plan, loaded.suites, only_primary=loaded.choosing) as judges:
            await judges.probe(jobs, self.providers, self.means)
            outcomes, stats, probes = await _ask(self, jobs)
            results = with_likelihoods(_sorted(self.plan, loaded, outcomes), outcomes)
            told = with_remarks(stats, probes, [suite.config for suite in loaded.suites])
            results, judged = await judges.judge(results, self.put, self.means)
        return results, {**told, **judged}, probes

    async def put(
        self,
        jobs: Sequence[Job],
        providers: Mapping[str, Provider],
        observer: Observer | None = None,
    ) -> tuple[list[Answer | Failure], dict[str, AskStats]]:
        """Ask, by file first if the plan says so, and then live what is left; see `Ask`."""
        settled, went = dict[str, Failure](), dict[str, AskStats]()
        if not self.plan.batch:
            require_none_handed_in(jobs, providers, self.plan.cache)
        elif by_file := batched(providers):
            settled, went = await ask_by_batch(
                jobs,
                by_file,
                cache=self.plan.cache,
                max_seconds=self.means.seconds,
                pace=BatchPace(timeout=self.plan.timeout),
                say=self.means.say,
                own=self.own,
            )
        outcomes, stats = await self.live(jobs, providers, observer, settled)
        return outcomes, together(stats, [went])

    async def live(
        self,
        jobs: Sequence[Job],
        providers: Mapping[str, Provider],
        observer: Observer | None = None,
        settled: Mapping[str, Failure] | None = None,
    ) -> tuple[list[Answer | Failure], dict[str, AskStats]]:
        """Ask here and now, whatever the plan says of batches; see `Ask`."""
        return await ask(
            jobs,
            providers,
            cache=self.plan.cache,
            concurrency=self.plan.concurrency,
            timeout=self.plan.timeout,
            max_seconds=self.means.seconds,
            purse=self.means.purse,
            observer=observer,
            settled=settled,
            own=self.own,
        )


def _sorted(
    plan: Plan, loaded: Loaded, outcomes: Sequence[tuple[Job, Answer | Failure]]
) -> tuple[SplitResult, ...]:
    found: dict[tuple[str, str, str], list[Answer | Failure]] = {}
    for job, outcome in outcomes:
        if job.request.scored is not None:
            continue
        key = (job.request.suite, job.request.split, job.model)
        found.setdefault(key, []).append(outcome)
    return tuple(
        split_result(
            plan,
            suite.config.name,
            split,
            examples,
            {
                model.name: found[suite.config.name, split, model.name]
                for model in models_asked(plan, loaded, suite.config.name, split)
            },
        )
        for suite in loaded.suites
        for split, examples in suite.splits.items()
        if examples
    )


async def _ask(
    opened: Opened, jobs: Sequence[Job]
) -> tuple[list[tuple[Job, Answer | Failure]], Mapping[str, AskStats], tuple[Probe, ...]]:
    """Every job that can be asked with its outcome, how the asking went, and what was found."""
    plan, providers = opened.plan, opened.providers
    probes, before = await probe_models(plan, jobs, providers, opened.means)
    pairs = [] if plan.allow_identical else pairs_of(plan.models, jobs)
    went, apart = await require_two_models(pairs, providers, opened.live)
    before += went
    jobs, silent, tried = await drop_silent(jobs, providers, opened.live)
    before += tried
    if plan.batch:
        require_batched(providers)
    outcomes, stats = await opened.put(jobs, providers, opened.means.observer)
    answered = list(zip(jobs, outcomes, strict=True))
    notes = likelihood_notes(silent, answered)
    told = {
        model: _noted(one, apart.get(model), notes.get(model))
        for model, one in together(stats, before).items()
    }
    return answered, told, probes


def _noted(stats: AskStats, *notes: str | None) -> AskStats:
    return replace(stats, notes=(*stats.notes, *(note for note in notes if note is not None)))
