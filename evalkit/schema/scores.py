"""What was measured: answers and their values, scores, and what tuned models score beside bases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from evalkit.schema.asking import Answer, Failure, Judgement, Likelihood
from evalkit.schema.suite import Example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Family = Literal["primary", "secondary", "exploratory"]


@dataclass(frozen=True, slots=True)
class ScorerInfo:
    """What exactly was computed under a scorer's name.

    Attributes:
        name: column name in every file.
        signature: name, options and version of the computation.
        kind: `mean` of per-example values, or `corpus` score of summed statistics.
        unit: `score` in [0, 1], or the unit of a description (`words`).
        better: 1 if more is better, -1 if less is, 0 for a description.
        binary: whether every per-example value is 0 or 1.
    """

    name: str
    signature: str
    kind: Literal["mean", "corpus"]
    unit: str = "score"
    better: int = 1
    binary: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SplitResult:
    """Everything asked, answered and scored in one split of one suite.

    Attributes:
        suite: the suite's name.
        split: the split's name.
        examples: n examples.
        answers: model -> n answers or failures, in the order of the examples; only the models that
            were asked on this split. Of several answers to one prompt the first that came.
        values: (model, scorer) -> n per-example scores, NaN where the answer is missing; of several
            answers to one prompt their mean.
        repeats: model -> n times all K outcomes, as asked; only models asked K > 1 times.
        again: base -> n times K outcomes of asking it all a second time (the noise floor); they
            are no part of any score.
        likelihoods: model -> n times how probable it finds those texts that were asked about;
            only models that were asked for log-probabilities on this split, and could tell.
        scored: model -> n parts of `answers` that were scored; empty text where the answer is
            unparsable, None where it is missing. No model where all of a completion is scored.
        judgements: of each example what judges were asked about its completions, whoever gave
            them; empty if there is no judge.
        remarks: (model, scorer) -> n texts, what the judge said about that answer of `answers`;
            empty where it said nothing. Only scorers that ask a judge.
    """

    suite: str
    split: str
    examples: tuple[Example, ...]
    answers: Mapping[str, tuple[Answer | Failure, ...]]
    values: Mapping[tuple[str, str], NDArray[np.float64]]
    repeats: Mapping[str, tuple[tuple[Answer | Failure, ...], ...]] = field(default_factory=dict)
    again: Mapping[str, tuple[tuple[Answer | Failure, ...], ...]] = field(default_factory=dict)
    likelihoods: Mapping[str, tuple[tuple[Likelihood, ...], ...]] = field(default_factory=dict)
    scored: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    judgements: tuple[tuple[Judgement, ...], ...] = ()
    remarks: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def asked(self, model: str) -> tuple[tuple[Answer | Failure, ...], ...]:
        """All K outcomes of a model on each example; of one asked once its only one."""
        return self.repeats.get(model) or tuple((outcome,) for outcome in self.answers[model])


@dataclass(frozen=True, slots=True)
class Score:
    """One row of summary.csv: a score with its 95 % interval.

    Attributes:
        slice: `field=value`, or empty for the whole split.
        score: in [0, 1], or in the scorer's unit; None where nothing could be scored.
        low: lower bound.
        high: upper bound.
        n: examples scored.
        missing: examples without an answer, or on which the scorer failed.
        note: `small sample`, `unreliable` and the like; empty if there is nothing to say.
    """

    suite: str
    split: str
    slice: str
    model: str
    scorer: str
    score: float | None
    low: float | None
    high: float | None
    n: int
    missing: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of comparison.csv: tuned minus base on the pairs that both answered.

    Attributes:
        slice: `field=value`, or empty for the whole split.
        delta: tuned - base; in score points of [0, 1], or in the scorer's unit.
        low: lower bound of the 95 % interval.
        high: upper bound.
        p: two-sided p-value of "no difference"; None for descriptions.
        p_adjusted: the same, adjusted within its family.
        p_regression: one-sided p-value of "not worse"; small means worse.
        method: interval / test, e.g. `tango/mcnemar-midp`.
        family: what it was adjusted with: declared primary scorers (Holm), other scorers
            (unadjusted, for reading), or slices (Benjamini-Hochberg).
        wins: pairs where tuned scores higher.
        ties: pairs with equal scores.
        losses: pairs where base scores higher.
        n: pairs compared.
        missing: pairs dropped because an answer, or its score, is missing on either side.
        note: as in `Score`.
        se: standard error of delta where it is no mean of pairs (a score of summed statistics);
            None for means, whose pairs are in examples.csv.
        units: independent units behind `se`; 0 without it.
    """

    suite: str
    split: str
    slice: str
    base: str
    tuned: str
    scorer: str
    delta: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    p_regression: float | None
    method: str
    family: Family
    wins: int
    ties: int
    losses: int
    n: int
    missing: int
    note: str = ""
    se: float | None = None
    units: int = 0


@dataclass(frozen=True, slots=True)
class Noise:
    """One row of noise.csv: how much a model differs from itself, asked the same again.

    Attributes:
        scorer: the suite's primary scorer.
        times: answers to each prompt.
        n: prompts all of whose answers came.
        differing: of these, prompts whose answers are not all the same text.
        within: standard deviation of the score between answers to one prompt.
        between: standard deviation of the score between prompts, freed of the noise.
        delta: second asking minus first; None if the model was not asked a second time.
        low: lower bound of its 95 % interval.
        high: upper bound.
        floor: 95 % of such deltas lie within +- floor of 0; None without a second asking.
    """

    suite: str
    split: str
    model: str
    scorer: str
    times: int
    n: int
    differing: int
    within: float | None
    between: float | None
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    floor: float | None = None


@dataclass(frozen=True, slots=True)
class GainSplit:
    """How much of a gain in exact match is skill and how much is form.

    A completion that contains the reference shows the skill; one that equals it also has the form.
    exact = contains - (contains but not exact), so the gain splits without remainder.

    Attributes:
        total: tuned - base in exact match.
        skill: tuned - base in containment, with its 95 % interval.
        form: total - skill: answers that were right before but wrapped in other words.
    """

    suite: str
    split: str
    base: str
    tuned: str
    total: float
    skill: float
    skill_low: float
    skill_high: float
    form: float
    form_low: float
    form_high: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """One row of confusion.csv: how often a class was answered with another.

    Attributes:
        reference: the true class.
        predicted: the class that was answered, empty if it was none of the labels.
        count: answers.
    """

    suite: str
    split: str
    model: str
    reference: str
    predicted: str
    count: int
