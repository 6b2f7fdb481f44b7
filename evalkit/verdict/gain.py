"""How much of a gain in exact match is skill, and how much is form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalkit.schema import GainSplit, ModelSpec, SplitResult
from evalkit.verdict.compare import binary_difference, pairs_of

WHOLE_ANSWER = "exact_match"
ANSWER_INSIDE = "contains"


def gain_splits(split: SplitResult, *, models: Sequence[ModelSpec]) -> list[GainSplit]:
    """Take each tuned model's gain in exact match apart, where containment was scored too.

    An exact answer contains the reference, so exact = contains - (contains but not exact), example
    by example: the gain is the gain in containment (skill) plus what right answers lost in wrapping
    (form). Both get Tango's interval.

    Args:
        split: answers and per-example values.
        models: the arms.
    """
    found = []
    for base, tuned in pairs_of(split, models):
        keys = [(m, s) for s in (WHOLE_ANSWER, ANSWER_INSIDE) for m in (tuned, base)]
        if not all(key in split.values for key in keys):
            continue
        columns = np.array([split.values[key] for key in keys])
        columns = columns[:, ~np.isnan(columns).any(axis=0)]
        if not columns.size:
            continue
        exact, contains = columns[0] - columns[1], columns[2] - columns[3]
        skill, form = binary_difference(contains), binary_difference(exact - contains)
        found.append(
            GainSplit(
                suite=split.suite,
                split=split.split,
                base=base,
                tuned=tuned,
                total=float(exact.mean()),
                skill=skill.delta,
                skill_low=skill.low,
                skill_high=skill.high,
                form=form.delta,
                form_low=form.low,
                form_high=form.high,
            )
        )
    return found
