"""Comparable? What base and tuned do not have in common, although they should."""

from __future__ import annotations

from evalkit.report.sections.registry import Context, section
from evalkit.report.view import arms, tuned_pairs
from evalkit.schema import RunRecord
from evalkit.verdict import remedy


@section(75, "Comparable?")
def comparable(record: RunRecord) -> Context | None:
    """A row for each difference between a tuned model and its base."""
    if not tuned_pairs(record.info):
        return None
    return {
        "differences": [(found, remedy(found)) for found in record.info.differences],
        "arm_of": {arm.name: arm for arm in arms(record.info)},
    }
