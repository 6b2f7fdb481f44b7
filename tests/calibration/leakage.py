"""How much planted leakage is found, and how many honest prompts are accused.

Run `python -m tests.calibration.leakage`. Training data holds 500 prompts of each of five kinds;
test prompts are new ones of the same kinds, and training prompts planted in four ways.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from evalkit.data import find_leaks
from evalkit.schema import Example, Message
from evalkit.stats.samples import rng
from tests.calibration.cells import Bound, Cell, Figures, Generator, show
from tests.calibration.markdown import markdown
from tests.data.planted import (
    KINDS,
    NAMES,
    WAYS,
    heavily_reworded,
    lightly_reworded,
    prompt,
)

TRAINED: Final = 500
"""Training prompts of each kind."""
ASKED: Final = 20
"""Test prompts of each kind and way; as many honest ones as planted ones."""
HONEST: Final = "honest"
FORMS: Final = 100
"""Forms of which training has but a few prompts."""
REWORDED: Final = (lightly_reworded, heavily_reworded)

FOUND: Mapping[str, Bound] = {
    HONEST: (0.0, 0.03),
    "exact": (1.0, 1.0),
    "reformatted": (1.0, 1.0),
    "lightly reworded": (0.95, 1.0),
    "heavily reworded": (0.5, 1.0),
}
"""How a test prompt came about -> share of these that is said to leak."""


def scanned(generator: Generator, wordings: int = 1) -> Iterator[tuple[str, str, str]]:
    """(kind of prompt, how it came about, kind of leak or "") of every prompt of a test split.

    Args:
        generator: of the prompts.
        wordings: in how many wordings training holds what was planted.
    """
    dice = random.Random(int(generator.integers(1 << 62)))
    train, test = list[str](), list[tuple[str, str, str]]()
    for kind in KINDS:
        own = [prompt(kind, dice) for _ in range(TRAINED)]
        train += own
        test += [(kind, HONEST, prompt(kind, dice)) for _ in range(ASKED * len(WAYS))]
        for way, planted in WAYS.items():
            sources = dice.sample(own, ASKED)
            test += [(kind, way, planted(text, dice)) for text in sources]
            for _ in range(1, wordings):
                train += [dice.choice(REWORDED)(text, dice) for text in sources]
    leaks = find_leaks("planted", "train", examples(text for *_, text in test), examples(train))
    found = {leak.test_id: leak.kind for leak in leaks}
    for number, (kind, way, _) in enumerate(test):
        yield kind, way, found.get(str(number), "")


def examples(texts: Iterable[str]) -> list[Example]:
    """Rows that ask these texts; the number of a row is its id."""
    return [
        Example(str(number), text, (Message("user", text),), ("x",))
        for number, text in enumerate(texts)
    ]


def found_share(generator: Generator, draws: int, way: str, wordings: int = 1) -> Figures:
    """Of the prompts that came about in one way, the share that is said to leak."""
    counts = _counted(generator, draws, ASKED * (len(WAYS) if way == HONEST else 1), wordings)
    leaks = sum(count for (own, kind), count in counts.items() if own == way and kind)
    return {"said to leak": leaks / sum(c for (own, _), c in counts.items() if own == way)}


def precision(generator: Generator, draws: int) -> Figures:
    """Of the prompts that are said to leak, the share that was planted."""
    counts = _counted(generator, draws, 2 * ASKED * len(WAYS))
    accused = {key: count for key, count in counts.items() if key[1]}
    planted = sum(count for (way, _), count in accused.items() if way != HONEST)
    return {"precision": planted / sum(accused.values())}


def of_one_form(generator: Generator, draws: int, rows: int) -> Figures:
    """Honest prompts that differ from so many training prompts in a name alone: share reworded.

    Those that share 13 words in a row with a training prompt are left out.
    """
    accused = asked = 0
    for _ in range(max(1, draws // FORMS)):
        dice = random.Random(int(generator.integers(1 << 62)))
        train = [prompt(kind, dice) for kind in KINDS for _ in range(TRAINED)]
        test = []
        for _ in range(FORMS):
            words = prompt(dice.choice(KINDS), dice).split(" ")
            place = dice.randrange(1, len(words))
            own = [
                " ".join([*words[:place], name, *words[place:]])
                for name in dice.sample(NAMES, rows + 1)
            ]
            train += own[1:]
            test.append(own[0])
        leaks = find_leaks("planted", "train", examples(test), examples(train))
        accused += sum(leak.kind == "reworded" for leak in leaks)
        asked += len(test) - sum(leak.kind != "reworded" for leak in leaks)
    return {"said to leak": accused / asked}


def _counted(
    generator: Generator, draws: int, each: int, wordings: int = 1
) -> Counter[tuple[str, str]]:
    """How often each (way, kind of leak) comes up, over as many splits as the draws need."""
    splits = max(1, draws // (each * len(KINDS)))
    return Counter(
        (way, kind) for _ in range(splits) for _, way, kind in scanned(generator, wordings)
    )


CELLS = [
    *(
        Cell("leakage", way, partial(found_share, way=way), 1_000, {"said to leak": bound})
        for way, bound in FOUND.items()
    ),
    Cell(
        "leakage", "half of them planted, half honest", precision, 4_000, {"precision": (0.95, 1.0)}
    ),
    *(
        Cell(
            "leakage",
            f"{way}, what training has in {wordings} wordings",
            partial(found_share, way=way, wordings=wordings),
            1_000,
        )
        for way in ("lightly reworded", "heavily reworded")
        for wordings in (2, 3)
    ),
    *(
        Cell(
            "leakage",
            f"honest, another name in a form that training has {often}",
            partial(of_one_form, rows=rows),
            1_000,
        )
        for rows, often in ((1, "once"), (2, "twice"), (3, "three times"))
    ),
]


def by_kind(generator: Generator, splits: int) -> str:
    """What was found, as a table: kinds of prompts by the ways in which they came about."""
    rows = Counter(row for _ in range(splits) for row in scanned(generator))
    found = Counter((kind, way) for kind, way, leak in rows.elements() if leak)
    of = Counter((kind, way) for kind, way, _ in rows.elements())
    share = {key: found[key] / of[key] for key in of}
    lines = [[kind, *(f"{share[kind, way]:.3f}" for way in FOUND)] for kind in KINDS]
    return markdown(["said to leak", *FOUND], lines)


if __name__ == "__main__":
    sys.stdout.write(f"{by_kind(rng('leakage'), 10)}\n\n")
    show(CELLS)
