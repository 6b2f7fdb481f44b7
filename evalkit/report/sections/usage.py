"""What is missing, what was cut off, what it took and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.report.sections.registry import Context, section
from evalkit.report.text import count, decimal, money
from evalkit.report.view import arms
from evalkit.schema import RunRecord


@section(90, "Missing answers, usage and cost")
def usage(record: RunRecord) -> Context | None:
    """A row a model, what tuned models save, and what this run itself took."""
    info = record.info
    if not info.usage:
        return None
    models = info.clocks.get("models", {})
    return {
        "usages": (*info.usage, *info.judging),
        "extracting": any(config.extract for config in info.suites),
        "arm_of": {arm.name: arm for arm in arms(info)},
        "judges": {used.model for used in info.judging},
        "sources": sorted({u.price.source for u in (*info.usage, *info.judging) if u.price}),
        "took": {name: _took(told) for name, told in models.items() if told.get("sent")},
    }


def _took(told: Mapping[str, Any]) -> str:
    """What the asking of one model took, in one sentence."""
    parts = [f"{count(told['sent'])} requests sent"]
    if told.get("spent") is not None:
        parts.append(f"{money(told['spent'])} spent")
    if told.get("median_seconds") is not None:
        names = ("median_seconds", "p95_seconds", "max_seconds")
        times = [decimal(told.get(name)) for name in names]
        parts.append("an answer took {} s at the median, {} s at p95, {} s at most".format(*times))
    if told.get("tokens_per_second") is not None:
        parts.append(f"{told['tokens_per_second']:,.0f} tokens a second")
    return ", ".join(parts)
