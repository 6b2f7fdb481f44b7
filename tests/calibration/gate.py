"""How often the gate is wrong, and how often undecided: `python -m tests.calibration.gate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Final

from evalkit.stats.binary import mcnemar_midp
from evalkit.stats.decisions import Decision, OneSided, binary_decision, pooled, three_way
from evalkit.stats.families import holm
from evalkit.stats.paired import standard_error
from evalkit.stats.samples import floats
from tests.calibration.cells import Bound, Cell, Figures, Generator, show, tables

MARGIN: Final = 0.05
ALPHA: Final = 0.05
DISAGREEMENT: Final = 0.10
FALSE_FAIL: Final[Mapping[str, Bound]] = {"FAIL": (0.0, 0.06)}
FALSE_PASS: Final[Mapping[str, Bound]] = {"PASS": (0.0, 0.06)}

Counts = tuple[int, int, int]
"""Wins, losses and pairs of one suite."""


@cache
def decision(wins: int, losses: int, n: int) -> OneSided:
    return binary_decision(wins, losses, n, MARGIN)


def one_suite(generator: Generator, draws: int, *, n: int, delta: float) -> Figures:
    """The three-way rule on one suite, beside rules that look at the mean or at p < .05 alone."""
    del generator, draws
    found = dict.fromkeys((*VERDICTS, *PEERS), 0.0)
    for wins, losses, weight in tables(n, DISAGREEMENT, delta):
        found[three_way(decision(wins, losses, n))] += weight
        for name, alarms in PEERS.items():
            found[name] += weight * alarms((wins - losses) / n, mcnemar_midp(wins, losses))
    return found


VERDICTS: tuple[Decision, ...] = ("FAIL", "INCONCLUSIVE", "PASS")


def significant(delta: float, p: float) -> bool:
    return delta < 0 and p < ALPHA


PEERS: Mapping[str, Callable[[float, float], bool]] = {
    "mean dropped": lambda delta, _: delta < 0,
    "mean dropped > 5 points": lambda delta, _: delta < -MARGIN - 1e-12,
    "dropped, p < .05": significant,
}
"""What other tools alarm on: (difference, two-sided p-value) -> alarm."""


def all_suites(suites: Sequence[Counts]) -> Decision:
    """The default rule over the suites of one model, from evalkit's p-values.

    FAIL if on any suite a loss is certain after Holm and not certainly inside the margin; PASS if
    none fails and the mean change over the suites is not worse than the margin.
    """
    found = [decision(*suite) for suite in suites]
    worse = holm([p.worse for p in found])
    if any(p <= ALPHA and one.noninferior > ALPHA for p, one in zip(worse, found, strict=True)):
        return "FAIL"
    values = [(wins - losses) / n for wins, losses, n in suites]
    errors = [error(*suite) for suite in suites]
    passed = pooled(values, errors).decision(MARGIN).noninferior <= ALPHA
    return "PASS" if passed else "INCONCLUSIVE"


@cache
def error(wins: int, losses: int, n: int) -> float:
    """Standard error of the change on one suite, as the gate computes it."""
    return standard_error(floats([1] * wins + [-1] * losses + [0] * (n - wins - losses)))


def several(generator: Generator, draws: int, *, n: int, deltas: Sequence[float]) -> Figures:
    """The three-way rule on several suites of one model."""
    counts = [
        generator.multinomial(
            n,
            [(DISAGREEMENT + d) / 2, (DISAGREEMENT - d) / 2, 1 - DISAGREEMENT],
            size=draws,
        )
        for d in deltas
    ]
    found = Counter(
        all_suites([(int(wins), int(losses), n) for wins, losses, _ in suites])
        for suites in zip(*counts, strict=True)
    )
    return {name: found[name] / draws for name in VERDICTS}


def bounds(delta: float) -> Mapping[str, Bound]:
    if delta == 0:
        return FALSE_FAIL
    return FALSE_PASS if delta <= -MARGIN else {}


FIVE: Mapping[str, Sequence[float]] = {
    "no change on any": (0, 0, 0, 0, 0),
    "5 points worse on each": (-0.05,) * 5,
    "10 points worse on one": (-0.10, 0, 0, 0, 0),
    "5 points worse on one, 3 better on four": (-0.05, 0.03, 0.03, 0.03, 0.03),
}

CELLS = (
    *(
        Cell(
            "gate",
            f"one suite, n = {n}, true change {100 * delta:+.0f} points",
            partial(one_suite, n=n, delta=delta),
            bounds=bounds(delta),
        )
        for n in (100, 200, 500)
        for delta in (0.0, -0.05, -0.08)
    ),
    *(
        Cell(
            "gates",
            f"five suites, n = 200 each: {name}",
            partial(several, n=200, deltas=deltas),
            20_000,
            FALSE_FAIL if not any(deltas) else FALSE_PASS if min(deltas) == max(deltas) else {},
        )
        for name, deltas in FIVE.items()
    ),
)

if __name__ == "__main__":
    show(CELLS)
