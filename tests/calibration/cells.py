"""What a calibration study consists of: cells, each measured by one function of evalkit.

A cell is a situation whose truth is known. What evalkit says of it is counted, by enumeration of
everything that can happen where that is possible, else over seeded draws.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from evalkit.stats.samples import rng

Generator = np.random.Generator
Bools = NDArray[np.bool_]
Bound = tuple[float, float]
Figures = Mapping[str, float]

NEGLIGIBLE = 1e-13
"""Outcomes less likely than this are left out of enumerations."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A situation whose truth is known.

    Attributes:
        study: which table it belongs to.
        name: the situation, in words.
        measure: (generator, draws) -> share of each outcome.
        draws: seeded draws of a full measurement; 0 if everything that can happen is enumerated.
        bounds: what is promised: outcome -> lowest and highest share.
    """

    study: str
    name: str
    measure: Callable[[Generator, int], Figures]
    draws: int = 0
    bounds: Mapping[str, Bound] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a cell came to, as it is stored.

    Attributes:
        study: which table it belongs to.
        cell: the situation, in words.
        draws: seeded draws, 0 if enumerated.
        figures: outcome -> share.
        bounds: outcome -> lowest and highest share promised.
    """

    study: str
    cell: str
    draws: int
    figures: Figures
    bounds: Mapping[str, Bound]

    @property
    def missed(self) -> list[str]:
        """Outcomes outside their bounds."""
        return [
            name
            for name, (low, high) in self.bounds.items()
            if not low <= self.figures[name] <= high
        ]


def measured(cell: Cell, effort: float = 1.0) -> Measured:
    """Measure a cell with a part of its draws; equal efforts give equal figures."""
    draws = max(1, round(cell.draws * effort)) if cell.draws else 0
    generator = rng(f"{cell.study}/{cell.name}")
    figures = {name: round(float(v), 6) for name, v in cell.measure(generator, draws).items()}
    return Measured(cell.study, cell.name, draws, figures, dict(cell.bounds))


def noise(share: float, draws: int) -> float:
    """Standard error of a share of draws; a share near 0 or 1 is given that of one draw in all."""
    if not draws:
        return 0.0
    inside = min(max(share, 1 / draws), 1 - 1 / draws)
    return math.sqrt(inside * (1 - inside) / draws)


def show(cells: Sequence[Cell]) -> None:
    """Measure cells in full and print them one by one."""
    for cell in cells:
        found = measured(cell)
        figures = "  ".join(f"{name} {value:.4f}" for name, value in found.figures.items())
        missed = f"  MISSED {found.missed}" if found.missed else ""
        sys.stdout.write(f"{found.draws or 'exact':>6}  {found.cell}: {figures}{missed}\n")
        sys.stdout.flush()


def tables(n: int, disagreement: float, delta: float) -> Iterator[tuple[int, int, float]]:
    """All tables of n paired 0/1 values that matter: (wins, losses, probability).

    Args:
        n: pairs.
        disagreement: psi, probability that the two values of a pair differ.
        delta: true difference, first minus second.
    """
    win, loss = (disagreement + delta) / 2, (disagreement - delta) / 2
    for wins in range(n + 1):
        losses = np.arange(n - wins + 1)
        ties = n - wins - losses
        logs = gammaln(n + 1) - gammaln(wins + 1) - gammaln(losses + 1) - gammaln(ties + 1)
        logs = logs + xlogy(wins, win) + xlogy(losses, loss) + xlogy(ties, 1 - disagreement)
        weights = np.exp(logs)
        for found in np.flatnonzero(weights > NEGLIGIBLE):
            yield wins, int(found), float(weights[found])
