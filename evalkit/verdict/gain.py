"""How much of a gain in exact match is skill, and how much is form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalkit.schema import GainSplit, ModelSpec, SplitResult
from evalkit.stats.binary import is_table, tango_interval
from evalkit.stats.intervals import Interval
from evalkit.stats.paired import difference_interval
from evalkit.stats.samples import Clusters, FloatArray
from evalkit.verdict.compare import pairs_of
from evalkit.verdict.parts import clusters_of, subset

WHOLE_ANSWER = "exact_match"
ANSWER_INSIDE = "contains"


def gain_splits(split: SplitResult, *, models: Sequence[ModelSpec]) -> list[GainSplit]:
    """Take each tuned model's gain in exact match apart, where containment was scored too.

    An exact answer contains the reference, so exact = contains - (contains but not exact), example
    by example: the gain is the gain in containment (skill) plus what right answers lost in wrapping
    (form). Both get Tango's interval, or Student's where they are means of several answers or
    where some rows are one unit.

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
        kept = np.flatnonzero(~np.isnan(columns).any(axis=0))
        columns, clusters = columns[:, kept], subset(clusters_of(split.examples), kept)
        if not columns.size:
            continue
        exact, contains = columns[0] - columns[1], columns[2] - columns[3]
        form = exact - contains
        skill_bounds, form_bounds = _interval(contains, clusters), _interval(form, clusters)
        found.append(
            GainSplit(
                suite=split.suite,
                split=split.split,
                base=base,
                tuned=tuned,
                total=float(exact.mean()),
                skill=float(contains.mean()),
                skill_low=skill_bounds.low,
                skill_high=skill_bounds.high,
                form=float(form.mean()),
                form_low=form_bounds.low,
                form_high=form_bounds.high,
            )
        )
    return found


def _interval(d: FloatArray, clusters: Clusters) -> Interval:
    if clusters is not None or not is_table(d):
        return difference_interval(d, clusters)
    return tango_interval(int((d > 0).sum()), int((d < 0).sum()), d.size)
