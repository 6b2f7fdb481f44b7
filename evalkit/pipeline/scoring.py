"""From answers to conclusions: scores, comparisons, verdicts. Pure; also what re-scoring runs."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from evalkit.pipeline.warnings import usage_of, warnings_of
from evalkit.schema import (
    Comparison,
    Confusion,
    Failure,
    GainSplit,
    Leak,
    ModelSpec,
    RunInfo,
    RunRecord,
    Score,
    SplitResult,
    SuiteConfig,
)
from evalkit.scorers import (
    Scorer,
    count_confusions,
    extract,
    info,
    make_scorers,
    score_predictions,
)
from evalkit.verdict import (
    Evidence,
    adjust,
    compare_rows,
    gain_splits,
    gather,
    overfit,
    overfit_levels,
    score_rows,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEASURING = ("numpy", "scipy", "rouge-score", "sacrebleu", "scikit-learn", "nltk")
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
        clocks: what differs between equal runs.
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
    clocks: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One split with its scores and the statistics they are made of."""

    result: SplitResult
    scorers: tuple[Scorer, ...]
    stats: Mapping[tuple[str, str], NDArray[np.float64]]


def conclude(setup: Setup, results: Sequence[SplitResult]) -> RunRecord:
    """Score every answer and say what follows.

    Raises:
        ScorerError: a scorer that is unknown, doesn't fit its suite or fails on a row.
    """
    suites = tuple(replace(c, scorers=scorer_names(setup.scorers, c.scorers)) for c in setup.suites)
    scored = score_all(suites, results)
    scores: list[Score] = []
    comparisons: list[Comparison] = []
    gains: list[GainSplit] = []
    confusions: list[Confusion] = []
    evidence: list[Evidence] = []
    for config in suites:
        found = [s for s in scored if s.result.suite == config.name]
        for split in found:
            slices = config.slices if split.result.split == "test" else ()
            table = (split.result, split.stats, split.scorers)
            scores += score_rows(*table, slices=slices, seed=setup.seed)
            comparisons += compare_rows(*table, models=setup.models, slices=slices, seed=setup.seed)
            gains += gain_splits(split.result, models=setup.models)
            if config.task == "classification":
                confusions += _confusions(config, split.result)
        evidence += gather(
            config,
            {s.result.split: s.result for s in found},
            found[0].scorers,
            models=setup.models,
            training={
                m: split for (suite, m), split in setup.training.items() if suite == config.name
            },
            leaks=setup.leaks,
            seed=setup.seed,
        )
    verdicts = overfit(evidence)
    usage = tuple(usage_of(model, results) for model in setup.models)
    record_info = RunInfo(
        name=setup.name,
        versions=versions(),
        seed=setup.seed,
        limit=setup.limit,
        models=setup.models,
        suites=suites,
        scorers={s.result.suite: tuple(info(x) for x in s.scorers) for s in scored},
        hashes=setup.hashes,
        usage=usage,
        gains=tuple(gains),
        overfit=verdicts,
        overfit_levels=overfit_levels(verdicts),
        warnings=warnings_of(setup.models, usage, results, setup.leaks),
        clocks=setup.clocks,
    )
    return RunRecord(
        info=record_info,
        splits=tuple(s.result for s in scored),
        scores=tuple(scores),
        comparisons=adjust(comparisons),
        confusions=tuple(confusions),
        leaks=setup.leaks,
    )


def scorer_names(chosen: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """The scorers that are meant: those chosen, `default` replaced by the suite's own."""
    names = [n for name in chosen for n in (own if name == "default" else (name,))]
    return tuple(dict.fromkeys(names)) or tuple(own)


def score_all(suites: Sequence[SuiteConfig], results: Sequence[SplitResult]) -> tuple[Scored, ...]:
    """Score every split of every suite."""
    scored = []
    for config in suites:
        splits = [result for result in results if result.suite == config.name]
        test = next(result for result in splits if result.split == "test")
        references = [example.references for example in test.examples]
        scorers = make_scorers(config.scorers, config, references)
        scored += [_score_split(config, split, scorers) for split in splits]
    return tuple(scored)


def _score_split(config: SuiteConfig, split: SplitResult, scorers: Sequence[Scorer]) -> Scored:
    references = [example.references for example in split.examples]
    stats: dict[tuple[str, str], NDArray[np.float64]] = {}
    values: dict[tuple[str, str], NDArray[np.float64]] = {}
    for model in split.answers:
        texts = predictions(config, split, model)
        for scorer in scorers:
            rows = score_predictions(scorer, texts, references)
            stats[model, scorer.name] = rows
            values[model, scorer.name] = scorer.values(rows)
    return Scored(replace(split, values=values), tuple(scorers), stats)


def predictions(config: SuiteConfig, split: SplitResult, model: str) -> list[str | None]:
    """What is scored of each answer of a model; None where there is no answer."""
    return [
        None if isinstance(answer, Failure) else extract(answer.text, config.extract)
        for answer in split.answers[model]
    ]


def _confusions(config: SuiteConfig, split: SplitResult) -> list[Confusion]:
    references = [example.references for example in split.examples]
    return [
        Confusion(config.name, split.split, model, reference, predicted, count)
        for model in split.answers
        for (reference, predicted), count in count_confusions(
            predictions(config, split, model), references, config.labels
        ).items()
    ]


def versions() -> dict[str, str]:
    """Versions of evalkit, Python and every library that can change a number."""
    return {
        "evalkit": version("evalkit"),
        "python": platform.python_version(),
        **{name: version(name) for name in MEASURING},
    }
