"""The verdict: five answers about every tuned model, and what shakes them."""

from __future__ import annotations

from evalkit.report.sections.registry import Context, section
from evalkit.report.view import arms
from evalkit.schema import RunRecord
from evalkit.verdict import gate
from evalkit.verdict.headline import headline


@section(10, "Verdict")
def verdict(record: RunRecord) -> Context:
    """The answers of every tuned model, the gate's verdict and the warnings."""
    decided = gate(record)
    named = {arm.name: arm for arm in arms(record.info)}
    return {
        "models": [(named[found.tuned], found) for found in headline(record, decided)],
        "gate": decided,
        "warnings": record.info.warnings,
    }
