"""Units: what of a split was sampled independently. Every interval and test counts these."""

from __future__ import annotations

import json
from collections.abc import Sequence

from evalkit.schema import CLUSTER, Example


def units_of(examples: Sequence[Example]) -> list[str] | list[int] | None:
    """A label of each row's unit; None where every row is a unit of its own.

    Rows that share a `cluster_id` are one unit, and a row without it is one of its own. Where no
    row has any, rows that ask the same are one: a model answers them alike.
    """
    if any(CLUSTER in example.fields for example in examples):
        return [
            f"={_text(example.fields[CLUSTER])}" if CLUSTER in example.fields else f"#{position}"
            for position, example in enumerate(examples)
        ]
    first: dict[object, int] = {}
    labels = [first.setdefault(example.messages, i) for i, example in enumerate(examples)]
    return None if len(first) == len(labels) else labels


def repeated_prompts(examples: Sequence[Example]) -> str:
    """A sentence about rows that count less because they ask the same; empty if there are none."""
    labels = units_of(examples)
    if labels is None or any(CLUSTER in example.fields for example in examples):
        return ""
    units = f"{len(set(labels)):,}"
    noun = "distinct prompt" if units == "1" else "distinct prompts"
    return (
        f"{units} {noun} in {len(labels):,} rows count as {units}: rows that ask the same are one "
        "unit, however often they are asked; to group rows otherwise, give them a `cluster_id`"
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
