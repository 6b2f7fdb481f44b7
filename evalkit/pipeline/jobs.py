"""From suites to questions: which examples are asked of which arm, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from evalkit.pipeline.likelihoods import likelihood_jobs
from evalkit.pipeline.loading import VALIDATION, Loaded, reworded_for
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.questions import question
from evalkit.pipeline.repeats import reseeded, times_asked
from evalkit.runner import Job, Pair
from evalkit.schema import PERTURBED, ModelSpec, Request


def models_asked(plan: Plan, loaded: Loaded, suite: str, split: str) -> list[ModelSpec]:
    """The arms that answer a split, and their bases.

    All on test, on training rows those who saw them, on rewordings those who can be judged by them.
    """
    if loaded.choosing:
        return list(plan.models) if split == VALIDATION else []
    if split == "test":
        return list(plan.models)
    if split == PERTURBED:
        saw = reworded_for(plan, loaded.training, suite)
    else:
        saw = [m for m in plan.models if loaded.training.get((suite, m.name)) == split]
    bases = {m.tuned_from for m in saw}
    return [m for m in plan.models if m in saw or m.name in bases]


def make_jobs(plan: Plan, loaded: Loaded) -> list[Job]:
    """Every question of a run; arms alternate on each example, so that drift hits them alike.

    Completions first, then log-probabilities.

    Raises:
        UsageError: a scorer needs log-probabilities that are not to be asked for.
    """
    return [*_completion_jobs(plan, loaded), *_likelihood_jobs(plan, loaded)]


def _likelihood_jobs(plan: Plan, loaded: Loaded) -> list[Job]:
    jobs = []
    for suite in loaded.suites:
        name = suite.config.name
        asked = {split: models_asked(plan, loaded, name, split) for split in suite.splits}
        training = {model: split for (own, model), split in loaded.training.items() if own == name}
        jobs += likelihood_jobs(plan, suite, asked, training)
    return jobs


def _completion_jobs(plan: Plan, loaded: Loaded) -> list[Job]:
    return [
        Job(
            model=model.name,
            request=question(
                suite.config.name, split, example, reseeded(suite.config.generation, repeat)
            ),
            repeat=repeat,
        )
        for suite in loaded.suites
        for split, examples in suite.splits.items()
        for models in [models_asked(plan, loaded, suite.config.name, split)]
        for times in [{model.name: times_asked(plan, model, split) for model in models}]
        for example in examples
        for repeat in range(max(times.values(), default=0))
        for model in models
        if repeat < times[model.name]
    ]


def pairs_of(models: Sequence[ModelSpec], jobs: Sequence[Job]) -> list[Pair]:
    """Every tuned model with its base, and their test prompts, the suites in turns."""
    pairs = []
    for tuned in models:
        if tuned.tuned_from is None:
            continue
        places: Counter[str] = Counter()
        found: list[tuple[int, Request]] = []
        for job in jobs:
            asked_first = job.request.scored is None and not job.repeat
            if job.model == tuned.name and job.request.split == "test" and asked_first:
                found.append((places[job.request.suite], job.request))
                places[job.request.suite] += 1
        found.sort(key=lambda place: place[0])
        pairs.append(Pair(tuned.tuned_from, tuned.name, tuple(request for _, request in found)))
    return pairs
