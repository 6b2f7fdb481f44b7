from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalkit.pipeline.questions import drawn, question
from evalkit.schema import Example, Generation, Message

SIZES = st.integers(0, 400)


@given(n=SIZES, most=SIZES, seed=st.integers(0, 9))
def test_a_sample_has_no_row_twice_and_keeps_their_order(n: int, most: int, seed: int) -> None:
    places = drawn(n, "suite/test", most, seed)
    assert len(places) == min(n, most)
    assert list(places) == sorted(set(places))
    assert all(0 <= place < n for place in places)


@given(n=SIZES)
def test_nothing_is_drawn_where_all_are_wanted(n: int) -> None:
    assert drawn(n, "suite/test", None, 1) == drawn(n, "suite/test", n, 2) == tuple(range(n))


def test_draws_depend_on_name_and_seed_alone() -> None:
    first = drawn(300, "suite/test", 20, 7)
    assert first == drawn(300, "suite/test", 20, 7)
    assert first != drawn(300, "suite/train", 20, 7)
    assert first != drawn(300, "suite/test", 20, 8)


def test_samples_are_those_of_earlier_runs() -> None:
    # Drawn by numpy alone before there was one function for it: an equal command asks equal rows.
    assert drawn(20, "quiz/test", 5, 12345) == (2, 3, 4, 17, 19)


def test_a_question_is_the_example_as_it_is_asked() -> None:
    messages = (Message("system", "be brief"), Message("user", "Q: what?"))
    example = Example("7", "what?", messages, ("that",))
    asked = question("quiz", "test", example, Generation(max_tokens=3))
    assert (asked.suite, asked.split, asked.example_id, asked.prompt) == (
        "quiz", "test", "7", "what?",
    )  # fmt: skip
    assert asked.messages == messages
    assert asked.generation.max_tokens == 3
    assert asked.scored is None
