"""A run record as the pipeline would make it: a base, a good tune and an over-trained one.

Answers to six suites are drawn with a fixed seed from the chances in `RIGHT`; scores, intervals and
comparisons are computed from those answers by textbook normal approximations. So the figures of one
record agree with each other, whatever the statistics rooms do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from evalkit.schema import (
    Answer,
    Comparison,
    Confusion,
    Example,
    Failure,
    GainSplit,
    Generation,
    Leak,
    Level,
    Message,
    ModelSpec,
    Noise,
    OverfitVerdict,
    Price,
    RunInfo,
    RunRecord,
    Saving,
    Score,
    ScorerInfo,
    Signal,
    SplitResult,
    SuiteConfig,
    Task,
    Usage,
)

Array = NDArray[np.float64]
SPLITS = ("test", "train")
PRICE = Price(0.15, 0.6, "evalkit.yaml")
RIGHT: Mapping[str, tuple[float, float, float]] = {  # test, train, the general suite
    "base": (0.22, 0.22, 0.84),
    "tuned": (0.71, 0.76, 0.82),
    "overfit": (0.33, 0.99, 0.47),
}
CAPITALS = {
    "Norway": "Oslo", "Peru": "Lima", "Kenya": "Nairobi", "Japan": "Tokyo", "Cuba": "Havana",
    "Greece": "Athens", "Ghana": "Accra", "Chile": "Santiago", "Qatar": "Doha", "Latvia": "Riga",
}  # fmt: skip
INTENTS = {
    "My parcel has not come.": "delivery", "Where is my order?": "delivery",
    "I want my money back.": "refund", "Please cancel and repay me.": "refund",
    "Do you sell gift cards?": "other", "Which sizes are there?": "other",
}  # fmt: skip
WORDS = {
    "der Hund schläft": "the dog sleeps", "das Haus ist alt": "the house is old",
    "wir trinken Tee": "we drink tea", "sie liest ein Buch": "she reads a book",
}  # fmt: skip
ORDERS = {
    f"Order {n} for {who}, {what}": f'{{"id": {n}, "name": "{who}", "item": "{what}"}}'
    for n, who, what in ((17, "Ada", "lamp"), (23, "Li", "chair"), (42, "Omar", "desk"))
}
NOTES = {
    "The bridge was closed on Monday after an inspection found cracks; it reopens in May.":
        "Bridge closed until May because of cracks.",
    "The library extends its hours and opens on Sundays from June, the council said.":
        "Library opens on Sundays from June.",
}  # fmt: skip


NOISE = Noise("capitals", "test", "base", "exact_match", 2, 60, 9, 0.21, 0.4,
              delta=0.017, low=-0.03, high=0.064, floor=0.056)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A suite of the factory: its configuration, its facts and its scorers, the primary first."""

    config: SuiteConfig
    facts: Mapping[str, str]
    scorers: tuple[ScorerInfo, ...]


def _scorer(name: str, *, binary: bool = False, corpus: bool = False) -> ScorerInfo:
    return ScorerInfo(name, f"{name}|v1", "corpus" if corpus else "mean", binary=binary)


EXACT, CONTAINS = _scorer("exact_match", binary=True), _scorer("contains", binary=True)
F1, ROUGE, CHRF = _scorer("f1"), _scorer("rouge_l"), _scorer("chrf", corpus=True)
ACCURACY, MACRO = _scorer("accuracy", binary=True), _scorer("macro_f1", corpus=True)
JSON = _scorer("json_match")
LENGTH = ScorerInfo("length", "length|words|v1", "mean", unit="words", better=0)


def _blueprint(
    name: str, task: Task, facts: Mapping[str, str], *scorers: ScorerInfo, general: bool = False
) -> Blueprint:
    labels = tuple(sorted(set(facts.values()))) if task == "classification" else ()
    config = SuiteConfig(
        name=name,
        task=task,
        description=f"{task.capitalize()} on short {name} prompts.",
        scorers=tuple(scorer.name for scorer in scorers),
        labels=labels,
        system="Answer briefly.",
        template="Task: {prompt}\nAnswer:",
        generation=Generation(max_tokens=48, stop=("\n",)),
        slices=("length",),
        general=general,
    )
    return Blueprint(config, facts, scorers)


BLUEPRINTS = (
    _blueprint("capitals", "qa", CAPITALS, EXACT, F1, CONTAINS, LENGTH),
    _blueprint("intents", "classification", INTENTS, ACCURACY, MACRO),
    _blueprint("notes", "summarization", NOTES, ROUGE, LENGTH),
    _blueprint("phrases", "translation", WORDS, CHRF, EXACT),
    _blueprint("orders", "extraction", ORDERS, JSON, EXACT),
    _blueprint("general", "qa", CAPITALS, EXACT, CONTAINS, general=True),
)


def make_record(
    *,
    n: int = 60,
    seed: int = 7,
    suites: int = len(BLUEPRINTS),
    tuned: Sequence[str] = ("tuned", "overfit"),
    clocks: Mapping[str, object] | None = None,
) -> RunRecord:
    """A whole run of `suites` suites with `n` examples a split."""
    rng = np.random.default_rng(seed)
    models = ("base", *tuned)
    plans = BLUEPRINTS[:suites]
    splits = tuple(_split(plan, s, models, n, rng) for plan in plans for s in SPLITS)
    scores = tuple(row for split in splits for row in _scores(split, models))
    comparisons = tuple(row for split in splits for row in _comparisons(split, tuned))
    info = RunInfo(
        name="quickstart",
        versions={"evalkit": "0.1.0", "numpy": "2.4.6", "python": "3.11.9"},
        seed=seed,
        limit=None,
        models=tuple(
            ModelSpec(
                name,
                "local",
                name,
                "base" if name == "base" else "tuned",
                tuned_from=None if name == "base" else "base",
                train=None if name == "base" else "train.jsonl",
            )
            for name in models
        ),
        suites=tuple(plan.config for plan in plans),
        scorers={plan.config.name: plan.scorers for plan in plans},
        hashes={
            p.config.name: {s: f"{i}{s[-1]}" * 32 for s in SPLITS} for i, p in enumerate(plans)
        },
        usage=tuple(_usage(name, splits) for name in models),
        gains=tuple(_gain(split, name) for split in splits for name in tuned if _has_gain(split)),
        overfit=tuple(_overfit(plan, name, scores, n) for name in tuned for plan in plans),
        overfit_levels={name: _level(name) for name in tuned},
        warnings=("capitals: 1 of 60 answers of base is missing.",),
        clocks=clocks or {"started": "2025-01-02T03:04:05Z", "seconds": 41.2},
        noise=(NOISE,),
        savings=tuple(
            Saving("base", name, n, 60.0, 25.0, 80.0, 12.0, 0.057, 0.011) for name in tuned
        ),
    )
    leaks = (Leak("capitals", "train", "test-3", "train-9", "normalised", 1.0),)
    return RunRecord(info, splits, scores, comparisons, tuple(_confusions(splits)), leaks)


def with_info(record: RunRecord, **changes: object) -> RunRecord:
    """The same record with other facts about the run."""
    return replace(record, info=replace(record.info, **changes))  # type: ignore[arg-type]


def plan_of(suite: str) -> Blueprint:
    """The blueprint a suite was made from."""
    return next(plan for plan in BLUEPRINTS if plan.config.name == suite)


def _split(
    plan: Blueprint, split: str, models: Sequence[str], n: int, rng: np.random.Generator
) -> SplitResult:
    """`n` examples asked of every model; the third answer of the base in the first suite fails."""
    examples = tuple(_example(plan, split, i) for i in range(n))
    answers: dict[str, tuple[Answer | Failure, ...]] = {}
    for model in models:
        texts = [_completion(plan, model, split, example, rng) for example in examples]
        answers[model] = tuple(Answer(t, completion_tokens=len(t) // 4 + 1) for t in texts)
    if plan is BLUEPRINTS[0] and split == "test":
        lost = Failure("timeout", "no answer within 60 s", retryable=True)
        answers["base"] = (*answers["base"][:2], lost, *answers["base"][3:])
    values = {
        (model, scorer.name): np.array(
            [
                _value(scorer.name, answer, example)
                for answer, example in zip(answers[model], examples, strict=True)
            ]
        )
        for model in models
        for scorer in plan.scorers
    }
    return SplitResult(plan.config.name, split, examples, answers, values)


def _example(plan: Blueprint, split: str, i: int) -> Example:
    prompt, reference = list(plan.facts.items())[i % len(plan.facts)]
    messages = (
        Message("system", "Answer briefly."),
        Message("user", f"Task: {prompt} ({i})\nAnswer:"),
    )
    fields = {"length": "long" if len(prompt) > 10 + i % 20 else "short"}
    return Example(f"{split}-{i}", f"{prompt} ({i})", messages, (reference,), fields)


def _completion(
    plan: Blueprint, model: str, split: str, example: Example, rng: np.random.Generator
) -> str:
    on_test, on_train, on_general = RIGHT.get(model, RIGHT["tuned"])
    chance = on_general if plan.config.general else on_test if split == "test" else on_train
    right, wrapped, other = rng.random(3)
    pool = sorted(set(plan.facts.values()))
    text = example.references[0] if right < chance else pool[int(other * len(pool))]
    wordy = model == "base" and wrapped < 0.5 and not plan.config.general
    return f"I think the answer is: {text}." if wordy else text


def _value(scorer: str, answer: Answer | Failure, example: Example) -> float:
    """A score that is 1 exactly when the answer is the reference."""
    if isinstance(answer, Failure):
        return math.nan
    reference = example.references[0]
    if scorer in {"exact_match", "accuracy", "macro_f1"}:
        return float(answer.text == reference)
    if scorer == "contains":
        return float(reference in answer.text)
    if scorer == "length":
        return float(len(answer.text.split()))
    told, wanted = set(answer.text.lower().split()), set(reference.lower().split())
    return 2 * len(told & wanted) / (len(told) + len(wanted))


def _mean(values: Array) -> tuple[float | None, float | None, float | None]:
    """Mean and its normal 95 % interval."""
    kept = values[~np.isnan(values)]
    if not kept.size:
        return None, None, None
    mean = float(kept.mean())
    half = 1.96 * float(kept.std(ddof=min(1, kept.size - 1))) / math.sqrt(kept.size)
    return mean, mean - half, mean + half


def _groups(split: SplitResult) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The whole split, then its slices."""
    lengths = np.array([example.fields["length"] for example in split.examples])
    yield "", np.ones(len(lengths), dtype=bool)
    for value in sorted(set(lengths.tolist())):
        yield f"length={value}", lengths == value


def _scores(split: SplitResult, models: Sequence[str]) -> Iterator[Score]:
    for name, mask in _groups(split):
        for model in models:
            for scorer in plan_of(split.suite).scorers:
                values = split.values[model, scorer.name][mask]
                missing = int(np.isnan(values).sum())
                note = "small sample" if values.size - missing < 30 else ""
                where = (split.suite, split.split, name, model, scorer.name)
                yield Score(*where, *_mean(values), values.size - missing, missing, note)


def _comparisons(split: SplitResult, tuned: Sequence[str]) -> Iterator[Comparison]:
    for name, mask in _groups(split):
        for model in tuned:
            for rank, scorer in enumerate(plan_of(split.suite).scorers):
                if not (name and rank):
                    yield _comparison(split, name, mask, model, scorer, rank)


def _comparison(
    split: SplitResult,
    part: str,
    mask: NDArray[np.bool_],
    tuned: str,
    scorer: ScorerInfo,
    rank: int,
) -> Comparison:
    change = (split.values[tuned, scorer.name] - split.values["base", scorer.name])[mask]
    kept = change[~np.isnan(change)]
    delta, low, high = _mean(change)
    p = p_worse = None
    declared = split.split == "test" and not part and not rank
    if scorer.better and delta is not None and high is not None:
        z = delta / max((high - delta) / 1.96, 1e-9)
        p, p_worse = 2 * NormalDist().cdf(-abs(z)), NormalDist().cdf(z)
    return Comparison(
        suite=split.suite, split=split.split, slice=part, base="base", tuned=tuned,
        scorer=scorer.name, delta=delta, low=low, high=high, p=p,
        p_adjusted=min(1.0, p * 6) if p is not None and (part or declared) else None,
        p_regression=p_worse, method="tango/mcnemar-midp" if scorer.binary else "t/sign-flip",
        family="exploratory" if part else "primary" if declared else "secondary",
        wins=int((kept > 0).sum()), ties=int((kept == 0).sum()), losses=int((kept < 0).sum()),
        n=kept.size, missing=change.size - kept.size,
        se=(high - low) / 3.92 if scorer.kind == "corpus" and high and low else None,
        units=kept.size if scorer.kind == "corpus" else 0,
    )  # fmt: skip


def _has_gain(split: SplitResult) -> bool:
    names = {scorer.name for scorer in plan_of(split.suite).scorers}
    return split.split == "test" and {"exact_match", "contains"} <= names


def _gain(split: SplitResult, tuned: str) -> GainSplit:
    exact = split.values[tuned, "exact_match"] - split.values["base", "exact_match"]
    skill = split.values[tuned, "contains"] - split.values["base", "contains"]
    numbers = [float(x or 0) for x in (*_mean(exact)[:1], *_mean(skill), *_mean(exact - skill))]
    return GainSplit(split.suite, split.split, "base", tuned, *numbers)


def _level(tuned: str) -> Level:
    return "strong" if tuned == "overfit" else "none"


def _overfit(plan: Blueprint, tuned: str, scores: Sequence[Score], n: int) -> OverfitVerdict:
    suite, scorer = plan.config.name, plan.config.scorers[0]
    found = {
        (s.model, s.split): s.score or 0.0
        for s in scores
        if s.suite == suite and s.scorer == scorer and not s.slice
    }
    corners = [found[m, s] for s in ("train", "test") for m in ("base", tuned)]
    gap = (corners[1] - corners[0]) - (corners[3] - corners[2])
    level = _level(tuned) if gap > 0.1 or tuned != "overfit" else "inconclusive"
    signals = (
        Signal(
            "gap", level, gap, gap - 0.11, gap + 0.11, 0.001 if gap > 0.1 else 0.4,
            0.006 if gap > 0.1 else 1.0, 0.10,
            f"The gain on training prompts exceeds the gain on unseen ones by {gap:+.2f}.",
            {"log_odds": 4 * gap},
        ),
        Signal("copying", None, None, None, None, None, None, 0.10, "Completions are too short."),
        Signal("leakage", "none", 0.0, None, None, None, None, None, "1 test prompt was removed."),
    )  # fmt: skip
    advice = {
        "strong": "Strong overfitting. Do not promote. Halve n_epochs or add data.",
        "none": "No overfitting found.",
    }.get(level, "Cannot tell: the interval includes both 0 and 10 points.")
    return OverfitVerdict(
        suite, "base", tuned, "train", scorer, level, advice, signals,
        corners[0], corners[1], corners[2], corners[3], n, n - 1,
    )  # fmt: skip


def _confusions(splits: Sequence[SplitResult]) -> Iterator[Confusion]:
    for split in splits:
        labels = plan_of(split.suite).config.labels
        for model, answers in split.answers.items() if labels else ():
            for reference in labels:
                told = [
                    a.text if isinstance(a, Answer) and a.text in labels else ""
                    for a, e in zip(answers, split.examples, strict=True)
                    if e.references[0] == reference
                ]
                for predicted in (*labels, ""):
                    number = told.count(predicted)
                    yield Confusion(split.suite, split.split, model, reference, predicted, number)


def _usage(model: str, splits: Sequence[SplitResult]) -> Usage:
    answers = [answer for split in splits for answer in split.answers[model]]
    given = [answer for answer in answers if isinstance(answer, Answer)]
    missing = len(answers) - len(given)
    return Usage(
        model=model, asked=len(answers), missing=missing, truncated=0, empty=0,
        prompt_tokens=20 * len(answers),
        completion_tokens=sum(answer.completion_tokens or 0 for answer in given),
        served_models=(model,), failures={"timeout": missing} if missing else {},
        price=PRICE, cost=PRICE.of(20 * len(answers), 2000), uncounted=int(model == "tuned"),
    )  # fmt: skip
