from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalkit.runner.width import Width
from evalkit.schema import Answer


def answer_round(width: Width, seconds: float, tokens: int, order: int = 1000) -> None:
    for _ in range(max(8, width.limit)):
        width.answered(Answer("x", completion_tokens=tokens, seconds=seconds), order, order)


def test_it_starts_at_what_the_user_chose_and_never_passes_it() -> None:
    width = Width(32)
    for _ in range(5):
        answer_round(width, 0.1, 10)
    assert (width.limit, width.halvings) == (32, 0)


def test_the_trouble_of_one_round_costs_one_halving() -> None:
    width = Width(32)
    for order in range(32):
        width.congested(order, 32)
    assert (width.limit, width.halvings) == (16, 1)
    width.congested(32, 40)
    assert width.limit == 8


def test_answers_to_what_was_sent_before_a_halving_say_nothing() -> None:
    width = Width(32)
    width.congested(0, 32)
    for _ in range(3):
        answer_round(width, 0.1, 10, order=31)
    assert width.limit == 16


def test_it_grows_again_while_answers_come() -> None:
    width = Width(32)
    width.congested(0, 1)
    sizes = []
    for _ in range(5):
        answer_round(width, 0.1, 10)
        sizes.append(width.limit)
    assert sizes == [20, 24, 28, 32, 32]


def test_latency_that_clearly_rises_halves_it_once() -> None:
    width = Width(32)
    for _ in range(3):
        answer_round(width, 0.1, 10)
    answer_round(width, 0.3, 10)
    assert width.limit == 16
    answer_round(width, 0.3, 10)  # this is how it is from now on
    assert (width.limit, width.halvings) == (20, 1)


def test_longer_or_shorter_answers_are_no_congestion() -> None:
    width = Width(32)
    answer_round(width, 0.1, 10)
    answer_round(width, 1.0, 200)
    answer_round(width, 0.1, 1)
    assert width.halvings == 0


@given(st.integers(1, 200), st.lists(st.booleans(), max_size=60))
def test_it_stays_between_floor_and_ceiling(ceiling: int, troubles: list[bool]) -> None:
    width = Width(ceiling)
    for order, trouble in enumerate(troubles):
        if trouble:
            width.congested(order, order)
        else:
            answer_round(width, 0.1, 10, order)
        assert 1 <= width.floor <= width.limit <= ceiling
