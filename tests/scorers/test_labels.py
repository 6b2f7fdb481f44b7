from __future__ import annotations

from dataclasses import replace

import pytest

from evalkit.errors import ScorerError
from evalkit.schema import SuiteConfig
from evalkit.scorers import find_labels
from evalkit.scorers.labels import distinct_labels, finder


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("refund", "refund"),
        (" Refund.\n", "refund"),
        ('"REFUND"', "refund"),
        ("**refund**", "refund"),
        ("«refund»", "refund"),
        ("refund please", None),
        ("", None),
        ("...", None),
        ("C++", "C++"),
        ("c++.", "C++"),
        ("(C)", "C"),
        ("polish", "polish"),
        ("Polish", "Polish"),
        ("POLISH", None),
        ("été", "e\u0301te\u0301"),
        ("!" * 100_000 + "refund", None),
    ],
)
def test_the_label_a_text_names(text: str, label: str | None) -> None:
    labels = ("refund", "C++", "C", "Polish", "polish", "e\u0301te\u0301")
    index = finder(labels)(text)
    assert (None if index is None else labels[index]) == label


def test_declared_labels_win(config: SuiteConfig) -> None:
    assert find_labels(replace(config, labels=("b", "a")), [["c"]]) == ("b", "a")
    assert find_labels(config, [["c"], ["a", "b"]]) == ("a", "b", "c")


def test_spellings_of_one_class_are_one() -> None:
    assert distinct_labels([["yes"], ["Yes "], ["no"]]) == ("Yes", "no")
    assert distinct_labels([["no"], ["Yes "], ["yes"]]) == ("Yes", "no")


def test_free_text_is_no_set_of_classes() -> None:
    with pytest.raises(ScorerError, match="501 different references are too many"):
        distinct_labels([[f"text {i}"] for i in range(501)])
    with pytest.raises(ScorerError, match="empty reference"):
        distinct_labels([["a"], [" "]])
