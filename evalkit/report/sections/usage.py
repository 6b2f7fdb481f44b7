"""What is missing, what was cut off, what it took."""

from __future__ import annotations

from evalkit.report.sections.registry import Context, section
from evalkit.report.view import arms
from evalkit.schema import RunRecord


@section(90, "Missing answers and usage")
def usage(record: RunRecord) -> Context | None:
    """A row a model."""
    if not record.info.usage:
        return None
    return {"usages": record.info.usage, "arm_of": {arm.name: arm for arm in arms(record.info)}}
