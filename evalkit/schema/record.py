"""What is stored of a run; each table's rows are the rows of the CSV file of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.schema.asking import ModelSpec
from evalkit.schema.comparing import Difference
from evalkit.schema.probe import Probe
from evalkit.schema.scores import (
    Comparison,
    Confusion,
    GainSplit,
    Noise,
    Score,
    ScorerInfo,
    SplitResult,
)
from evalkit.schema.spend import Price, Saving
from evalkit.schema.suite import SuiteConfig
from evalkit.schema.training import Checkpoint, Leak, Loss
from evalkit.schema.verdicts import Level, OverfitVerdict


@dataclass(frozen=True, slots=True)
class Looks:
    """A run that looked at its answers before all test prompts were asked.

    Its intervals and p-values are repeated ones: they hold at whichever look it stopped.

    Attributes:
        taken: looks taken.
        declared: looks declared beforehand, at equal parts of the test prompts.
        asked: suite -> test prompts asked.
        planned: suite -> test prompts it had.
    """

    taken: int
    declared: int
    asked: Mapping[str, int]
    planned: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one model consumed and how its answers ended.

    Attributes:
        asked: requests of this run, answered from the cache or not.
        missing: requests without an answer.
        truncated: answers cut by max_tokens.
        empty: answers without text.
        prompt_tokens: sum, where the provider says; of log-probabilities too.
        completion_tokens: sum, where the provider says.
        served_models: names under which the server says it answered.
        failures: kind of failure -> count.
        uncounted: answers whose tokens the provider doesn't say.
        price: what its tokens cost; None where nobody knows.
        cost: dollars for all counted tokens, as they were asked, now or in an earlier run whose
            answers the cache held; None without a price.
        unparsable: suite -> answers in whose text its extraction finds nothing to score; only
            suites that have such answers.
        texts: texts whose log-probability it told.
        reasons: kind of failure -> what was said most often of that kind.
    """

    model: str
    asked: int
    missing: int
    truncated: int
    empty: int
    prompt_tokens: int
    completion_tokens: int
    served_models: tuple[str, ...]
    failures: Mapping[str, int]
    uncounted: int = 0
    price: Price | None = None
    cost: float | None = None
    unparsable: Mapping[str, int] = field(default_factory=dict)
    texts: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What run.json holds: how the run was made and what it concluded.

    Attributes:
        name: the run's name, also of its folder.
        versions: of evalkit, Python and the libraries that compute scores.
        seed: of every sample and resample.
        limit: examples per split at most, or None.
        models: the arms; the base first.
        suites: in the order they were given.
        scorers: suite -> scorers, the primary one first.
        hashes: suite -> split -> SHA-256 of the data.
        usage: per model.
        gains: exact match taken apart into skill and form.
        overfit: per suite and tuned model whose training data is known.
        overfit_levels: tuned model -> level over all its suites.
        warnings: what a reader must know before believing the rest.
        clocks: everything that differs between two equal runs: start, seconds, latencies.
        repeats: how often every test prompt was asked of every arm.
        noise: how much models differ from themselves, where they were asked more than once.
        perturb: test prompts of a suite that were drawn to be reworded, at most.
        probes: what was found out about the served models before they were asked.
        savings: what each tuned model's answers take, beside its base's.
        notes: model -> what must be known about how it was asked.
        differences: what makes the arms of this run less comparable.
        allow_identical: whether arms may be one and the same model.
        looks: how often it looked before it stopped; None if all was asked at once.
        judges: models that graded answers.
        judging: what each of these consumed; `unparsable` counts replies without a grade.
    """

    name: str
    versions: Mapping[str, str]
    seed: int
    limit: int | None
    models: tuple[ModelSpec, ...]
    suites: tuple[SuiteConfig, ...]
    scorers: Mapping[str, tuple[ScorerInfo, ...]]
    hashes: Mapping[str, Mapping[str, str]]
    usage: tuple[Usage, ...]
    gains: tuple[GainSplit, ...]
    overfit: tuple[OverfitVerdict, ...]
    overfit_levels: Mapping[str, Level]
    warnings: tuple[str, ...]
    clocks: Mapping[str, Any]
    repeats: int = 1
    noise: tuple[Noise, ...] = ()
    perturb: int = 0
    probes: tuple[Probe, ...] = ()
    savings: tuple[Saving, ...] = ()
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    allow_identical: bool = False
    looks: Looks | None = None
    judges: tuple[ModelSpec, ...] = ()
    judging: tuple[Usage, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RunRecord:
    """A run folder in memory: all that a report, a gate or a comparison of runs may read."""

    info: RunInfo
    splits: tuple[SplitResult, ...]
    scores: tuple[Score, ...]
    comparisons: tuple[Comparison, ...]
    confusions: tuple[Confusion, ...]
    leaks: tuple[Leak, ...]
    losses: tuple[Loss, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
