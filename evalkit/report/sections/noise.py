"""Noise: how much a model differs from itself, beside how much the tuned one differs from it."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.report.sections.registry import Context, section
from evalkit.report.view import TEST, arms, whole_deltas
from evalkit.schema import Comparison, Noise, RunRecord
from evalkit.verdict import within_noise


@dataclass(frozen=True, slots=True)
class Floor:
    """One base asked twice on one suite, and a change measured against it."""

    noise: Noise
    change: Comparison
    inside: bool


@section(45, "Noise")
def noise(record: RunRecord) -> Context | None:
    """A row for each model asked more than once; a row for each change beside its noise floor."""
    rows = record.info.noise
    if not rows:
        return None
    changes = whole_deltas(record)
    inside = within_noise(record.comparisons, rows)
    floors = [
        Floor(row, change, change in inside)
        for row in rows
        if row.floor is not None
        for model in record.info.models
        if model.tuned_from == row.model
        for change in [changes.get((row.suite, TEST, model.name, row.scorer))]
        if change is not None and change.delta is not None
    ]
    return {
        "rows": rows,
        "floors": floors,
        "arm_of": {arm.name: arm for arm in arms(record.info)},
    }
