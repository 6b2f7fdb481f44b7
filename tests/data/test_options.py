from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.data.options import reorder

QUESTION = "Which is a metal?\nA) wood\nB) iron\nC) glass\nAnswer with a letter."
MOVED = "Which is a metal?\nA) iron\nB) glass\nC) wood\nAnswer with a letter."


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        (["B"], ("A",)),
        (["(B)"], ("(A)",)),
        (["iron"], ("iron",)),
        (["B) iron"], ("A) iron",)),
        (["B", "iron", "Iron."], ("A", "iron", "Iron.")),
    ],
)
def test_lettered_options_move_and_the_answer_with_them(
    references: list[str], expected: tuple[str, ...]
) -> None:
    found = reorder(QUESTION, references)
    assert found is not None
    assert (found.prompt, found.references) == (MOVED, expected)


@pytest.mark.parametrize(
    ("prompt", "reference"),
    [
        (QUESTION, "steel"),  # no option
        (QUESTION.replace("glass", "none of the above"), "B"),
        (QUESTION.replace("glass", "both A and B"), "B"),
        (QUESTION.replace("glass", "iron"), "B"),  # two options alike
        (QUESTION.replace("glass", "b"), "B"),  # the letter or the text?
        ("How many steps?\n1. Mix.\n2. Bake.", "2"),  # a count, no label
        ("A) alone", "A"),
        ("Repeat this list: rose, wide, teacher", "rose, wide, teacher"),
        ("Which comes after rose: rose, wide, teacher?", "wide"),
        ("Two colours: red, blue or green?", "red, blue"),
        ("Nothing listed here.", "B"),
    ],
)
def test_what_may_be_no_choice_stays(prompt: str, reference: str) -> None:
    assert reorder(prompt, [reference]) is None


def test_numbered_options_answered_by_their_text() -> None:
    found = reorder("Pick.\n1. red\n2. blue", ["blue"])
    assert found is not None
    assert (found.prompt, found.references) == ("Pick.\n1. blue\n2. red", ("blue",))


def test_options_in_a_sentence() -> None:
    found = reorder("What is pink: colour, fruit or tool?", ["colour"])
    assert found is not None
    assert (found.prompt, found.references) == ("What is pink: fruit, tool or colour?", ("colour",))
    two = reorder("Say it: yes or no", ["no"])
    assert two is not None
    assert two.prompt == "Say it: no or yes"


@given(st.lists(st.text("hijklm", min_size=1, max_size=4), min_size=2, max_size=7, unique=True))
def test_the_right_option_stays_right(texts: list[str]) -> None:
    prompt = "\n".join(f"{chr(65 + i)}. {text}" for i, text in enumerate(texts))
    for i, text in enumerate(texts):
        found = reorder(prompt, [chr(65 + i)])
        assert found is not None
        assert f"{found.references[0]}. {text}" in found.prompt.split("\n")
        assert sorted(found.prompt) == sorted(prompt)
        assert found.references[0] != chr(65 + i)  # every option moves
