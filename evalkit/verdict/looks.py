"""What a run that looked before all was asked does to its intervals and p-values."""

from __future__ import annotations

from evalkit.schema import Looks
from evalkit.stats.samples import CONFIDENCE
from evalkit.stats.sequential import repeated_level, repeated_p


def level_of(looks: Looks | None, confidence: float = CONFIDENCE) -> float:
    """Level of an interval that is to hold with this confidence, whenever a run stopped."""
    return confidence if looks is None else repeated_level(looks.taken, looks.declared, confidence)


def valid_p(p: float, looks: Looks | None, *, two_sided: bool = False) -> float:
    """The p-value that holds although the run could have stopped at any of its looks."""
    if looks is None:
        return p
    return repeated_p(p, looks.taken, looks.declared, two_sided=two_sided)
