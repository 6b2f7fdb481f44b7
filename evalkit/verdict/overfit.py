"""The overfitting verdict: signals of each suite, adjusted together, joined to one level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.schema import Level, OverfitVerdict, Signal
from evalkit.stats.families import holm
from evalkit.verdict.advice import advice
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.signals import curve, gap, leakage, signals
from evalkit.verdict.signals.registry import ACCUSING, judged

SEVERITY: tuple[Level, ...] = ("strong", "mild", "inconclusive", "none")
"""Levels from the gravest on."""
CORROBORATING = ("copying", "perturbation")
"""Signals that, if strong, settle a gap which is not."""
OF_THE_MODEL = (curve.NAME,)
"""Signals that say the same of a model on every suite: one hypothesis, however often it is told."""


def overfit(evidence: Sequence[Evidence]) -> tuple[OverfitVerdict, ...]:
    """Judge every piece of evidence.

    The p-values of all signals on all suites of one tuned model are one declared family: Holm. A
    level is what a signal says after that.

    Args:
        evidence: one piece for each suite and tuned model.

    Returns:
        One verdict for each piece, in their order.
    """
    checks = signals().values()
    found = [[check(piece) for check in checks] for piece in evidence]
    for tuned in dict.fromkeys(piece.tuned for piece in evidence):
        mine = [i for i, piece in enumerate(evidence) if piece.tuned == tuned]
        for i, adjusted in zip(mine, adjust_signals([found[i] for i in mine]), strict=True):
            found[i] = adjusted
    return tuple(map(_verdict, evidence, found))


def adjust_signals(suites: Sequence[Sequence[Signal]]) -> list[list[Signal]]:
    """Holm over all available signals of all suites; evidence that does not survive is none."""
    family = {
        _hypothesis(s, number): s.p
        for number, group in enumerate(suites)
        for s in group
        if s.p is not None
    }
    adjusted = dict(zip(family, holm(list(family.values())), strict=True))
    return [
        [s if s.p is None else judged(s, adjusted[_hypothesis(s, number)]) for s in group]
        for number, group in enumerate(suites)
    ]


def _hypothesis(found: Signal, suite: int) -> tuple[str, int]:
    return (found.name, 0 if found.name in OF_THE_MODEL else suite)


def join(found: Sequence[Signal]) -> Level:
    """The verdict table: one level from the levels of the signals of one suite.

    Leakage goes first: without enough clean test prompts there is no verdict. Then the gap leads;
    strong copying or sensitivity to rewording turns a mild or open gap into a strong verdict, any
    other evidence an absent or open gap into a mild one.
    """
    levels = {s.name: s.level for s in found}
    if levels.get(leakage.NAME) == "inconclusive":
        return "inconclusive"
    lead = levels.get(gap.NAME) or "inconclusive"
    others = {s.level for s in found if s.name not in {gap.NAME, leakage.NAME}}
    corroborated = any(levels.get(name) == "strong" for name in CORROBORATING)
    if lead == "strong" or (corroborated and lead != "none"):
        return "strong"
    if lead == "mild" or others.intersection(ACCUSING):
        return "mild"
    return lead


def worst(levels: Sequence[Level]) -> Level:
    """The gravest of at least one level."""
    return min(levels, key=SEVERITY.index)


def overfit_levels(verdicts: Sequence[OverfitVerdict]) -> Mapping[str, Level]:
    """Tuned model -> the gravest level over its suites."""
    names = dict.fromkeys(verdict.tuned for verdict in verdicts)
    return {name: worst([v.level for v in verdicts if v.tuned == name]) for name in names}


def _verdict(evidence: Evidence, found: Sequence[Signal]) -> OverfitVerdict:
    train = evidence.pairs(evidence.train)
    test = evidence.pairs(evidence.test, evidence.clean)
    level = join(found)
    flip = evidence.scorer.better < 0  # pairs are turned so that more is better; scores are not
    means = [
        None if values.size == 0 else float((1.0 - values if flip else values).mean())
        for values in (train.ref, train.new, test.ref, test.new)
    ]
    return OverfitVerdict(
        suite=evidence.config.name,
        base=evidence.base,
        tuned=evidence.tuned,
        train_split=evidence.train.split,
        scorer=evidence.scorer.name,
        level=level,
        advice=advice(level, found),
        signals=tuple(found),
        train_base=means[0],
        train_tuned=means[1],
        test_base=means[2],
        test_tuned=means[3],
        n_train=int(train.new.size),
        n_test=int(test.new.size),
    )
