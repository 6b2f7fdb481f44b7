"""How often honest models are accused, and overfitted ones caught.

Run `python -m tests.calibration.overfit`; the simulated models are in `models`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from evalkit.schema import Level
from evalkit.verdict import Evidence, overfit, overfit_levels
from tests.calibration.cells import Bound, Cell, Figures, Generator, show
from tests.calibration.models import PHRASES, Show, Sizes, Truth, long, short

HONEST: Final[Mapping[str, Bound]] = {"mild or strong": (0.0, 0.05)}
CAUGHT: Final[Mapping[str, Bound]] = {"mild or strong": (0.97, 1.0)}
ACCUSED: tuple[Level, ...] = ("mild", "strong")
NAIVE: Final = 0.1
"""A training score this much above the test score is what other tools alarm on."""
TOGETHER: Final = 50
"""Models that are judged in one call; each is a family of its own."""
NAIVE_RULE: Final = "train - test > 10 points"


def verdicts(
    generator: Generator,
    draws: int,
    *,
    truth: Truth,
    sizes: Sizes,
    shown_as: Show = short,
    suites: int = 1,
) -> Figures:
    """The gravest verdict over the suites, and what the naive rule says of the first."""
    found = dict.fromkeys(("mild or strong", "strong", "none", NAIVE_RULE), 0)
    for start in range(0, draws, TOGETHER):
        models = [f"tuned {i}" for i in range(start, min(start + TOGETHER, draws))]
        pieces = [shown_as(generator, truth, sizes, name) for name in models for _ in range(suites)]
        levels = overfit_levels(overfit(pieces))
        found["mild or strong"] += sum(levels[name] in ACCUSED for name in models)
        found["strong"] += sum(levels[name] == "strong" for name in models)
        found["none"] += sum(levels[name] == "none" for name in models)
        found[NAIVE_RULE] += sum(map(naive, pieces[::suites]))
    return {name: count / draws for name, count in found.items()}


def naive(evidence: Evidence) -> bool:
    """What a rule on the tuned model's scores alone says."""
    new = evidence.pairs(evidence.train).new, evidence.pairs(evidence.test).new
    return bool(new[0].mean() - new[1].mean() > NAIVE)


WEAK: Final = Truth(skill=-3.0, gain=3.0)
LEARNT: Final = Truth(memorised=0.20)
RESTLESS: Final = replace(LEARNT, kept=0.0)

SITUATIONS: Mapping[str, tuple[Truth, Mapping[str, Bound]]] = {
    "honest, splits alike": (Truth(), HONEST),
    "honest, test harder": (Truth(harder=1.0), HONEST),
    "honest, test easier": (Truth(harder=-1.0), HONEST),
    "honest, weak base": (WEAK, HONEST),
    "honest, weak base, test harder": (replace(WEAK, harder=1.0), HONEST),
    "honest, weak base, test easier": (replace(WEAK, harder=-1.0), HONEST),
    "honest, gain in points, test harder": (Truth(additive=True, harder=1.0), HONEST),
    "honest, gain in points, test easier": (Truth(additive=True, harder=-1.0), HONEST),
    "10 points memorised": (Truth(memorised=0.10), {}),
    "20 points memorised": (LEARNT, CAUGHT),
    "20 points memorised, test harder": (replace(LEARNT, harder=1.0), CAUGHT),
    "20 points memorised, test easier": (replace(LEARNT, harder=-1.0), CAUGHT),
    "20 points memorised, 43 % disagree": (RESTLESS, CAUGHT),
    "20 points memorised, 43 % disagree, test harder": (replace(RESTLESS, harder=1.0), CAUGHT),
    "4 points memorised, base near its ceiling": (Truth(skill=2.5, memorised=0.04), {}),
}
LONG: Mapping[str, tuple[Truth, Show, Mapping[str, Bound]]] = {
    "long answers in a house style: honest": (Truth(), partial(long, phrases=PHRASES), HONEST),
    "long answers in a house style: 20 points memorised": (
        LEARNT,
        partial(long, phrases=PHRASES),
        CAUGHT,
    ),
    "long answers: 20 points memorised, and repeated where unsure": (
        LEARNT,
        partial(long, parrots=True),
        CAUGHT,
    ),
}

CELLS = (
    *(
        Cell(
            "overfit",
            f"n = {n}: {name}",
            partial(verdicts, truth=truth, sizes=Sizes(n, n)),
            10_000 if bounds == HONEST else 4_000,
            bounds,
        )
        for n in (200, 500)
        for name, (truth, bounds) in SITUATIONS.items()
    ),
    *(
        Cell(
            "overfit",
            f"{sizes.train} training and {sizes.test} test prompts: honest, weak base",
            partial(verdicts, truth=WEAK, sizes=sizes),
            4_000,
            HONEST,
        )
        for sizes in (Sizes(60, 300), Sizes(300, 60))
    ),
    Cell(
        "overfit",
        "n = 200, three suites: honest, splits alike",
        partial(verdicts, truth=Truth(), sizes=Sizes(200, 200), suites=3),
        4_000,
        HONEST,
    ),
    *(
        Cell(
            "overfit",
            f"n = 200, {name}",
            partial(verdicts, truth=truth, sizes=Sizes(200, 200), shown_as=shown_as),
            2_000,
            bounds,
        )
        for name, (truth, shown_as, bounds) in LONG.items()
    ),
)

if __name__ == "__main__":
    show(CELLS)
