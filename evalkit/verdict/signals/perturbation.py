"""Perturbation: do small rewordings cost the tuned model more than its base?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.schema import ORIGINAL, REWORDING, Signal
from evalkit.stats.rewording import Asked, Excess, excess_cost
from evalkit.stats.samples import ALPHA, FEWEST_UNITS, THRESHOLD, FloatArray, rng
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.parts import clusters_of, subset
from evalkit.verdict.signals.registry import level_of, signal, unavailable
from evalkit.verdict.wording import between, plural, points

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME = "perturbation"


@signal
def perturbation(evidence: Evidence) -> Signal:
    """What rewording test prompts costs the tuned model, minus what it costs the base.

    The rewordings of a prompt are averaged; prompts that occur in training stay out. Evidence must
    stand in points and in share of skill (see `evalkit.stats.rewording`): a base that can hardly do
    the task has nothing to lose, and does not show what the rewordings alone cost.
    """
    asked = _asked(evidence)
    if asked is None or asked.rows.size < FEWEST_UNITS:
        return unavailable(NAME, _refusal(asked))
    clusters = subset(clusters_of(evidence.test.examples), asked.rows)
    if clusters is not None and clusters.max() + 1 < FEWEST_UNITS:
        return unavailable(NAME, f"{clusters.max() + 1} clusters of prompts are too few.")
    draws = rng(f"{evidence.config.name}/{NAME}", evidence.seed)
    found = excess_cost(asked.tuned, asked.base, draws, clusters)
    return Signal(
        name=NAME,
        level=level_of(found.p, found.low, found.high),
        value=found.value,
        low=found.low,
        high=found.high,
        p=found.p,
        p_adjusted=None,
        threshold=THRESHOLD,
        detail=_detail(evidence, asked, found),
        numbers=_numbers(asked),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Reworded:
    """The prompts that both models answered, as they are and reworded.

    Attributes:
        rows: their rows in the test split.
        unchanged: prompts that were drawn, but allow no rewording.
        tuned: what the tuned model scores.
        base: what the base scores.
        worst: the mean of the worst rewording of each prompt, tuned and base.
        kinds: kind of rewording -> examples, what it costs the tuned model, and the base.
    """

    rows: NDArray[np.intp]
    unchanged: int
    tuned: Asked
    base: Asked
    worst: tuple[float, float]
    kinds: dict[str, tuple[int, float, float]]


def _asked(evidence: Evidence) -> _Reworded | None:
    """What there is to compare; None if nothing was reworded for this pair of models."""
    split = evidence.perturbed
    if split is None or not {evidence.base, evidence.tuned} <= set(evidence.chance):
        return None
    row_of = {example.id: row for row, example in enumerate(evidence.test.examples)}
    original = np.array([row_of[str(e.fields[ORIGINAL])] for e in split.examples], np.intp)
    before = [evidence.turned(evidence.test, m)[original] for m in (evidence.tuned, evidence.base)]
    after = [evidence.turned(split, m) for m in (evidence.tuned, evidence.base)]
    usable = evidence.clean[original] & ~np.isnan([*before, *after]).any(axis=0)
    rows, place = np.unique(original[usable], return_inverse=True)
    costs = [(one - other)[usable] for one, other in zip(before, after, strict=True)]
    kinds = np.array([str(e.fields[REWORDING]) for e in split.examples])[usable]
    sides = [
        Asked(
            original=evidence.turned(evidence.test, model)[rows],
            reworded=_means(values[usable], place, rows.size),
            chance=evidence.by_chance(model)[rows],
        )
        for model, values in zip((evidence.tuned, evidence.base), after, strict=True)
    ]
    return _Reworded(
        rows=rows,
        unchanged=max(0, evidence.drawn - np.unique(original).size),
        tuned=sides[0],
        base=sides[1],
        worst=(_worst(costs[0], place, rows.size), _worst(costs[1], place, rows.size)),
        kinds={
            kind: (
                count,
                float(costs[0][kinds == kind].mean()),
                float(costs[1][kinds == kind].mean()),
            )
            for kind, count in sorted(Counter(kinds.tolist()).items())
        },
    )


def _means(values: FloatArray, place: NDArray[np.intp], count: int) -> FloatArray:
    """Mean of the values of each of `count` places."""
    sums = np.bincount(place, values, minlength=count)
    return np.asarray(sums / np.bincount(place, minlength=count), dtype=np.float64)


def _worst(costs: FloatArray, place: NDArray[np.intp], count: int) -> float:
    """Mean over the places of the largest cost; for reading: more rewordings make it larger."""
    worst = np.full(count, -np.inf)
    np.maximum.at(worst, place, costs)
    return float(worst.mean()) if count else 0.0


def _refusal(asked: _Reworded | None) -> str:
    if asked is None:
        return "not asked: no test prompt was reworded for these models and this scorer."
    return (
        f"{plural(asked.rows.size, 'reworded clean prompt')} answered by both; a decision needs at "
        f"least {FEWEST_UNITS}."
    )


def _detail(evidence: Evidence, asked: _Reworded, found: Excess) -> str:
    count = sum(count for count, _, _ in asked.kinds.values())
    costs = _tenths(asked.tuned.cost), _tenths(asked.base.cost)
    sentence = (
        f"{plural(asked.rows.size, 'test prompt')} in {plural(count, 'rewording')} cost "
        f"{evidence.tuned} {costs[0]} points and {evidence.base} {costs[1]}: {points(found.value)} "
        f"more (90 % CI {between(found.low, found.high)})."
    )
    if asked.unchanged:
        sentence += f" {plural(asked.unchanged, 'further prompt')} of the sample allowed none."
    if found.p_points <= ALPHA < found.p_share:
        sentence += (
            f" As a share of each model's score beyond chance ({_tenths(asked.tuned.skill)} and "
            f"{_tenths(asked.base.skill)} points) the excess is not significant."
        )
    return sentence


def _tenths(values: FloatArray) -> str:
    return points(float(values.mean())).lstrip("+")


def _numbers(asked: _Reworded) -> dict[str, float]:
    return {
        "prompts": float(asked.rows.size),
        "unchanged": float(asked.unchanged),
        "cost_tuned": float(asked.tuned.cost.mean()),
        "cost_base": float(asked.base.cost.mean()),
        "skill_tuned": float(asked.tuned.skill.mean()),
        "skill_base": float(asked.base.skill.mean()),
        "worst_tuned": asked.worst[0],
        "worst_base": asked.worst[1],
    } | {f"more_by_{kind}": tuned - base for kind, (_, tuned, base) in asked.kinds.items()}
