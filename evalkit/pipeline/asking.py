"""From a plan to answers: which examples are asked of which arm, and what they answered."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from evalkit.data import (
    check_train_files,
    find_leaks,
    load_suite,
    perturb,
    read_rows,
)
from evalkit.errors import UsageError
from evalkit.models import Batched, Provider, open_provider
from evalkit.pipeline.likelihoods import (
    drop_silent,
    likelihood_jobs,
    likelihood_notes,
    with_likelihoods,
)
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.probing import probe_models, with_remarks
from evalkit.pipeline.questions import drawn, question
from evalkit.pipeline.repeats import reseeded, split_result, times_asked
from evalkit.runner import (
    Ask,
    AskStats,
    Job,
    Observer,
    Pair,
    Purse,
    ask,
    ask_by_batch,
    require_two_models,
    say,
    together,
)
from evalkit.schema import (
    PERTURBED,
    Answer,
    Example,
    Failure,
    Leak,
    ModelSpec,
    Probe,
    Request,
    SplitResult,
    Suite,
)

TRAINING_SAMPLE = 500
"""Most training rows asked of a model (statistics, section 8)."""
VALIDATION_SAMPLE = 500
"""Most validation rows asked of every checkpoint of a training job."""
VALIDATION = "validation"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The suites of a run, cut to what is asked.

    Attributes:
        suites: with `test`, every training split that some arm saw, as samples, and reworded test
            prompts as the split `perturbed`.
        training: (suite, tuned model) -> training split it is checked against.
        leaks: test rows that occur in training.
        completions: (suite, training split) -> every completion of it, sampled or not.
        validation: suite -> validation rows, a sample, if there are checkpoints to be chosen among.
        choosing: whether this is about that choice: then nothing but validation rows is asked.
    """

    suites: tuple[Suite, ...]
    training: Mapping[tuple[str, str], str]
    leaks: tuple[Leak, ...]
    completions: Mapping[tuple[str, str], Sequence[str]]
    validation: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)
    choosing: bool = False


def load_suites(plan: Plan) -> Loaded:
    """Read the suites, draw the samples and look for leakage.

    The whole training data is searched for leakage; only a sample of it is asked, as many rows as
    there are test rows and at most 500.

    Raises:
        DataError: broken rows.
        ConfigError: a suite.yaml that is wrong.
        UsageError: a training file that no suite has, or two suites of one name.
    """
    extra = tuple(dict.fromkeys(m.train for m in plan.models if m.train is not None))
    check_train_files(plan.suites, extra)
    suites, leaks = list[Suite](), list[Leak]()
    training: dict[tuple[str, str], str] = {}
    completions: dict[tuple[str, str], Sequence[str]] = {}
    validation: dict[str, tuple[Example, ...]] = {}
    for path in plan.suites:
        suite = load_suite(path, train=plan.train, extra_train=extra)
        name = suite.config.name
        if any(name == other.config.name for other in suites):
            raise UsageError(f"two suites are called {name!r}; give one another `name:`")
        splits = {"test": _sample(suite.splits["test"], f"{name}/test", plan.limit, plan.seed)}
        for model in plan.models:
            split = Path(model.train).stem if model.train else "train"
            if model.role == "base" or split not in suite.splits:
                continue
            training[name, model.name] = split
            if split not in splits:
                leaks += find_leaks(
                    name,
                    split,
                    splits["test"],
                    suite.splits[split],
                    template=suite.config.template,
                )
                completions[name, split] = [t for e in suite.splits[split] for t in e.references]
                most = min(len(splits["test"]), TRAINING_SAMPLE)
                splits[split] = _sample(suite.splits[split], f"{name}/{split}", most, plan.seed)
        if plan.perturb and _reworded_for(plan, training, name):
            originals = _sample(splits["test"], f"{name}/{PERTURBED}", plan.perturb, plan.seed)
            reworded = perturb(suite.config, originals, plan.seed)
            splits |= {PERTURBED: reworded} if reworded else {}
        if VALIDATION in suite.splits and any(model.job for model in plan.models):
            most = min(plan.limit or VALIDATION_SAMPLE, VALIDATION_SAMPLE)
            validation[name] = _sample(
                suite.splits[VALIDATION], f"{name}/{VALIDATION}", most, plan.seed
            )
        suites.append(replace(suite, splits=splits))
    return Loaded(tuple(suites), training, tuple(leaks), completions, validation)


def _sample(
    examples: tuple[Example, ...], name: str, most: int | None, seed: int
) -> tuple[Example, ...]:
    """At most so many examples, in their order."""
    return tuple(examples[place] for place in drawn(len(examples), name, most, seed))


def _reworded_for(
    plan: Plan, training: Mapping[tuple[str, str], str], suite: str
) -> list[ModelSpec]:
    """The tuned models that reworded prompts say something about: those that are judged.

    Completions already made cannot be had again for other words.
    """
    fixed = {model.name for model in plan.models if model.provider == "file"}
    return [
        model
        for model in plan.models
        if (suite, model.name) in training and fixed.isdisjoint({model.name, model.tuned_from})
    ]


def models_asked(plan: Plan, loaded: Loaded, suite: str, split: str) -> list[ModelSpec]:
    """The arms that answer a split, and their bases.

    All on test, on training rows those who saw them, on rewordings those who can be judged by them.
    """
    if loaded.choosing:
        return list(plan.models) if split == VALIDATION else []
    if split == "test":
        return list(plan.models)
    if split == PERTURBED:
        saw = _reworded_for(plan, loaded.training, suite)
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


def ask_models(
    plan: Plan, loaded: Loaded, observer: Observer | None, purse: Purse | None = None
) -> tuple[tuple[SplitResult, ...], Mapping[str, AskStats], tuple[Probe, ...]]:
    """Look at the models, ask everything, and sort the outcomes by suite, split and model.

    Args:
        plan: how to ask.
        loaded: what to ask.
        observer: is told of everything that happens.
        purse: pays for every request; None pays whatever it costs.

    Raises:
        ModelError: an arm that cannot be asked at all.
        Interrupted: Ctrl-C.
    """
    outcomes, stats, probes = run_async(_ask(plan, make_jobs(plan, loaded), observer, purse))
    found: dict[tuple[str, str, str], list[Answer | Failure]] = {}
    for job, outcome in outcomes:
        if job.request.scored is not None:
            continue
        key = (job.request.suite, job.request.split, job.model)
        found.setdefault(key, []).append(outcome)
    results = tuple(
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
    told = with_remarks(stats, probes, [suite.config for suite in loaded.suites])
    return with_likelihoods(results, outcomes), told, probes


async def _ask(
    plan: Plan, jobs: Sequence[Job], observer: Observer | None, purse: Purse | None
) -> tuple[list[tuple[Job, Answer | Failure]], Mapping[str, AskStats], tuple[Probe, ...]]:
    """Every job that can be asked with its outcome, how the asking went, and what was found."""
    providers: dict[str, Provider] = {}
    try:
        for model in plan.models:
            providers[model.name] = open_provider(model, read_rows=read_rows)
        probes = await probe_models(plan, jobs, providers, purse)
        asking = asker(plan, purse)
        pairs = [] if plan.allow_identical else pairs_of(plan.models, jobs)
        before = await require_two_models(pairs, providers, asking)
        jobs, silent, tried = await drop_silent(jobs, providers, asking)
        before += tried
        settled: Mapping[str, Failure] = {}
        if plan.batch:
            settled, went = await ask_by_batch(
                jobs,
                batched(providers),
                cache=plan.cache,
                max_seconds=plan.max_seconds,
                say=None if observer is None else say,
            )
            before.append(went)
        outcomes, stats = await asking(jobs, providers, observer=observer, settled=settled)
        answered = list(zip(jobs, outcomes, strict=True))
        notes = likelihood_notes(silent, answered)
        return (
            answered,
            {
                model: _noted(
                    together(one, [went[model] for went in before if model in went]),
                    notes.get(model),
                )
                for model, one in stats.items()
            },
            probes,
        )
    finally:
        for provider in providers.values():
            await provider.close()


def batched(providers: Mapping[str, Provider]) -> dict[str, Batched]:
    """Those that can be asked by file.

    Raises:
        UsageError: there are none.
    """
    found = {name: p for name, p in providers.items() if isinstance(p, Batched)}
    if not found:
        raise UsageError(
            "none of the models can be asked by file; expected at least one of `openai:`"
        )
    return found


def _noted(stats: AskStats, note: str | None) -> AskStats:
    return stats if note is None else replace(stats, notes=(*stats.notes, note))


def asker(plan: Plan, purse: Purse | None) -> Ask:
    """`ask` with the options of a plan; all calls together share its time and its money."""
    end = None if plan.max_seconds is None else time.monotonic() + plan.max_seconds

    async def asking(
        jobs: Sequence[Job],
        providers: Mapping[str, Provider],
        observer: Observer | None = None,
        settled: Mapping[str, Failure] | None = None,
    ) -> tuple[list[Answer | Failure], dict[str, AskStats]]:
        return await ask(
            jobs,
            providers,
            cache=plan.cache,
            concurrency=plan.concurrency,
            timeout=plan.timeout,
            max_seconds=None if end is None else max(0.0, end - time.monotonic()),
            purse=purse,
            observer=observer,
            settled=settled,
        )

    return asking


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


def run_async(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end, in a notebook's running loop too."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
