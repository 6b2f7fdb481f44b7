"""Where a function is 0."""

from __future__ import annotations

from collections.abc import Callable


def root(function: Callable[[float], float], start: float, end: float, within: float) -> float:
    """Where a continuous function changes its sign, by bisection.

    SciPy's root finders would need fewer steps, but loading them takes longer than all of ours.

    Args:
        function: of different signs at start and end.
        start: one side.
        end: the other side, above or below.
        within: how far from the root the result may be.
    """
    rising = function(start) < 0
    while abs(end - start) > 2.0 * within:
        middle = (start + end) / 2.0
        if middle in {start, end}:  # neighbours: no number lies between
            break
        if (function(middle) < 0) == rising:
            start = middle
        else:
            end = middle
    return (start + end) / 2.0
