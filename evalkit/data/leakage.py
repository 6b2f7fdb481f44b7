"""Test prompts that occur in training (statistics, S6): found before anything is concluded.

What counts, the strongest first:

    exact        the same text
    normalised   the same words: Unicode NFKC, case and punctuation folded
    13-gram      13 words in a row in common (Brown et al. 2020, appendix C)
    shingles     Jaccard similarity of the sets of 5-word shingles of at least 0.8
    reworded     far more of what is rare in common with one training row than with all others:
                 see `rarity`

What makes a row a question is compared: its prompt, the fields that the suite's template places
beside it, and the turns before it; not what the suite adds to every row, and no system prompt. Of
a training conversation every user turn is a question, with what went before it.

Shingles that more than 1 % of the different training prompts share, and more than 10 of them, are
boilerplate, such as an instruction pasted into every row. They say nothing about a single row: a
13-gram with such a shingle in it doesn't count, and shingles must be similar with boilerplate and
without.

All pairs are compared, over 64-bit hashes of word sequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.data.incidence import Incidence, encode, find_boilerplate, incidence
from evalkit.data.prompts import PROMPT, Template, parse_template
from evalkit.data.rarity import find_reworded
from evalkit.data.wordings import normalise
from evalkit.schema import GRAM, SHINGLE, SIMILAR, Example, Leak

BOILERPLATE = 0.01
"""Share of training prompts above which a shingle is boilerplate, ..."""
BOILERPLATE_ROWS = 10
"""... if more than this many have it."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def find_leaks(
    suite: str,
    train_split: str,
    test: Sequence[Example],
    train: Sequence[Example],
    *,
    template: str | None = None,
) -> tuple[Leak, ...]:
    """Test rows whose prompt occurs in training: one leak each, of the strongest kind.

    Args:
        suite: name of the suite, for the records.
        train_split: name of the training split, for the records.
        test: held-out examples.
        train: what a model was trained on.
        template: the suite's template, if it has one.

    Returns:
        In the order of the test rows. Of several training rows the first is named; for 13-grams
        the first of those that share the most, for shingles the first of the most similar.
        Similarity is 1 for equal texts, for 13-grams and shingles the Jaccard similarity of
        shingles, for reworded ones that of the words, weighted by their rarity.
    """
    row_only = _row_only(template)
    learned = [
        (row, text) for row, example in enumerate(train) for text in _questions(example, row_only)
    ]
    exact = _first_rows(learned)
    normalised = _first_rows((row, normalise(text)) for row, text in learned)
    found: dict[int, Leak] = {}
    open_rows: dict[str, list[int]] = {}

    def leak(row: int, other: int, kind: str, similarity: float = 1.0) -> None:
        ids = test[row].id, train[other].id
        found[row] = Leak(suite, train_split, *ids, kind=kind, similarity=similarity)

    for row, example in enumerate(test):
        asked = _questions(example, row_only)[-1]
        text = normalise(asked)
        if asked in exact:
            leak(row, exact[asked], "exact")
        elif text and text in normalised:
            leak(row, normalised[text], "normalised")
        else:
            open_rows.setdefault(text, []).append(row)
    # Equal texts have equal neighbours, and copies must not make a text look like boilerplate.
    rows_of, other_rows = list(open_rows.values()), list(normalised.values())
    for text_number, other, kind, similarity in _similar(list(open_rows), list(normalised)):
        for row in rows_of[text_number]:
            leak(row, other_rows[other], kind, similarity)
    return tuple(found[row] for row in sorted(found))


def _row_only(template: str | None) -> Template:
    """A suite's template without its own text: only what comes from the row."""
    places = parse_template(template).places if template else ()
    others = (place for place in places if place != PROMPT)
    return Template(tuple(("\n", place) for place in (*others, PROMPT)))


def _questions(example: Example, row_only: Template) -> list[str]:
    """What each user turn of a row asks, with what went before it; the row's own question last."""
    earlier = [turn.content for turn in example.earlier]
    asked = [
        "\n".join(earlier[: number + 1])
        for number, turn in enumerate(example.earlier)
        if turn.role == "user"
    ]
    last = row_only.fill(example.prompt, example.fields)
    return [*asked, "\n".join((*earlier, last.removeprefix("\n")))]


def _first_rows(texts: Iterable[tuple[int, str]]) -> dict[str, int]:
    """Text -> first row that has it."""
    found: dict[str, int] = {}
    for row, text in texts:
        found.setdefault(text, row)
    return found


def _similar(test: Sequence[str], train: Sequence[str]) -> Iterator[tuple[int, int, str, float]]:
    """(test text, train text, kind, similarity) of the normalised texts that are nearly equal."""
    if not test or not train:
        return
    vocabulary: dict[str, int] = {}
    left, right = encode(test, vocabulary), encode(train, vocabulary)
    common = max(BOILERPLATE_ROWS, int(BOILERPLATE * len(train)))
    boilerplate = find_boilerplate(right, SHINGLE, common)
    shingles = incidence(left, right, SHINGLE, boilerplate)
    flagged = set[int]()
    for pairs in incidence(left, right, GRAM, boilerplate).sharing():
        best = _best(pairs.left, pairs.right, pairs.overlap.astype(np.float64))
        one, other = pairs.left[best], pairs.right[best]
        for text, row, similarity in zip(one, other, _jaccard(shingles, one, other), strict=True):
            flagged.add(int(text))
            yield int(text), int(row), f"{GRAM}-gram", float(similarity)
    for pairs in shingles.sharing():
        sizes = shingles.left.rare_size[pairs.left] + shingles.right.rare_size[pairs.right]
        rare = _at_least(pairs.overlap / (sizes - pairs.overlap), SIMILAR)
        one, other = pairs.left[rare], pairs.right[rare]
        similar = _jaccard(shingles, one, other)
        close = _at_least(similar, SIMILAR)
        one, other, similar = one[close], other[close], similar[close]
        for pair in _best(one, other, similar):
            if int(one[pair]) not in flagged:
                flagged.add(int(one[pair]))
                yield int(one[pair]), int(other[pair]), "shingles", float(similar[pair])
    rest = [text for text in range(len(test)) if text not in flagged]
    left = encode([test[text] for text in rest], vocabulary)
    for found in find_reworded(left, right, len(vocabulary)):
        yield rest[found.left], found.right, "reworded", found.similarity


def _jaccard(shingles: Incidence, one: Ints, other: Ints) -> Floats:
    """Size of the intersection over size of the union, pair by pair."""
    overlap = shingles.overlap(one, other)
    union = shingles.left.size[one] + shingles.right.size[other] - overlap
    shares: Floats = overlap / np.maximum(union, 1)
    return shares


def _at_least(values: Floats, bound: float) -> NDArray[np.bool_]:
    return values >= bound - 1e-12  # 4/5 must not fail by its rounding


def _best(left: Ints, right: Ints, score: Floats) -> Ints:
    """For each left text the pair of the highest score, the first right text if there are more."""
    order = np.lexsort((right, -score, left))
    first = np.ones(len(order), np.bool_)
    first[1:] = left[order][1:] != left[order][:-1]
    return order[first]
