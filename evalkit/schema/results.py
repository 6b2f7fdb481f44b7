"""What a run found out; each table's rows are the rows of the CSV file of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from evalkit.schema.asking import Answer, Failure, Judgement, Likelihood, ModelSpec
from evalkit.schema.probe import Probe
from evalkit.schema.spend import Price, Saving
from evalkit.schema.suite import Example, SuiteConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Level = Literal["strong", "mild", "none", "inconclusive"]
Family = Literal["primary", "secondary", "exploratory"]
Decided = Literal["PASS", "FAIL", "INCONCLUSIVE"]
Severity = Literal["refuse", "flag"]
FlipKind = Literal["fixed", "broke"]


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
class Difference:
    """One thing, by name, that makes two sides of a comparison less comparable.

    Sides are the arms of one run, or an earlier and a later run.

    Attributes:
        what: `system prompt`, `max_tokens`, `served model`, `test data`, ...
        where: name of the suite or of the tuned model it is about; empty if about all.
        base: what the base, or the earlier run, has; equal to `tuned` if having the same is what
            is wrong.
        tuned: what the tuned model, or the later run, has.
        severity: `refuse` if a comparison would mean nothing, `flag` if it is to be read with care.
    """

    what: str
    where: str
    base: str
    tuned: str
    severity: Severity


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


@dataclass(frozen=True, slots=True)
class Leak:
    """One row of leakage.csv: a test prompt that occurs in training.

    Attributes:
        train_split: name of the training split.
        kind: `exact`, `normalised`, `13-gram`, `shingles` or `reworded`.
        similarity: in [0, 1]; 1 for equal texts, else the share of shingles, or for `reworded` of
            words weighted by their rarity, that both rows have.
    """

    suite: str
    train_split: str
    test_id: str
    train_id: str
    kind: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Loss:
    """One row of losses.csv: what the training job of a model reported at one step.

    Losses of a job are never compared with numbers of evalkit: what is averaged differs.

    Attributes:
        step: step or epoch of the job, from 0 on.
        train: loss on training rows, None where the job reported none.
        valid: loss on validation rows (of OpenAI: on one batch of them).
        full_valid: loss on all validation rows, where the job tells it apart.
    """

    model: str
    step: int
    train: float | None
    valid: float | None
    full_valid: float | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One row of checkpoints.csv: what a checkpoint scores on validation rows of one suite.

    Attributes:
        job: name of the training job.
        step: step at which it was saved.
        scorer: the suite's primary scorer.
        score: None where nothing could be scored.
        low: lower bound of the 95 % interval, which knows nothing of the choice.
        high: upper bound.
        n: validation examples scored.
        missing: validation examples without an answer.
        chosen: whether this one went on to the test rows.
    """

    job: str
    model: str
    step: int
    suite: str
    scorer: str
    score: float | None
    low: float | None
    high: float | None
    n: int
    missing: int
    chosen: bool


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
    """The gate's word on one tuned model on one suite, by one scorer.

    Attributes:
        base: what it is compared with: its base, or `RUN/MODEL` of an earlier run.
        slice: `field=value`, or empty for the whole test split.
        delta: tuned - base; None if nothing could be compared.
        low: lower bound of the 95 % interval.
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
    """The gate's word on one tuned model against one base or earlier run, over all suites.

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


@dataclass(frozen=True, slots=True)
class Flip:
    """An example that one side of a comparison gets right and the other does not.

    Attributes:
        model: the tuned model, or the model of the later run.
        kind: `fixed` if only the tuned model, or the later run, is right, else `broke`.
        before: primary score of the base, or of the earlier run.
        after: primary score of the tuned model, or of the later run.
        prompt: the row's own prompt.
    """

    suite: str
    model: str
    id: str
    kind: FlipKind
    before: float
    after: float
    prompt: str


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs side by side.

    Attributes:
        earlier: name of the earlier run's folder.
        later: name of the later run's folder.
        differences: what changed in the set-up; what is refused is left out of the rest.
        comparisons: later minus earlier on the test prompts of both; `base` is `RUN/MODEL`.
        scores: of either side on these prompts.
        flips: by the primary scorer of each suite.
    """

    earlier: str
    later: str
    differences: tuple[Difference, ...]
    comparisons: tuple[Comparison, ...]
    scores: tuple[Score, ...]
    flips: tuple[Flip, ...]


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
