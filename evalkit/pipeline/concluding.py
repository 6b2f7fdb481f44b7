"""From scores to conclusions: comparisons, verdicts, the record of a run.

Pure; also what re-scoring runs.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

from evalkit.pipeline.chance import chance_of
from evalkit.pipeline.judged import judging_of
from evalkit.pipeline.judging import judges_of
from evalkit.pipeline.scoring import Scored, confusions_of, score_all, scorer_names
from evalkit.pipeline.spend import priced, savings_of
from evalkit.pipeline.warnings import (
    failure_warnings,
    judging_warnings,
    look_warnings,
    noise_warnings,
    repeat_warnings,
    unit_warnings,
    usage_of,
    warnings_of,
)
from evalkit.schema import (
    PERTURBED,
    Checkpoint,
    Comparison,
    Difference,
    GainSplit,
    Leak,
    Looks,
    Loss,
    ModelSpec,
    Noise,
    OverfitVerdict,
    Price,
    Probe,
    RunInfo,
    RunRecord,
    Score,
    SplitResult,
    SuiteConfig,
    Usage,
)
from evalkit.scorers import info
from evalkit.verdict import (
    Evidence,
    adjust,
    arm_differences,
    compare_rows,
    gain_splits,
    gather,
    judge_differences,
    noise_rows,
    overfit,
    overfit_levels,
    score_rows,
    slice_warnings,
    without_alike,
)

MEASURING = (
    "numpy", "scipy", "rouge-score", "sacrebleu", "scikit-learn", "nltk", "rapidfuzz", "regex",
    "jsonschema",
)  # fmt: skip
"""Libraries whose version can change a number."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a conclusion needs besides the answers.

    Attributes:
        name: the run's name.
        models: the arms, bases first.
        suites: how each was asked and is scored.
        hashes: suite -> split -> hash of the data.
        training: (suite, tuned model) -> training split it is checked against.
        leaks: test rows that occur in training.
        seed: of every resample.
        limit: examples per split at most.
        scorers: instead of the suites' own; `default` stands for those.
        notes: model -> what must be known about how it was asked.
        prices: model -> price, where it is known.
        probes: what was found out about the models before they were asked.
        completions: (suite, training split) -> all its completions; empty when scoring again.
        earlier: verdicts of an earlier scoring of the same answers.
        clocks: what differs between equal runs.
        repeats: how often every test prompt was asked of every arm.
        allow_identical: whether arms may be one and the same model.
        looks: how often the run looked before it stopped; None if all was asked at once.
        perturb: test prompts of a suite that were drawn to be reworded, at most.
        losses: what the training jobs of the tuned models reported.
        checkpoints: among which checkpoints tuned models were chosen.
    """

    name: str
    models: tuple[ModelSpec, ...]
    suites: tuple[SuiteConfig, ...]
    hashes: Mapping[str, Mapping[str, str]]
    training: Mapping[tuple[str, str], str]
    leaks: tuple[Leak, ...]
    seed: int
    limit: int | None
    scorers: tuple[str, ...]
    notes: Mapping[str, tuple[str, ...]]
    clocks: Mapping[str, Any]
    probes: tuple[Probe, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    completions: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    earlier: tuple[OverfitVerdict, ...] = ()
    repeats: int = 1
    allow_identical: bool = False
    looks: Looks | None = None
    perturb: int = 0
    losses: tuple[Loss, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()


def conclude(setup: Setup, results: Sequence[SplitResult]) -> RunRecord:
    """Score every answer and say what follows.

    Raises:
        ScorerError: a scorer that is unknown, doesn't fit its suite or fails on every row.
    """
    configs = (replace(c, scorers=scorer_names(setup.scorers, c.scorers)) for c in setup.suites)
    setup = replace(setup, suites=tuple(configs))
    scored = score_all(setup.suites, results)
    comparisons = adjust([row for s in scored for row in _comparisons(setup, s)])
    return RunRecord(
        info=_info(setup, results, scored, comparisons),
        splits=tuple(s.result for s in scored),
        scores=tuple(row for s in scored for row in _scores(setup, s)),
        comparisons=comparisons,
        confusions=tuple(
            row for s in scored for row in confusions_of(_config(setup, s.result), s.result)
        ),
        leaks=setup.leaks,
        losses=_of_the_arms(setup.losses, setup.models),
        checkpoints=setup.checkpoints,
    )


def _info(
    setup: Setup,
    results: Sequence[SplitResult],
    scored: Sequence[Scored],
    comparisons: Sequence[Comparison],
) -> RunInfo:
    """How the run was made, and what follows for each model."""
    judges = judges_of(scorer for s in scored for scorer in s.scorers)
    usage = tuple(usage_of(model, results, setup.suites) for model in setup.models)
    judging = judging_of(judges, setup.suites, scored)
    differences = _differences(setup, results, judges, usage, judging)
    verdicts = _overfit(setup, scored, differences)
    told = RunInfo(
        name=setup.name,
        versions=versions(),
        seed=setup.seed,
        limit=setup.limit,
        models=setup.models,
        suites=setup.suites,
        scorers={s.result.suite: tuple(info(x) for x in s.scorers) for s in scored},
        hashes=setup.hashes,
        usage=_priced(usage, setup),
        probes=setup.probes,
        judges=judges,
        judging=_priced(judging, setup),
        savings=savings_of(setup.models, results, setup.prices),
        gains=_gains(setup, scored),
        overfit=verdicts,
        overfit_levels=overfit_levels(verdicts),
        warnings=(),
        clocks=setup.clocks,
        repeats=setup.repeats,
        noise=_noise(setup, scored),
        notes=setup.notes,
        differences=differences,
        allow_identical=setup.allow_identical,
        perturb=setup.perturb,
        looks=setup.looks,
    )
    return replace(told, warnings=_warnings(setup, results, scored, comparisons, told))


def _warnings(
    setup: Setup,
    results: Sequence[SplitResult],
    scored: Sequence[Scored],
    comparisons: Sequence[Comparison],
    told: RunInfo,
) -> tuple[str, ...]:
    """What a reader must know before the numbers."""
    return (
        *warnings_of(told.usage, results, setup.leaks),
        *unit_warnings(results),
        *judging_warnings(told.judging),
        *(warning for s in scored for warning in failure_warnings(s.result, s.failures)),
        *look_warnings(setup.looks, results),
        *repeat_warnings(setup.models, setup.suites, setup.repeats),
        *noise_warnings(comparisons, told.noise),
        *_slice_warnings(setup, scored),
        *(f"{model}: {note}" for model, notes in setup.notes.items() for note in notes),
    )


def _differences(
    setup: Setup,
    results: Sequence[SplitResult],
    judges: Sequence[ModelSpec],
    usage: Sequence[Usage],
    judging: Sequence[Usage],
) -> tuple[Difference, ...]:
    """What makes arms less comparable, and what there is to know of who judged them."""
    between = arm_differences(
        setup.models,
        results,
        usages=usage,
        notes=setup.notes,
        allow_identical=setup.allow_identical,
    )
    return (*between, *judge_differences(setup.models, judges, (*usage, *judging)))


def _overfit(
    setup: Setup, scored: Sequence[Scored], differences: Sequence[Difference]
) -> tuple[OverfitVerdict, ...]:
    evidence = [piece for config in setup.suites for piece in _evidence(setup, config, scored)]
    return without_alike(overfit(evidence), setup.models, differences)


def _noise(setup: Setup, scored: Sequence[Scored]) -> tuple[Noise, ...]:
    """How much models differ from themselves."""
    return tuple(
        row for s in scored for row in noise_rows(s.result, s.layers, s.scorers[0], seed=setup.seed)
    )


def _gains(setup: Setup, scored: Sequence[Scored]) -> tuple[GainSplit, ...]:
    return tuple(
        gain
        for s in scored
        if s.result.split != PERTURBED
        for gain in gain_splits(s.result, models=setup.models)
    )


def _priced(usage: Sequence[Usage], setup: Setup) -> tuple[Usage, ...]:
    return tuple(priced(used, setup.prices.get(used.model)) for used in usage)


def _of_the_arms(losses: Sequence[Loss], models: Sequence[ModelSpec]) -> tuple[Loss, ...]:
    """The losses of those that were compared: of a training job that of the chosen checkpoint."""
    names = {model.name for model in models}
    return tuple(loss for loss in losses if loss.model in names)


def _evidence(setup: Setup, config: SuiteConfig, scored: Sequence[Scored]) -> list[Evidence]:
    mine = [s for s in scored if s.result.suite == config.name]
    return gather(
        config,
        {s.result.split: s.result for s in mine},
        mine[0].scorers,
        models=setup.models,
        training={m: s for (suite, m), s in setup.training.items() if suite == config.name},
        leaks=setup.leaks,
        seed=setup.seed,
        completions={s: t for (suite, s), t in setup.completions.items() if suite == config.name},
        earlier=setup.earlier,
        # Of a run that stopped early nobody knows how many of the prompts it asked were drawn.
        perturb=setup.perturb if setup.looks is None else 0,
        losses=setup.losses,
        chance=chance_of(config, mine),
    )


def _scores(setup: Setup, scored: Scored) -> list[Score]:
    return score_rows(
        scored.result,
        scored.stats,
        scored.scorers,
        slices=_slices(setup, scored.result),
        seed=setup.seed,
        looks=setup.looks,
    )


def _comparisons(setup: Setup, scored: Scored) -> list[Comparison]:
    return compare_rows(
        scored.result,
        scored.stats,
        scored.scorers,
        models=setup.models,
        slices=_slices(setup, scored.result),
        seed=setup.seed,
        looks=setup.looks,
    )


def _config(setup: Setup, result: SplitResult) -> SuiteConfig:
    return next(config for config in setup.suites if config.name == result.suite)


def _slices(setup: Setup, result: SplitResult) -> tuple[str, ...]:
    """The slices of a test split; training samples are too small a matter to be cut up."""
    return _config(setup, result).slices if result.split == "test" else ()


def _slice_warnings(setup: Setup, scored: Sequence[Scored]) -> list[str]:
    return [
        warning
        for s in scored
        for warning in slice_warnings(s.result.suite, s.result.examples, _slices(setup, s.result))
    ]


def versions() -> dict[str, str]:
    """Versions of evalkit, Python and every library that can change a number."""
    return {
        "evalkit": version("evalkit"),
        "python": platform.python_version(),
        **{name: version(name) for name in MEASURING},
    }
