from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scorers.sentences import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Ward met J. Smith at 3.15 p.m. today. Then?", None),
        ('He said "stop." Then he left.', ['He said "stop."', "Then he left."]),
        ("Wait... what?! Yes", ["Wait...", "what?!", "Yes"]),
        ("a line\nanother line\n\n", ["a line", "another line"]),
        ("Prof.\nSmith", ["Prof.", "Smith"]),
        ("So did I. We left.", ["So did I.", "We left."]),
        ("今日は雨。明日は「雪。」本当\uff1f", ["今日は雨。", "明日は「雪。」", "本当\uff1f"]),
        ("यह घर है। वह पेड़ है।", ["यह घर है।", "वह पेड़ है।"]),
        ("أين أنت؟ هنا.", ["أين أنت؟", "هنا."]),
        ("", []),
        ("...", ["..."]),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = ["Dr. Ward met J. Smith at 3.15 p.m. today.", "Then?"]
    assert sentences(text) == expected


@given(st.text(alphabet='ab. !?"\n。Dr', max_size=60))
def test_nothing_is_lost_but_white_space(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    assert all(sentence == sentence.strip() != "" for sentence in sentences(text))
