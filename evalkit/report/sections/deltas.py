"""Change against base: paired differences, their intervals and their p-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.report.figures import Dot, Row, deltas_plot
from evalkit.report.sections.registry import Context, section
from evalkit.report.view import TEST, Arm, arms
from evalkit.schema import Comparison, RunRecord

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Changed:
    """One tuned model: the declared comparisons, then those that are only for reading."""

    arm: Arm
    base: str
    declared: tuple[Comparison, ...]
    others: tuple[Comparison, ...]


@section(40, "Change against base")
def deltas(record: RunRecord) -> Context | None:
    """A forest plot of the declared comparisons and a table for each tuned model."""
    rows = [c for c in record.comparisons if not c.slice]
    models = [arm for arm in arms(record.info) if arm.role == "tuned"]
    changed = []
    for arm in models:
        own = [c for c in rows if c.tuned == arm.name]
        declared = tuple(c for c in own if c.family == "primary" and c.split == TEST)
        others = tuple(c for c in own if c not in declared)
        if own:
            changed.append(Changed(arm, own[0].base, declared, others))
    if not changed:
        return None
    return {"models": changed, "figure": _figure(record, rows, models)}


def _figure(
    record: RunRecord, comparisons: Sequence[Comparison], models: Sequence[Arm]
) -> Markup | None:
    """A row a suite, a dot a tuned model, for the declared scorers in [0, 1] on test."""
    units = {
        (suite, scorer.name): scorer.unit
        for suite, scorers in record.info.scorers.items()
        for scorer in scorers
    }
    rows = []
    for config in record.info.suites:
        dots = tuple(
            Dot(arm.hue, arm.name, c.delta, c.low, c.high)
            for arm in models
            for c in comparisons
            if (c.suite, c.tuned, c.split, c.family) == (config.name, arm.name, TEST, "primary")
            and c.delta is not None
            and units.get((c.suite, c.scorer)) == "score"
        )
        if dots:
            rows.append(Row(config.name, dots))
    title = "Change of the primary score of each suite against base, with 95 % intervals"
    return deltas_plot("deltas", title, rows) if rows else None
