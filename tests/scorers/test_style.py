from __future__ import annotations

import pytest

from evalkit.scorers import info
from evalkit.scorers.style import length, repetition


def test_length_counts_words_and_unspaced_characters() -> None:
    assert length("two words", [""]) == 2
    assert length("  ", [""]) == 0
    assert length("北京 yes", [""]) == 3
    assert (info(length).unit, info(length).better) == ("words", 0)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0.0),
        ("one two three", 0.0),
        ("one two three four five", 0.0),
        ("a b c d a b c d", 1 / 5),
        ("go " * 10, 6 / 7),
        ("Go go GO go go", 1 / 2),
    ],
)
def test_repetition(text: str, share: float) -> None:
    assert repetition(text, [""]) == pytest.approx(share)
    assert info(repetition).better == -1
