"""The five answers about one tuned model: better, overfitted, forgot, comparable, ship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evalkit.schema import (
    Comparison,
    GateVerdict,
    Level,
    ModelSpec,
    OverfitVerdict,
    RunRecord,
    SuiteConfig,
)
from evalkit.stats.decisions import Pooled, pooled
from evalkit.stats.families import holm
from evalkit.stats.quantiles import z_two_sided
from evalkit.stats.samples import ALPHA, CONFIDENCE, FEWEST_UNITS
from evalkit.verdict.arms import nothing_compared
from evalkit.verdict.claims import margin_of
from evalkit.verdict.compare import TEST
from evalkit.verdict.differences import refusals, remedy, told
from evalkit.verdict.gate import gate
from evalkit.verdict.gate import worst as worst_verdict
from evalkit.verdict.leaks import leaked_share, mostly_leaked
from evalkit.verdict.overfit import SEVERITY
from evalkit.verdict.parts import count_units
from evalkit.verdict.wording import between, listed, p_value, plural, points, share

Tone = Literal["good", "bad", "unsure"]

NOTEWORTHY = 0.05
"""Share of cut-off answers from which on a comparison is to be read with care."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One question and its answer.

    Attributes:
        question: `Better?` and so on.
        answer: one or two words.
        sentence: the evidence, with numbers.
        tone: how to colour it.
    """

    question: str
    answer: str
    sentence: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Headline:
    """The five answers about one tuned model.

    Attributes:
        base: name of the model it was tuned from.
        tuned: its name.
        better: than its base, on prompts neither has seen.
        overfitted: whether it learnt the rows instead of the task.
        forgot: what got worse on general suites.
        comparable: whether the two arms can be compared at all.
        ship: the gate's verdict, and what speaks against it.
    """

    base: str
    tuned: str
    better: Finding
    overfitted: Finding
    forgot: Finding
    comparable: Finding
    ship: Finding

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The answers in the order of the questions."""
        return self.better, self.overfitted, self.forgot, self.comparable, self.ship


def headline(record: RunRecord, verdict: GateVerdict | None = None) -> tuple[Headline, ...]:
    """The five answers for every tuned model, in the order of the run.

    Args:
        record: a run, fresh or read from its folder.
        verdict: the gate's; by each suite's own rule if not given.
    """
    verdict = gate(record) if verdict is None else verdict
    found = []
    for model in record.info.models:
        if model.role != "tuned":
            continue
        comparable = _comparable(record, model)
        level = record.info.overfit_levels.get(model.name)
        found.append(
            Headline(
                base=model.tuned_from or "",
                tuned=model.name,
                better=_better(_judged(record, model.name, general=False)),
                overfitted=_overfitted(record, model.name),
                forgot=_forgot(_judged(record, model.name, general=True)),
                comparable=comparable,
                ship=_ship(model.name, verdict, level, comparable),
            )
        )
        word, sentence = nothing_compared(record.info.differences, model)
        if word:
            found[-1] = _nothing_measured(found[-1], word, sentence)
    return tuple(found)


def _nothing_measured(told_so: Headline, word: str, sentence: str) -> Headline:
    """The answers about a model that was compared with nothing: no difference means a thing."""
    better, overfitted, forgot = (
        Finding(found.question, word, sentence, "unsure")
        for found in (told_so.better, told_so.overfitted, told_so.forgot)
    )
    return replace(told_so, better=better, overfitted=overfitted, forgot=forgot)


@dataclass(frozen=True, slots=True)
class _Judged:
    """One suite's primary comparison, turned so that a positive delta is a gain.

    Attributes:
        suite: which suite.
        row: the comparison.
        units: independent units that were compared, at most.
        delta: tuned minus base, or the other way round where less is better.
        low: lower bound of its 95 % interval.
        high: upper bound.
    """

    suite: SuiteConfig
    row: Comparison
    units: int
    delta: float
    low: float
    high: float

    @property
    def se(self) -> float:
        """Standard error, read back from the 95 % interval."""
        return (self.high - self.low) / (2 * z_two_sided(CONFIDENCE))


def _judged(record: RunRecord, tuned: str, *, general: bool) -> list[_Judged]:
    """Primary comparisons on the test splits of the general or of the other suites."""
    info = record.info
    units = {s.suite: count_units(s.examples) for s in record.splits if s.split == TEST}
    found = []
    for suite in info.suites:
        primary = next(iter(info.scorers.get(suite.name, ())), None)
        if primary is None or primary.unit != "score" or suite.general != general:
            continue
        if mostly_leaked(record, suite.name, tuned):
            continue
        for row in record.comparisons:
            if (row.suite, row.tuned, row.scorer) != (suite.name, tuned, primary.name):
                continue
            if row.family != "primary" or row.delta is None or row.low is None or row.high is None:
                continue
            bounds = [row.low * primary.better, row.high * primary.better]
            found.append(
                _Judged(
                    suite=suite,
                    row=row,
                    units=min(row.n, units.get(suite.name, row.n)),
                    delta=row.delta * primary.better,
                    low=min(bounds),
                    high=max(bounds),
                )
            )
    return found


def _pooled(judged: Sequence[_Judged]) -> tuple[Pooled, float, float]:
    """Equal-weight mean of the gains, with its 95 % interval."""
    mean = pooled([j.delta for j in judged], [j.se for j in judged])
    half = z_two_sided(CONFIDENCE) * mean.se
    if len(judged) == 1:
        return mean, judged[0].low, judged[0].high
    return mean, mean.value - half, mean.value + half


def _better(judged: Sequence[_Judged]) -> Finding:
    question = "Better?"
    if not judged:
        sentence = (
            "No suite has a score of both models on prompts that the tuned one was not trained on."
        )
        return Finding(question, "unknown", sentence, "unsure")
    mean, low, high = _pooled(judged)
    sure = [j for j in judged if j.row.p_adjusted is not None and j.row.p_adjusted <= ALPHA]
    gains = [j.suite.name for j in sure if j.delta > 0]
    losses = [j.suite.name for j in sure if j.delta < 0]
    sentence = f"{points(mean.value)} points on unseen prompts (95 % CI {between(low, high)})"
    if len(judged) > 1:
        sentence += (
            f", mean of {plural(len(judged), 'suite')}; clearly better on "
            f"{len(gains) or 'none'}, clearly worse on {len(losses) or 'none'}"
        )
    if losses and len(judged) > 1:
        sentence += f" ({listed(losses)})"
    sentence += "."
    if gains and losses:
        return Finding(question, "mixed", sentence, "unsure")
    if len(judged) == 1 and (low > 0 or high < 0) and not _settled(judged[0]):
        return Finding(question, "not shown", f"{sentence} {_why_open(judged[0])}", "unsure")
    if low > 0:
        return Finding(question, "yes", sentence, "good")
    if high < 0:
        return Finding(question, "no, worse", sentence, "bad")
    return Finding(question, "not shown", sentence, "unsure")


def _settled(judged: _Judged) -> bool:
    """Whether a comparison that stands alone is more than an interval clear of zero."""
    row = judged.row
    return row.p is not None and row.p <= ALPHA and judged.units >= FEWEST_UNITS and not row.note


def _why_open(judged: _Judged) -> str:
    row = judged.row
    reasons = [row.note] if row.note else []
    if row.p is not None and row.p > ALPHA:
        reasons.append(p_value(row.p))
    if not reasons:
        reasons.append(f"a decision needs at least {FEWEST_UNITS}")
    noun = "pair" if judged.units == row.n else "independent unit"
    return f"Not settled: {plural(judged.units, noun)}; {', '.join(reasons)}."


def _overfitted(record: RunRecord, tuned: str) -> Finding:
    question = "Overfitted?"
    level = record.info.overfit_levels.get(tuned)
    verdicts = [v for v in record.info.overfit if v.tuned == tuned]
    if level is None or not verdicts:
        sentence = "Not checked: its training rows are not known. Name them with `train`."
        return Finding(question, "unknown", sentence, "unsure")
    alike = [v for v in verdicts if v.level == level]
    answers: dict[Level, tuple[str, Tone]] = {
        "strong": ("yes, strongly", "bad"),
        "mild": ("somewhat", "bad"),
        "none": ("no", "good"),
        "inconclusive": ("cannot tell", "unsure"),
    }
    answer, tone = answers[level]
    sentence = _lead(alike)
    if len(verdicts) > 1:
        count = f"{level.capitalize()} on {len(alike)} of {plural(len(verdicts), 'suite')}"
        sentence = f"{count}. {sentence}"
    return Finding(question, answer, sentence, tone)


def _lead(verdicts: Sequence[OverfitVerdict]) -> str:
    """The suite whose gap is largest, in one sentence."""
    gaps = [(s.value, v, s) for v in verdicts for s in v.signals if s.name == "gap"]
    known = [(value, v, s) for value, v, s in gaps if value is not None]
    if not known:
        return verdicts[0].advice
    value, verdict, signal = max(known, key=lambda item: item[0])
    return (
        f"{verdict.suite}: the gain on training prompts exceeds that on unseen ones by "
        f"{points(value)} points (90 % CI {between(signal.low, signal.high)})."
    )


def _forgot(judged: Sequence[_Judged]) -> Finding:
    question = "Forgot?"
    if not judged:
        sentence = "Not checked: no suite is marked `general: true`."
        return Finding(question, "unknown", sentence, "unsure")
    with_p = [(j, j.row.p_regression) for j in judged if j.row.p_regression is not None]
    adjusted = holm([p for _, p in with_p])
    lost = [(j, p) for (j, _), p in zip(with_p, adjusted, strict=True) if p <= ALPHA]
    if lost:
        # Only a loss is asked for: its p-value can convince where a two-sided interval touches 0.
        sentence = "; ".join(
            f"{j.suite.name} fell {points(-j.delta).lstrip('+')} points "
            f"(one-sided {p_value(p)}; 95 % CI of the change {between(j.low, j.high)})"
            for j, p in lost
        )
        return Finding(question, "yes", f"{sentence}.", "bad")
    mean, low, high = _pooled(judged)
    sentence = (
        f"No significant loss on {listed([j.suite.name for j in judged])}: {points(mean.value)} "
        f"points (95 % CI {between(low, high)})."
    )
    # Absence of proof is no proof of absence: only an interval above the margin says "no".
    if len(with_p) == len(judged) and all(
        j.low > -margin_of(j.suite, j.suite.gate) for j in judged
    ):
        return Finding(question, "no", sentence, "good")
    return Finding(question, "not shown", sentence, "unsure")


def _comparable(record: RunRecord, model: ModelSpec) -> Finding:
    question = "Comparable?"
    differences = [d for d in record.info.differences if d.where == model.name]
    refused = refusals(differences)
    if refused:
        sentence = "; ".join(f"{told(d)}, {remedy(d)}" for d in refused)
        return Finding(question, "no", f"{sentence}.", "bad")
    doubts = [*map(told, differences), *_doubts(record, model.tuned_from or "", model.name)]
    if doubts:
        return Finding(question, "with care", f"{'; '.join(doubts)}.", "unsure")
    compared = sum(r.n for r in record.comparisons if _is_whole_test(r, model.name))
    asked = f"{plural(compared, 'pair')}, asked in the same way"
    sentence = f"{asked}; no test answer is missing, no prompt leaked."
    return Finding(question, "yes", sentence, "good")


def _is_whole_test(row: Comparison, tuned: str) -> bool:
    return row.tuned == tuned and row.family == "primary"


def _doubts(record: RunRecord, base: str, tuned: str) -> list[str]:
    """What shakes the comparison of two arms, the gravest first."""
    rows = [r for r in record.comparisons if _is_whole_test(r, tuned)]
    missing = sum(r.missing for r in rows)
    doubts = []
    if missing:
        doubts.append(f"{share(missing, missing + sum(r.n for r in rows))} pairs are missing")
    doubts += [
        f"{share(u.truncated, u.asked - u.missing)} answers of {u.model} were cut off"
        for u in record.info.usage
        if u.model in {base, tuned} and u.truncated > NOTEWORTHY * max(1, u.asked - u.missing)
    ]
    leaked = sum(leaked_share(record, suite.name, tuned)[0] for suite in record.info.suites)
    if leaked:
        doubts.append(f"its training data holds {plural(leaked, 'test prompt')}")
    return doubts


def _ship(tuned: str, verdict: GateVerdict, level: Level | None, comparable: Finding) -> Finding:
    question = "Ship?"
    mine = [d for d in verdict.decisions if d.tuned == tuned]
    word = worst_verdict([d.verdict for d in mine])
    # The name stands above the answers, and the gate's reason begins with it.
    reasons = [d.reason.removeprefix(f"{tuned} ") for d in mine if d.verdict == word]
    sentence = f"{word}: {' '.join(reasons)}" if reasons else f"{word}: nothing was judged."
    if word == "FAIL":
        return Finding(question, "no", sentence, "bad")
    if word == "INCONCLUSIVE":
        return Finding(question, "not yet", sentence, "unsure")
    if level in SEVERITY[:2]:
        sentence += f" But {level} overfitting: see the advice before you promote it."
        return Finding(question, "not advised", sentence, "bad" if level == "strong" else "unsure")
    if comparable.tone == "bad":
        sentence += " But the two arms are not comparable."
        return Finding(question, "not advised", sentence, "bad")
    return Finding(question, "yes", sentence, "good")
