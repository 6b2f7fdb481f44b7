"""What was judged: overfitting, and whether a change may ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evalkit.schema.comparing import Difference

Level = Literal["strong", "mild", "none", "inconclusive"]
Decided = Literal["PASS", "FAIL", "INCONCLUSIVE"]


@dataclass(frozen=True, slots=True)
class Signal:
    """One row of overfit.csv: one piece of evidence for overfitting.

    Attributes:
        name: `gap`, `copying`, `leakage`, ...
        level: what this signal says by itself; None if it could not be had (see `detail`).
        value: its estimate, in score points of [0, 1]; of `membership` an area under a curve.
        low: lower bound of the 90 % interval.
        high: upper bound.
        p: one-sided p-value of "no overfitting".
        p_adjusted: the same, Holm-adjusted over the signals of one tuned model.
        threshold: from where on evidence is strong.
        detail: one sentence for people.
        numbers: further figures of this signal, by name.
    """

    name: str
    level: Level | None
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    threshold: float | None
    detail: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OverfitVerdict:
    """Did this model learn the task of this suite, or the training rows?

    Attributes:
        train_split: the training split that was sampled.
        scorer: the scorer it is judged by.
        level: the joined level.
        advice: what to do, for an engineer.
        signals: the evidence.
        train_base: score of the base on the training sample; likewise the other three.
        n_train: training examples answered by both.
        n_test: clean test examples answered by both.
    """

    suite: str
    base: str
    tuned: str
    train_split: str
    scorer: str
    level: Level
    advice: str
    signals: tuple[Signal, ...]
    train_base: float | None
    train_tuned: float | None
    test_base: float | None
    test_tuned: float | None
    n_train: int
    n_test: int


@dataclass(frozen=True, slots=True)
class GateResult:
    """The gate's verdict on one tuned model on one suite, by one scorer.

    Attributes:
        base: what it is compared with: its base, or `RUN/MODEL` of an earlier run.
        slice: `field=value`, or empty for the whole test split.
        delta: tuned - base; None if nothing could be compared.
        low: lower bound of the interval at 1 - 2 alpha (90 %), the picture of both one-sided tests.
        high: upper bound.
        n: pairs compared.
        missing: pairs without an answer on either side.
        margin: the largest acceptable loss.
        p_regression: one-sided p-value of "not worse", Holm-adjusted over the results of this tuned
            model and mode; None if the suite could not be judged.
        p_noninferior: one-sided p-value of "worse by the margin or more"; None likewise.
        needed: about how many pairs would settle an INCONCLUSIVE result; None otherwise, or where
            no number would.
        overfit: the level of overfitting that fails it; None if none does.
        reason: one sentence with the figures.
    """

    suite: str
    base: str
    tuned: str
    scorer: str
    slice: str
    verdict: Decided
    delta: float | None
    low: float | None
    high: float | None
    n: int
    missing: int
    margin: float
    p_regression: float | None
    p_noninferior: float | None
    needed: int | None
    overfit: Level | None
    reason: str


@dataclass(frozen=True, slots=True)
class GateDecision:
    """The gate's verdict on one tuned model against one base or earlier run, over all suites.

    Attributes:
        base: what it is compared with, as in `GateResult`.
        mode: the rule that decided.
        reason: one sentence.
    """

    base: str
    tuned: str
    mode: str
    verdict: Decided
    reason: str


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Ship?

    Attributes:
        verdict: of all tuned models and references together.
        mode: the rule that decided.
        reason: one sentence.
        results: suite by suite.
        decisions: one for each tuned model and each thing it is compared with.
        exit_code: 0 for PASS, 1 for FAIL, what the rules say for INCONCLUSIVE.
        differences: what the two sides of a comparison do not have in common.
    """

    verdict: Decided
    mode: str
    reason: str
    results: tuple[GateResult, ...]
    decisions: tuple[GateDecision, ...]
    exit_code: int
    differences: tuple[Difference, ...] = ()
