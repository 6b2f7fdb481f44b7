"""Replies of judges, as models write them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scorers.readings import UnreadableError, read_label, read_score

LABELS = ("correct", "incorrect", "off topic")


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('{"steps": [], "result": 0.8}', 0.8),
        ('{"steps": [], "result": "0.8"}', 0.8),
        ('```json\n{"result": 1}\n```', 1),
        ('<think>{"result": 0.1}, no</think>{"result": 0.9}', 0.9),
        ('Here is my grade: {"steps": [], "result": 0.25} Thanks!', 0.25),
        ("0.75", 0.75),
        (".5", 0.5),
        ("**0.5**", 0.5),
        ("Score: 0.5", 0.5),
        ("The score is 0.5. Of the 3 facts, 1 is there.", 0.5),
        ("It has 2 of 3 facts.\nFinal rating - **0.6**", 0.6),
        ("80%", 0.8),
        ("I would say 1/1", 1),
        ("A close match, but for 3 words: 0.9", 0.9),
        ('{"steps": [{"description": "a"}], "result": 0.3', 0.3),
        ("1e-1", 0.1),
    ],
)
def test_numbers(reply: str, value: float) -> None:
    assert read_score(reply, 0, 1).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("", "found '', expected a number"),
        ("very good", "found 'very good', expected a number"),
        ("1.5", r"found the grade 1\.5, expected 0 to 1"),
        ('{"result": -0.5}', r"found the grade -0\.5, expected 0 to 1"),
        ("Score: -0.5", r"found the grade -0\.5"),
        ("8/10", "found 8/10, expected a number up to 1"),
        ('{"result": true}', "expected a number as `result`"),
        ('{"score": 1}', "expected a number as `result`"),
        ('{"result": NaN}', "found the grade nan, expected a finite number"),
        ('{"result": 1e999}', "found the grade inf"),
        ("9" * 5000, "found the grade inf"),
        ("<think>0.9", "found '', expected a number"),
    ],
)
def test_what_is_no_grade(reply: str, message: str) -> None:
    with pytest.raises(UnreadableError, match=message):
        read_score(reply, 0, 1)


def test_other_ranges() -> None:
    assert read_score("8/10", 0, 10).value == 8
    assert read_score("8 out of 10", 0, 10).value == 8
    assert read_score("80%", 0, 100).value == 80
    assert read_score("I give it \u22122", -5, 5).value == -2
    assert read_score('{"result": 7}', 1, 10).shown == "7 of 1 to 10"


def test_a_reason_is_what_is_said_beside_the_grade() -> None:
    steps = [
        {"description": "The city", "conclusion": "is right"},
        {"description": "", "conclusion": "good"},
        "plain",
        7,
    ]
    told = json.dumps({"steps": steps, "result": 1, "explanation": "in all"})
    assert read_score(told, 0, 1).reason == "The city: is right\ngood\nplain\nin all"
    assert read_score("0.5", 0, 1).reason == ""
    assert read_score("Half of it: 0.5", 0, 1).reason == "Half of it: 0.5"
    assert read_label("correct", LABELS, ()).reason == ""
    assert read_label("It is.\ncorrect", LABELS, ()).reason == "It is.\ncorrect"


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ('{"steps": [], "result": "off topic"}', "off topic"),
        ("Incorrect.", "incorrect"),
        ("It names Lima.\n\n**Correct**", "correct"),
        ("I looked at it.\nLabel: incorrect", "incorrect"),
        ("The answer is correct.", "correct"),
    ],
)
def test_labels(reply: str, label: str) -> None:
    found = read_label(reply, LABELS, ("correct",))
    assert (found.shown, found.value) == (label, float(label == "correct"))


@pytest.mark.parametrize(
    "reply",
    ["", "This is not correct, I think.", '{"result": "right"}', '{"label": "correct"}', "maybe",
     "correct or incorrect"],
)  # fmt: skip
def test_a_label_that_is_only_mentioned_is_none(reply: str) -> None:
    with pytest.raises(UnreadableError, match="expected one of correct, incorrect, off topic"):
        read_label(reply, LABELS, ("correct",))


@given(st.text() | st.lists(st.sampled_from(["score", "0.5", "{", '"result":', "/", "10", "}", "%",
       "\n", "-", " "])).map("".join))  # fmt: skip
def test_whatever_a_judge_says_is_a_grade_in_range_or_unreadable(reply: str) -> None:
    try:
        found = read_score(reply, 0, 10)
    except UnreadableError:
        return
    assert 0 <= found.value <= 10


@given(st.floats(0, 10), st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_grade_in_the_form_that_is_asked_for_is_read_back(value: float, reason: str) -> None:
    told = {"steps": [{"description": reason, "conclusion": ""}], "result": value}
    found = read_score(json.dumps(told), 0, 10)
    assert found.value == value
    assert found.reason == reason.strip()
