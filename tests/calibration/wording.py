"""How often rewording convicts honest models, and finds those that depend on the wording.

Run `python -m tests.calibration.wording`. A model answers as in `models`; a rewording makes a
prompt harder by some logits. A model that depends on the wording is right on a share of the prompts
only as they are worded. A base that guesses says one class of five, whatever it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from evalkit.stats.rewording import Asked, excess_cost
from evalkit.stats.samples import ALPHA, floats
from evalkit.verdict.signals import level_of
from tests.calibration.cells import Bound, Cell, Figures, Generator, show
from tests.calibration.models import KEPT

REWORDINGS: Final = 3
POINTS_ALONE: Final = "in points alone"
HONEST: Final[Mapping[str, Bound]] = {"mild or strong": (0.0, 0.05)}


@dataclass(frozen=True, slots=True)
class Wording:
    """A base, a tuned model and what rewording does to them.

    Attributes:
        skill: of the base, in logits.
        gain: of the tuned model over the base, in logits.
        harder: by how many logits a rewording makes a prompt harder, on average.
        guesses: share of the prompts that either model answers rightly without reading them.
        worded: share of the prompts that the tuned model knows as they are worded.
    """

    skill: float = 0.0
    gain: float = 1.0
    harder: float = 0.5
    guesses: float = 0.0
    worded: float = 0.0


def asked(generator: Generator, n: int, truth: Wording) -> tuple[Asked, Asked]:
    """What base and tuned model score on n prompts and their rewordings."""
    ease = generator.normal(truth.skill, 1.0, n)
    cost = generator.exponential(truth.harder, (REWORDINGS, n))
    luck, other_luck = generator.logistic(size=(2, n))
    tuned_luck = np.where(generator.random(n) < KEPT, luck, other_luck)
    known = generator.random(n) < truth.worded
    found = []
    for margin, worded in (
        (ease + luck, np.zeros(n, np.bool_)),
        (ease + truth.gain + tuned_luck, known),
    ):
        guessed = generator.random(n) < truth.guesses
        original = (margin > 0) | guessed | worded
        reworded = (margin - cost > 0) | guessed
        chance = np.full(n, truth.guesses)
        found.append(Asked(floats(original), reworded.mean(axis=0), chance))
    return found[0], found[1]


def levels(generator: Generator, draws: int, *, truth: Wording, n: int) -> Figures:
    """The signal's level before it is adjusted with others, and what points alone would say."""
    found = dict.fromkeys(("mild or strong", "strong", "none", POINTS_ALONE), 0)
    for _ in range(draws):
        base, tuned = asked(generator, n, truth)
        excess = excess_cost(tuned, base, generator)
        level = level_of(excess.p, excess.low, excess.high)
        found["mild or strong"] += level in {"mild", "strong"}
        found["strong"] += level == "strong"
        found["none"] += level == "none"
        found[POINTS_ALONE] += excess.p_points <= ALPHA
    return {name: count / draws for name, count in found.items()}


SITUATIONS: Mapping[str, tuple[Wording, Mapping[str, Bound]]] = {
    "honest": (Wording(), HONEST),
    "honest, rewording costs much": (Wording(harder=1.5), HONEST),
    "honest, rewording costs nothing": (Wording(harder=0.0), HONEST),
    "honest, weak base": (Wording(skill=-3.0, gain=3.0), HONEST),
    "honest, base that knows nothing": (Wording(skill=-9.0, gain=11.0), HONEST),
    "honest, base that only guesses": (Wording(skill=-9.0, gain=11.0, guesses=0.2), HONEST),
    "honest, no better than the base": (Wording(gain=0.0), HONEST),
    "10 points depend on the wording": (Wording(worded=0.35), {}),
    "20 points depend on the wording": (Wording(worded=0.7), {}),
    "20 points depend on the wording, weak base": (
        Wording(skill=-3.0, gain=1.5, worded=0.25),
        {},
    ),
}

CELLS = tuple(
    Cell("wording", f"n = {n}: {name}", partial(levels, truth=truth, n=n), 2_000, bounds)
    for n in (100, 200)
    for name, (truth, bounds) in SITUATIONS.items()
)

if __name__ == "__main__":
    show(CELLS)
