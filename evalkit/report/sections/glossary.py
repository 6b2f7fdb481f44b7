"""The statistical terms of the report in plain words."""

from __future__ import annotations

from evalkit.report.sections.registry import Context, section
from evalkit.schema import RunRecord


@section(120, "Terms")
def glossary(record: RunRecord) -> Context:  # noqa: ARG001 - the same for every run
    """The same words for every run: they stand in the template."""
    return {}
