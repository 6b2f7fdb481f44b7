"""How alike two texts are to the letter, and how much two lists have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated

from annotated_types import Ge
from rapidfuzz.distance import Levenshtein

from evalkit.scorers.base import scorer
from evalkit.scorers.text import normalise

_BULLET = re.compile(r"\s*(?:[-*\u2022\u2013]|\d{1,4}[.)])\s+")
_SEPARATOR = re.compile(r"[,;\u3001\uff0c\uff1b]")


@scorer(details="unit:character|refs:max|v1")
def edit_similarity(prediction: str, references: Sequence[str]) -> float:
    """1 minus the Levenshtein distance by the length of the longer text, in characters.

    Levenshtein 1966: the fewest insertions, deletions and replacements of one character.
    """
    return max(Levenshtein.normalized_similarity(prediction, text) for text in references)


@scorer(details="items:set|norm:squad|refs:max|v1")
def list_f1(prediction: str, references: Sequence[str]) -> float:
    """F1 over the sets of normalised items of two lists; 1 if both are empty, 0 if one is."""
    said = set(list_items(prediction))
    return max(_f1(said, set(list_items(reference))) for reference in references)


def _f1(said: set[str], wanted: set[str]) -> float:
    if not said or not wanted:
        return float(said == wanted)
    return 2 * len(said & wanted) / (len(said) + len(wanted))


@scorer(details="norm:squad|refs:any|v1")
def top_k(prediction: str, references: Sequence[str], *, k: Annotated[int, Ge(1)] = 5) -> bool:
    """Whether one of the first k different items of the prediction, a list, is a reference.

    Args:
        prediction: candidates, the best first.
        references: single answers.
        k: how many candidates count, at least 1.
    """
    candidates = list(dict.fromkeys(list_items(prediction)))[:k]
    return any(normalise(reference) in candidates for reference in references)


def list_items(text: str) -> list[str]:
    """The items of a list, normalised, in their order; items that normalise to nothing stay out.

    A list is JSON, or one item a line, or, if it is one line, parted by commas or semicolons.
    Bullets and numbers before items are no part of them.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        lines = [line for line in text.splitlines() if line.strip()]
        found = lines if len(lines) > 1 else _SEPARATOR.split(text)
        found = [_BULLET.sub("", item, count=1) if _BULLET.match(item) else item for item in found]
    texts = (item if isinstance(item, str) else json.dumps(item) for item in found)
    return [item for item in map(normalise, texts) if item]
