"""TER. Oracle: sacrebleu as its users call it, where it applies; a table by hand where it does not.

Ours asks sacrebleu itself about pairs of at most 200 words, so equality there says that nothing is
lost on the way: case, several references (and sums, in tests/scorers/test_ter.py). What no call of
sacrebleu's stands behind is tested apart: the bounds that hold for every correct count of edits,
and texts of more than 200 words.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
import sacrebleu
from sacrebleu.metrics import TER

from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, make_scorers
from evalkit.scorers.ter import MOST_WORDS
from tests.scorers.agreement import Pair, Pairs, agree, require_hard
from tests.scorers.conftest import WORDS, generate, hard


def made() -> Scorer:
    return make_scorers(["ter"], SuiteConfig(name="demo", task="translation"), [["a"]])[0]


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Pairs whose order differs, of up to 9 words, with a few of 80."""
    return [*generate(71, 2200, WORDS, lengths=(1, 4, 9)), *medium()]


def medium() -> list[Pair]:
    random_ = random.Random(72)
    text = random_.choices([f"w{n}" for n in range(60)], k=80)
    moved = text[30:40] + text[:30] + text[40:]
    return [
        (" ".join(moved), [" ".join(text)]),
        (" ".join(text), [" ".join(text)]),
        (" ".join(WORDS[:20] * 4), [" ".join(WORDS[:20] * 3), "x"]),
    ]


def test_ter_of_ordinary_texts(pairs: Pairs) -> None:
    def theirs(said: str, references: list[str]) -> float:
        return float(sacrebleu.sentence_ter(said, references).score) / 100

    agree(made(), theirs, pairs, without={"5,000 tokens"})


def table(said: list[str], wanted: list[str]) -> int:
    """Edits without shifts: the table of the definition."""
    row = list(range(len(wanted) + 1))
    for i, word in enumerate(said, 1):
        above, row = row, [i]
        for j, other in enumerate(wanted, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (word != other)))
    return row[-1]


def test_edits_lie_between_what_order_cannot_help_and_what_it_costs(pairs: Pairs) -> None:
    """Shifts cannot supply words, so the bags' edits are needed; they only ever save."""
    ours = made()
    saved = 0
    for said, references in pairs:
        edits, words = ours.stats(said, references)
        mine, theirs = said.lower().split(), [text.lower().split() for text in references]
        assert words == pytest.approx(sum(map(len, theirs)) / len(theirs))
        bags = [max(len(mine), len(each)) - (Counter(mine) & Counter(each)).total()
                for each in theirs]  # fmt: skip
        unshifted = min(table(mine, each) for each in theirs)
        assert min(bags) <= edits <= unshifted
        saved += edits < unshifted
    assert saved > 50


def test_ter_of_long_texts_is_that_without_shifts() -> None:
    """2,000 pairs, most of them beside a text of more than 200 words, and 5,000 against 200."""
    random_ = random.Random(73)
    words = random_.choices([*WORDS, *(f"w{n}" for n in range(300))], k=5000)
    short = generate(74, 1990, WORDS, lengths=(1, 4, 9))
    capped: list[Pair] = [
        (said, [*refs, " ".join(words[: MOST_WORDS + 1])]) for said, refs in short
    ]
    capped += [
        (" ".join(words), [" ".join(words[:200])]),
        (" ".join(words[:260]), [" ".join(words[10:250])]),
        (" ".join(words[:210]), [" ".join(words[:210])]),
        (" ".join(reversed(words[:210])), [" ".join(words[:210])]),
        *hard(WORDS),
    ]
    ours = made()
    require_hard(capped)
    for said, references in capped:
        lengths = [len(text.split()) for text in (said, *references)]
        if max(lengths) <= MOST_WORDS or sorted(lengths)[-2] > 300:
            continue  # not capped; too long for a table by hand
        edits, _ = ours.stats(said, references)
        mine = said.lower().split()
        assert edits == min(table(mine, text.lower().split()) for text in references)


def test_what_the_cap_changes() -> None:
    """Nothing where no shift helps; where one does, its words are counted one by one."""
    random_ = random.Random(75)
    words = [f"w{n}" for n in range(MOST_WORDS + 20)]
    replaced = [word if random_.random() < 0.9 else "other" for word in words]
    moved = words[50:60] + words[:50] + words[60:]
    text = " ".join(words)
    ours = made()
    for said, difference in ((replaced, 0), (words[:-15], 0), (moved, 19)):
        theirs = TER().sentence_score(" ".join(said), [text])
        edits, length = ours.stats(" ".join(said), [text])
        assert (edits - theirs.num_edits, length) == (difference, theirs.ref_length)
    within = " ".join(moved[:MOST_WORDS])
    assert ours.stats(within, [" ".join(words[:MOST_WORDS])])[0] == 1
