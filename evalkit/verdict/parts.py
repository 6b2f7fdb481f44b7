"""The parts of a split that are scored by themselves: the whole, and its slices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.data import units_of
from evalkit.schema import Example
from evalkit.stats.samples import Clusters, codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_VALUES = 20
"""A field with more distinct values than this is a text or a number, not a slice."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some examples of a split.

    Attributes:
        label: `field=value`, or empty for the whole split.
        members: positions of its examples, ascending.
    """

    label: str
    members: NDArray[np.intp]


def whole(examples: Sequence[Example]) -> Part:
    """All examples of a split."""
    return Part("", np.arange(len(examples)))


def slices_of(examples: Sequence[Example], fields: Sequence[str]) -> list[Part]:
    """One part for each value of each field; fields with too many values are left out.

    An example with a list of values belongs to each of them; one without the field to none.
    """
    found = []
    for field in fields:
        values = _members(examples, field)
        if len(values) <= MOST_VALUES:
            found += [Part(f"{field}={v}", np.array(values[v], np.intp)) for v in sorted(values)]
    return found


def slice_warnings(suite: str, examples: Sequence[Example], fields: Sequence[str]) -> list[str]:
    """One sentence for each slice field that gives no slices."""
    warnings = []
    for field in fields:
        count = len(_members(examples, field))
        if count > MOST_VALUES:
            warnings.append(
                f"{suite}: no slices by {field!r}: found {count} values, expected at most "
                f"{MOST_VALUES}."
            )
        elif count == 0:
            warnings.append(f"{suite}: no slices by {field!r}: no test row has this field.")
    return warnings


def clusters_of(examples: Sequence[Example]) -> Clusters:
    """Cluster codes of the rows' units; None where every row is a unit of its own."""
    labels = units_of(examples)
    return None if labels is None else codes(labels)


def count_units(examples: Sequence[Example]) -> int:
    """How many units the rows make up."""
    clusters = clusters_of(examples)
    return len(examples) if clusters is None else int(clusters.max(initial=-1)) + 1


def subset(clusters: Clusters, chosen: NDArray[np.intp]) -> Clusters:
    """Cluster codes of some examples, without gaps; None stays None."""
    return None if clusters is None else codes(clusters[chosen])


def _members(examples: Sequence[Example], field: str) -> dict[str, list[int]]:
    """Positions of the examples that have each value of a field."""
    members: dict[str, list[int]] = {}
    for position, example in enumerate(examples):
        value = example.fields.get(field)
        several = value if isinstance(value, list | tuple) else [value]
        for text in {_text(v) for v in several if v is not None}:
            members.setdefault(text, []).append(position)
    return members


def _text(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
