from __future__ import annotations

import pytest

from evalkit.errors import ScorerError
from evalkit.schema import Extract
from evalkit.scorers import extract


@pytest.mark.parametrize(
    ("completion", "regex", "expected"),
    [
        ("label: a\nlabel: b", r"label: (\w+)", "b"),
        ("x12y345", r"\d+", "345"),
        ("nothing here", r"\d+", ""),
        ("yes", r"(no)|yes", ""),
        ("a=1;b=2", r"(\w)=(\d)", "b"),
        ("", "", ""),
    ],
)
def test_the_last_match_counts(completion: str, regex: str, expected: str) -> None:
    assert extract(completion, Extract(regex)) == expected


def test_without_a_rule_all_is_scored() -> None:
    assert extract(" all of it ", None) == " all of it "


def test_a_broken_expression_is_shown_with_its_fault() -> None:
    with pytest.raises(
        ScorerError, match=r"extract\.regex: '\(a' is no .*: missing \), .* at character 1"
    ):
        extract("a", Extract("(a"))
