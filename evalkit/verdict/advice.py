"""What an engineer should do about an overfitting verdict, with the figures that led to it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evalkit.schema import Level, Signal
from evalkit.stats.planning import units_for_p
from evalkit.stats.samples import ALPHA, THRESHOLD
from evalkit.verdict.signals import copying, curve, gap, leakage, membership, perturbation
from evalkit.verdict.wording import between, listed, points

_TOLERANCE = f"{100 * THRESHOLD:.0f}"


def advice(level: Level, found: Sequence[Signal]) -> str:
    """One to three sentences: what was found, what to do, what was removed.

    Args:
        level: the joined level.
        found: the signals behind it.
    """
    signals = {s.name: s for s in found}
    lead, leaks = signals.get(gap.NAME), signals.get(leakage.NAME)
    by_level = {"strong": _strong, "mild": _mild, "none": _none, "inconclusive": _inconclusive}
    sentences = [by_level[level](signals, lead, leaks)]
    copied = signals.get(copying.NAME)
    if copied is not None and copied.level in {"strong", "mild"} and copied.value is not None:
        sentences.append(
            f"Outputs on unseen prompts repeat training text {points(copied.value)} points more "
            "than the base's and the references do."
        )
    known = signals.get(membership.NAME)
    if known is not None and known.level in {"strong", "mild"} and known.value is not None:
        sentences.append(
            "It knows its training rows: how probable tuning made a reference tells whether its "
            f"row was trained on (area under the curve {known.value:.2f}, chance 0.50)."
        )
    reworded = signals.get(perturbation.NAME)
    if reworded is not None and reworded.level in {"strong", "mild"} and reworded.value is not None:
        sentences.append(
            f"Small rewordings cost {points(reworded.value)} points more than they cost the base: "
            "add paraphrases to the training rows."
        )
    if leaks is not None and leaks.numbers.get("leaked") and level != "inconclusive":
        sentences.append(_removed(leaks))
    return " ".join(sentences)


def _strong(signals: dict[str, Signal], lead: Signal | None, leaks: Signal | None) -> str:
    del signals, leaks
    gains = ""
    if lead is not None and lead.value is not None:
        gains = (
            f": {points(lead.numbers['gain_train'])} points on training prompts but "
            f"{points(lead.numbers['gain_test'])} on unseen ones"
        )
    return (
        f"Strong overfitting{gains}. Do not promote. Halve n_epochs, lower the learning-rate "
        "multiplier or add regularisation, add or deduplicate data."
    )


def _mild(signals: dict[str, Signal], lead: Signal | None, leaks: Signal | None) -> str:
    del lead, leaks
    accusing = [
        f"{s.name} {points(s.value)} points"
        if s.value is not None and s.name != membership.NAME
        else s.name
        for s in signals.values()
        if s.level in {"strong", "mild"}
    ]
    losses = signals.get(curve.NAME)
    earlier = "an earlier checkpoint"
    if losses is not None and losses.level == "mild":
        earlier = f"the checkpoint nearest to step {losses.numbers['best_step']:.0f}"
    return (
        f"Some overfitting: {listed(accusing)}. Try fewer n_epochs or {earlier}; add varied "
        "examples; re-check."
    )


def _none(signals: dict[str, Signal], lead: Signal | None, leaks: Signal | None) -> str:
    del signals, leaks
    if lead is None or lead.value is None:
        return "No overfitting found."
    return (
        "No overfitting found: gain on training prompts exceeds gain on unseen prompts by "
        f"{points(lead.value)} points (90 % CI {between(lead.low, lead.high)}), below the "
        f"{_TOLERANCE}-point tolerance."
    )


def _inconclusive(signals: dict[str, Signal], lead: Signal | None, leaks: Signal | None) -> str:
    del signals
    if leaks is not None and leaks.level == "inconclusive":
        return (
            f"Cannot tell: {leaks.detail} Use a test split of {leakage.FEWEST_CLEAN} prompts or "
            "more that shares none with training."
        )
    if lead is None or lead.value is None or lead.low is None or lead.high is None:
        return f"Cannot tell: {lead.detail if lead is not None else 'the gap is not known.'}"
    interval = f"{points(lead.value)} points (90 % CI {between(lead.low, lead.high)})"
    on_points, on_logits = lead.low > 0, lead.numbers["logit_low"] > 0
    if on_points and on_logits:
        return (
            f"Cannot tell: the gap of {interval} would be evidence alone, but not among all checks "
            f"of this model. {_needs(_units_among_others(lead))}"
        )
    if on_points or on_logits:
        return (
            f"Cannot tell: the gap of {interval} stands on one scale of difficulty, but not on the "
            "other. Train and test differ in difficulty; use a hold-out from the same source as "
            "training."
        )
    return (
        f"Cannot tell: the gap of {interval} includes both 0 and {_TOLERANCE} points. "
        f"{_needs(lead.numbers['needed'])}"
    )


def _needs(units: float) -> str:
    return f"Needs about {math.ceil(units):,} train and test examples."


def _units_among_others(lead: Signal) -> float:
    """Examples in either split that would make this gap evidence in spite of the adjustment."""
    p, adjusted = lead.p or 0.0, lead.p_adjusted or 0.0
    return units_for_p(lead.numbers["units"], p, ALPHA * p / adjusted)


def _removed(leaks: Signal) -> str:
    leaked, examples = leaks.numbers["leaked"], leaks.numbers["examples"]
    sentence = f"{leaked:.0f} of {examples:.0f} test prompts occur in training and were removed"
    if "gap_with" in leaks.numbers:
        sentence += f"; with them the gap looked like {points(leaks.numbers['gap_with'])} points"
    return f"{sentence}."
