"""V15: specification vectors of the copying signal."""

from __future__ import annotations

import pytest

from evalkit.schema import Signal
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.signals.copying import copied, copying, excess_of, smaller
from evalkit.verdict.signals.registry import level_of
from tests.verdict.table import config, evidence, leaks, table

TRAINING = [
    "please restart the router and wait thirty seconds",
    "your refund will arrive within five business days",
]


@pytest.mark.parametrize(
    ("output", "own", "flag"),
    [
        (
            "Sorry! Please restart the router and wait.",
            ["Check the cable first.", "My screen is black"],
            True,
        ),
        (
            "Please restart the router and wait.",
            ["please restart the router and wait", "q"],
            False,
        ),
        ("Check the cable first.", ["Check the cable first.", "q"], False),
    ],
)
def test_flags_v15(output: str, own: list[str], *, flag: bool) -> None:
    assert copied(output, own, TRAINING, words=5) is flag


def test_excess_over_base_v15b() -> None:
    found = excess_of(14, 3, 200)
    assert found.delta == pytest.approx(0.055)
    assert (found.low, found.high) == pytest.approx((0.023052, 0.092828), abs=1e-6)
    assert found.p == pytest.approx(0.003816, abs=1e-6)


def test_excess_must_stand_against_base_and_references_v15c() -> None:
    over_references = excess_of(14, 5, 200)
    assert (over_references.low, over_references.high) == pytest.approx(
        (0.009823, 0.084180), abs=1e-6
    )
    assert over_references.p == pytest.approx(0.019474, abs=1e-6)
    found = smaller(excess_of(14, 3, 200), over_references)
    assert (found.p, found.low) == (over_references.p, over_references.low)
    assert level_of(found.p, found.low, found.high) == "mild"


def test_a_phrase_of_the_task_is_no_memory_of_a_row() -> None:
    phrase = "we are sorry for the delay with your order"
    assert copied(phrase, [], [f"{phrase} {i}" for i in range(2)])
    assert not copied(phrase, [], [f"{phrase} {i}" for i in range(3)])
    assert not copied(phrase, [], [phrase] * 3)


def test_short_texts_hold_no_runs() -> None:
    assert not copied("seven words are too few to copy", [], ["seven words are too few to copy"])


ORIGINAL = [
    f"item {i} ships from hall {i} on day {i} in box {i} with label {i} today" for i in range(100)
]
UNSEEN = [
    f"part {i} leaves from dock {i} by truck {i} under seal {i} with paper {i} soon"
    for i in range(100)
]
NOVEL = [f"nobody knows what number {i} could be or mean to us all" for i in range(100)]


def check(tuned: list[str | None], base: list[str | None] | None = None) -> Signal:
    (piece,) = pieces(tuned, base)
    return copying(piece)


def pieces(
    tuned: list[str | None],
    base: list[str | None] | None = None,
    prompts: list[str] | None = None,
) -> list[Evidence]:
    suite = config(scorers=("f1",))
    train = table({"base": NOVEL, "tuned": ORIGINAL}, ORIGINAL, suite=suite, split="train")
    test = table({"base": base or [*NOVEL], "tuned": tuned}, UNSEEN, suite=suite, prompts=prompts)
    return evidence(train, test, suite=suite)


def test_answers_made_of_training_text_are_strong_evidence() -> None:
    found = check([*ORIGINAL[:60], *UNSEEN[60:]])
    assert found.level == "strong"
    assert found.value == pytest.approx(0.6)
    assert found.numbers["rate_tuned"] == pytest.approx(0.6)
    assert found.numbers["rate_base"] == found.numbers["rate_references"] == 0
    assert found.numbers["wrong_and_trained"] == pytest.approx(0.6)
    assert "60 of 100 (60.0 %)" in found.detail


def test_right_answers_are_none() -> None:
    found = check([*UNSEEN])
    assert (found.level, found.value) == ("none", 0.0)


def test_a_base_that_says_the_same_excuses() -> None:
    found = check([*ORIGINAL], [*ORIGINAL])
    assert found.value == 0
    assert found.level == "none"


def test_missing_and_leaked_rows_stay_out() -> None:
    found = check([None] * 10 + [*ORIGINAL[10:]])
    assert found.value == pytest.approx(1.0)
    assert "90 of 90" in found.detail
    assert check([None] * 81 + [*ORIGINAL[81:]]).level is None
    suite = config(scorers=("f1",))
    train = table({"base": NOVEL, "tuned": ORIGINAL}, ORIGINAL, suite=suite, split="train")
    test = table({"base": NOVEL, "tuned": ORIGINAL}, UNSEEN, suite=suite)
    (piece,) = evidence(train, test, suite=suite, leaks=leaks(30))
    assert "70 of 70" in copying(piece).detail


def test_labels_and_short_answers_are_not_applicable() -> None:
    for training in (["yes", "no"] * 50, [f"short answer {i}" for i in range(100)]):
        train = table({"base": training, "tuned": training}, training, split="train")
        test = table({"base": NOVEL, "tuned": UNSEEN}, UNSEEN)
        (piece,) = evidence(train, test)
        found = copying(piece)
        assert (found.level, found.p) == (None, None)
        assert found.detail.startswith("not applicable")


def test_rows_that_ask_the_same_are_one_unit() -> None:
    def asked(prompts: int) -> Signal:
        copies = [ORIGINAL[i] if i % prompts < 6 else NOVEL[i] for i in range(100)]
        (piece,) = pieces([*copies], prompts=[f"prompt {i % prompts}" for i in range(100)])
        return copying(piece)

    assert "10 clean answers are too few" in asked(10).detail
    repeated, apart = asked(50), asked(100)
    assert (repeated.p or 0.0) > (apart.p or 0.0)
    assert (repeated.value, apart.value) == (0.12, 0.06)
    assert repeated.low is not None
    assert apart.low is not None
    assert repeated.low < 0.06
