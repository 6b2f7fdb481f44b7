"""Oracle: nltk's stemmer in its default mode, which rouge-score uses."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer

from evalkit.scorers.porter import IRREGULAR, STEP_2, STEP_3, STEP_4, porter

ENDINGS = (
    *STEP_2, *STEP_3, *STEP_4, "sion", "ion", "logi", "s", "es", "ies", "ss", "sses", "ed", "ied",
    "eed", "ing", "ated", "izing", "bling", "y", "ly", "e", "ll",
)  # fmt: skip
LETTERS = ("etaoinshrdlucmfwyp", "aeybl", "ylsze", "abcdefghijklmnopqrstuvwxyz09")
ORACLE = PorterStemmer()


@pytest.mark.parametrize("letters", LETTERS)
def test_words_with_every_row_of_endings_have_the_stems_of_nltk(letters: str) -> None:
    rng = random.Random(letters)
    for _ in range(10_000):
        start = "".join(rng.choices(letters, k=rng.randint(0, 7)))
        word = start + "".join(rng.choices(ENDINGS, k=rng.randint(0, 3)))
        assert porter(word) == ORACLE.stem(word)


@given(st.text(alphabet="aeiouybcdlstz'é北", max_size=12))
def test_any_word_has_the_stem_of_nltk(word: str) -> None:
    assert porter(word) == ORACLE.stem(word)


def test_irregular_words() -> None:
    assert {word: ORACLE.stem(word) for word in IRREGULAR} == IRREGULAR
    assert all(word in IRREGULAR for word in ORACLE.pool)
