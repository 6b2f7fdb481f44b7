"""Oracle: multisets of n-grams, counted one by one."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from operator import or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scorers import spelling
from evalkit.scorers.ngrams import (
    Batch,
    closest_lengths,
    common_items,
    f_measure,
    lengths,
    matches,
    totals,
)
from evalkit.scorers.spelling import Speller, Words

TEXT = st.lists(st.sampled_from(["red", "reds", "blue", "кот"]), max_size=9).map(" ".join)
EXAMPLES = st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=4)
Examples = list[tuple[str, list[str]]]
SPACED = Words(str.split, lambda word: (word,))
SINGULAR = Words(str.split, lambda word: (word.removesuffix("s"),))
LETTERS = Words(str.split, list)


def batch(examples: Examples, words: Words = SPACED) -> Batch:
    return Speller(words).batch(*zip(*examples, strict=True))


def grams(text: str, order: int, words: Words = SPACED) -> Counter[tuple[str, ...]]:
    cut = words(text)
    return Counter(tuple(cut[at : at + order]) for at in range(len(cut) - order + 1))


@pytest.mark.parametrize("words", [SPACED, SINGULAR, LETTERS])
@given(examples=EXAMPLES)
def test_matches(words: Words, examples: Examples) -> None:
    found = batch(examples, words)
    most = [
        [reduce(or_, (grams(text, n, words) for text in accepted)) for n in range(1, 5)]
        for _, accepted in examples
    ]
    assert matches(found, 4).tolist() == [
        [(grams(said, n, words) & most[row][n - 1]).total() for n in range(1, 5)]
        for row, (said, _) in enumerate(examples)
    ]
    assert totals(found.said, 3).tolist() == [
        [grams(said, n, words).total() for n in range(1, 4)] for said, _ in examples
    ]


@given(TEXT, TEXT)
def test_matches_of_words_that_are_not_spelled(said: str, wanted: str) -> None:
    expected = (Counter(said.split()) & Counter(wanted.split())).total()
    assert common_items(said.split(), wanted.split()) == expected


@given(EXAMPLES)
def test_each_reference_by_itself(examples: Examples) -> None:
    found = batch(examples)
    pairs = [(said, text) for said, accepted in examples for text in accepted]
    hits = matches(found.pairs, 2)
    assert hits.tolist() == [
        [(grams(said, n) & grams(text, n)).total() for n in (1, 2)] for said, text in pairs
    ]
    values = hits[:, 0].astype(float)
    rows = iter(values.tolist())
    owned = [[next(rows) for _ in accepted] for _, accepted in examples]
    assert found.best(values).tolist() == [max(row) for row in owned]
    assert [
        int(row - start) for row, start in zip(found.best_rows(values), found.starts, strict=True)
    ] == [row.index(max(row)) for row in owned]


@given(EXAMPLES)
def test_the_closest_length_is_that_of_a_reference(examples: Examples) -> None:
    assert closest_lengths(batch(examples)).tolist() == [
        min((abs(len(text.split()) - len(said.split())), len(text.split())) for text in accepted)[1]
        for said, accepted in examples
    ]


def test_f_measure_is_the_harmonic_mean() -> None:
    hits, reference, prediction = lengths(["abc", "", ""]), lengths(["abcd", "", "a"]), [6, 0, 2]
    found = f_measure(hits, reference, lengths(["." * n for n in prediction]))
    assert found.tolist() == [2 * 0.5 * 0.75 / 1.25, 0, 0]


@given(EXAMPLES)
def test_spelled_texts_are_equal_where_their_words_are(examples: Examples) -> None:
    for words in (SPACED, SINGULAR, LETTERS):
        texts = [said for said, _ in examples]
        spelled = Speller(words).spell(texts)
        for one, text in zip(spelled, texts, strict=True):
            assert len(one) == len(words(text))
            for other, another in zip(spelled, texts, strict=True):
                assert (one == other) == (words(text) == words(another))


def counting(cuts: list[str]) -> Words:
    def pieces(text: str) -> list[str]:
        cuts.append(text)
        return text.split()

    return Words(pieces, lambda word: (word,))


def test_batches_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "MOST_REMEMBERED", 4)
    cuts: list[str] = []
    speller = Speller(counting(cuts))
    for prediction in ("a", "a", "b", "c", "a"):
        assert len(speller.batch([prediction], [["x"]]).said[0]) == 1
    assert [text for text in cuts if text != "x"] == ["a", "b", "c", "a"]


def test_an_alphabet_ends_between_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "MOST_CHARACTERS", 2)
    speller = Speller(SPACED)
    first = speller.spell(["a b", "c d e f"])
    assert len(set("".join(first))) == 6
    assert speller.spell(["f e"]) == [first[0]]


def test_letters_skip_what_is_no_character() -> None:
    words = [str(number) for number in range(0xD800 + 10)]
    (spelled,) = Speller(SPACED).spell([" ".join(words)])
    assert len(set(spelled)) == len(words)
    assert spelled.encode()


def test_more_words_than_there_are_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "CHARACTERS", 2)
    with pytest.raises(ValueError, match="more than 2 different words in one batch"):
        Speller(SPACED).batch(["a b"], [["c"]])
