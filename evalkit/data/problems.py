"""Collecting what is wrong, so that a user hears of all of it at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from evalkit.errors import SHOWN_PROBLEMS, DataError, Problem


@dataclass(slots=True)
class Problems:
    """The first problems in full, the rest as a count.

    Attributes:
        first: as many as are shown.
        total: all of them.
    """

    first: list[Problem] = field(default_factory=list)
    total: int = 0

    def add(self, problem: Problem) -> None:
        """Keep one more."""
        self.total += 1
        if len(self.first) < SHOWN_PROBLEMS:
            self.first.append(problem)

    def raise_if_any(self) -> None:
        """End here if anything was wrong.

        Raises:
            DataError: with all of it.
        """
        if self.total:
            raise DataError(self.first, self.total)
