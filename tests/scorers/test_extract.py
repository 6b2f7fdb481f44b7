from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.data import parse_extract
from evalkit.errors import ScorerError
from evalkit.schema import Extract, SuiteConfig
from evalkit.scorers import make_extractor


def extracted(completion: str, *steps: str, labels: tuple[str, ...] = ()) -> str | None:
    config = SuiteConfig("demo", "qa", labels=labels, extract=parse_extract(steps))
    return make_extractor(config)(completion)


@pytest.mark.parametrize(
    ("completion", "pattern", "found"),
    [
        ("label: a\nlabel: b", r"label: (\w+)", "b"),
        ("x12y345", r"\d+", "345"),
        ("nothing here", r"\d+", None),
        ("yes", r"(no)|yes", None),
        ("a=1;b=2", r"(\w)=(\d)", "b"),
        ("", "a?", None),
    ],
)
def test_the_last_match_counts(completion: str, pattern: str, found: str | None) -> None:
    assert extracted(completion, f"regex={pattern}") == found


def test_without_steps_all_is_scored() -> None:
    assert make_extractor(SuiteConfig("demo", "qa"))(" all of it ") == " all of it "
    assert make_extractor(SuiteConfig("demo", "qa"))("") == ""


@pytest.mark.parametrize(
    ("completion", "path", "found"),
    [
        ('{"a": {"b": [1, "two"]}}', "a.b[1]", "two"),
        ('{"a": {"b": [1, "two"]}}', "a", '{"b": [1, "two"]}'),
        ('Here: ```json\n{"n": 1.50}\n``` ok', "n", "1.50"),
        ('```json\n{"n": 12345678901234567890123}\n```', "n", "12345678901234567890123"),
        ('So {"x": 1} and {"x": 2}', "x", "1"),
        ('I think [1] is {"x": true}', "", "[1]"),
        ('{"x": 1.10, "y": [ ]}!', "", '{"x": 1.10, "y": [ ]}'),
        ("42", "", "42"),
        ("forty-two", "", None),
        ('{"x": 1}', "y", None),
        ('{"x": "abc"}', "x[0]", None),
        ('{"x": [1]}', "x[7]", None),
        ('{"x": 1', "x", None),
        ('{"x": 1e99999999999999999999}', "x", None),
        ('{"naïve key": "é"}', "naïve key", "é"),
    ],
)
def test_json_by_path(completion: str, path: str, found: str | None) -> None:
    assert extracted(completion, f"json={path}" if path else "json") == found


@pytest.mark.parametrize(
    ("completion", "step", "found"),
    [
        ("Thoughts.\nAnswer: 42 \n", "after=answer:", "42"),
        ("Answer: 1. Answer: 2", "after=Answer:", "2"),
        ("Answer:", "after=Answer:", None),
        ("42", "after=Answer:", None),
        ("a+b = c", "after=+b =", "c"),
        ("\n\n first \nsecond\n\n", "line", "first"),
        ("first\n\n second \n", "line=last", "second"),
        ("12 apples and 1,300 pears.", "number", "1,300"),
        ("12 apples and 1,300 pears.", "number=first", "12"),
        ("-$5 it is", "number", "-$5"),
        ("none", "number", None),
    ],
)
def test_marker_line_and_number(completion: str, step: str, found: str | None) -> None:
    assert extracted(completion, step) == found


@pytest.mark.parametrize(
    ("completion", "found"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(b)", "B"),
        ("B. Paris", "B"),
        ("**B)** Paris", "B"),
        ("Option B: Paris", "B"),
        ("The answer is B.", "B"),
        ("The correct answer is (C), not (B).", "C"),
        ("A would be wrong, so the answer is: **D**", "D"),
        ("Answer: C", "C"),
        (r"so \boxed{\text{B}}", "B"),
        ("I first thought of (A), but it is (D)", "D"),
        ("A is wrong.\nC) is right", "C"),
        ("A cat sat here.", None),
        ("I am not sure.", None),
        ("The answer is Berlin.", None),
        ("Paris", None),
    ],
)
def test_option_letters(completion: str, found: str | None) -> None:
    assert extracted(completion, "option") == found


def test_only_the_letters_that_there_are() -> None:
    assert extracted("Answer: E", "option=ABCD") is None
    assert extracted("K", "option") is None


LABELS = ("refund", "very positive", "positive", "退款")


@pytest.mark.parametrize(
    ("completion", "found"),
    [
        ("Refund.", "refund"),
        ("This customer wants a refund, clearly.", "refund"),
        ("It is very positive.", "very positive"),
        ("It is positive, very positive", None),
        ("refunds", None),
        ("a refund or positive", None),
        ("客户想要退款。", "退款"),
        ("nothing", None),
    ],
)
def test_the_only_label_that_is_named(completion: str, found: str | None) -> None:
    assert extracted(completion, "label", labels=LABELS) == found


def test_labels_by_their_synonyms() -> None:
    step = Extract("label", synonyms=(("refund", ("money back", "Geld zurück")), ("other", ())))
    for labels in ((), ("refund", "other")):
        extract = make_extractor(SuiteConfig("demo", "qa", labels=labels, extract=(step,)))
        assert extract("Wants his MONEY BACK!") == "refund"
        assert extract("geld zurück") == "refund"
        assert extract("Other") == "other"
        assert extract("money, back") is None


def test_labels_that_differ_in_case_have_to_be_given_exactly() -> None:
    assert extracted("no", "label", labels=("No", "NO")) is None
    assert extracted("NO", "label", labels=("No", "NO")) == "NO"


def test_labels_need_to_be_known() -> None:
    with pytest.raises(ScorerError, match="suite 'demo': extract: the step 'label' has no labels"):
        extracted("a", "label")


def test_steps_come_one_after_the_other() -> None:
    completion = "<think>7?</think>Sure! Here is it:\n```\n'Answer: 4 and 5'\n```\nLet me know!"
    assert extracted(completion, "answer") == "Answer: 4 and 5"
    assert extracted(completion, "answer", "after=Answer:", "number=first") == "4"
    assert extracted("<think>7", "answer") is None


def test_a_pattern_that_is_none_is_said_before_anything_is_scored() -> None:
    config = SuiteConfig("demo", "qa", extract=(Extract("regex", "(a"),))
    with pytest.raises(ScorerError, match=r"suite 'demo': extract: '\(a' is no .*first group"):
        make_extractor(config)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
))  # fmt: skip
def test_any_json_is_found_as_it_stands(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert extracted(f"\n{text} ", "json") == text


@pytest.mark.parametrize("step", ["answer", "json", "json=a", "after=a", "line", "number", "option",
                                  "label"])  # fmt: skip
@pytest.mark.parametrize(
    "piece", ["[", "{", '{"', "[{", "1,", "1 ", "(A", "a ", "**", "Answer: ", "\n"]
)
def test_a_hostile_completion_is_read_in_no_time(step: str, piece: str) -> None:
    text = piece * (100_000 // len(piece))
    started = time.process_time()
    extracted(text, step, labels=("a", "b"))
    assert time.process_time() - started < 2
