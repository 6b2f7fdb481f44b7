"""Oracle: multisets of n-grams, counted one by one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scorers import spelling
from evalkit.scorers.ngrams import (
    closest_length,
    common_items,
    common_pairs,
    common_words,
    count,
    matches,
    matches_of_many,
)
from evalkit.scorers.spelling import Speller

TEXT = st.text(alphabet="abcd", max_size=14) | st.text(max_size=8)


def grams(text: str, order: int) -> Counter[str]:
    return Counter(text[at : at + order] for at in range(len(text) - order + 1))


@given(TEXT, TEXT)
def test_matches_of_two_texts(said: str, wanted: str) -> None:
    expected = [(grams(said, n) & grams(wanted, n)).total() for n in range(1, 5)]
    assert matches(said, wanted, 4) == matches_of_many(said, [wanted], 4) == expected
    assert common_words(said, wanted) == common_items(list(said), list(wanted)) == expected[0]
    assert common_pairs(said, wanted) == expected[1]
    assert count(said, 3) == grams(said, 3).total()


@given(TEXT, st.lists(TEXT, min_size=1, max_size=3))
def test_matches_of_several_references_at_once(said: str, accepted: list[str]) -> None:
    expected = []
    for n in range(1, 5):
        most = Counter[str]()
        for wanted in accepted:
            most |= grams(wanted, n)
        expected.append((grams(said, n) & most).total())
    assert matches_of_many(said, accepted, 4) == expected
    closest = closest_length(said, accepted)
    assert all(abs(len(said) - closest) <= abs(len(said) - len(text)) for text in accepted)


@given(st.lists(st.lists(st.sampled_from(["red", "reds", "blue"]), max_size=6), min_size=1))
def test_spelled_texts_are_equal_where_their_words_are(texts: list[list[str]]) -> None:
    joined = [" ".join(words) for words in texts]
    spelled = Speller(str.split).spell(joined)
    assert [len(text) for text in spelled] == [len(words) for words in texts]
    for one, words in zip(spelled, texts, strict=True):
        for other, others in zip(spelled, texts, strict=True):
            assert (one == other) == (words == others)
    stemmed = Speller(str.split, lambda word: word.removesuffix("s")).spell(joined)
    stems = [[word.removesuffix("s") for word in words] for words in texts]
    for one, words in zip(stemmed, stems, strict=True):
        for other, others in zip(stemmed, stems, strict=True):
            assert (one == other) == (words == others)


def test_pairs_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    cuts: list[str] = []

    def cut(text: str) -> list[str]:
        cuts.append(text)
        return text.split()

    monkeypatch.setattr(spelling, "MOST_PAIRS", 2)
    speller = Speller(cut)
    for prediction in ("a", "a", "b", "c", "a"):
        said, (wanted,) = speller.pair(prediction, ["x"])
        assert (len(said), len(wanted), said != wanted) == (1, 1, True)
    assert [text for text in cuts if text != "x"] == ["a", "b", "c", "a"]


def test_more_words_than_there_are_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "CHARACTERS", 2)
    with pytest.raises(ValueError, match="more than 2 different words in one text"):
        Speller(str.split).pair("a b", ["c"])
