"""Descriptions of a completion itself, whatever its references say."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.scorers.base import scorer
from evalkit.scorers.text import lower, space_out

LOOP = 4
"""Length, in words, of the phrases whose repetition is counted."""


@scorer(unit="words", better=0, details="tok:space|v1")
def length(prediction: str, references: Sequence[str]) -> float:  # noqa: ARG001 - a description
    """Words of the completion: what white space parts, single characters in unspaced scripts."""
    return len(space_out(prediction).split())


@scorer(better=-1, details=f"n:{LOOP}|tok:space|v1")
def repetition(prediction: str, references: Sequence[str]) -> float:  # noqa: ARG001 - a description
    """Share of the completion's 4-word phrases that occurred in it before; 0 below 4 words.

    A model that misses its stop sequence loops, and this goes towards 1.
    """
    words = space_out(lower(prediction)).split()
    phrases = list(zip(*(words[start:] for start in range(LOOP)), strict=False))
    return 1 - len(set(phrases)) / len(phrases) if phrases else 0.0
