"""Format against skill: how much of a gain in exact match is knowing, how much is wording."""

from __future__ import annotations

from evalkit.report.sections.registry import Context, section
from evalkit.report.view import arms
from evalkit.schema import RunRecord


@section(50, "Skill or form")
def gains(record: RunRecord) -> Context | None:
    """A sentence and a bar for each suite scored by exact match and by containment."""
    found = record.info.gains
    if not found:
        return None
    reach = max(abs(x) for gain in found for x in (gain.skill, gain.form, gain.total))
    return {
        "gains": found,
        "scale": 100 / reach if reach else 0.0,
        "arm_of": {arm.name: arm for arm in arms(record.info)},
    }
