from __future__ import annotations

import time

import pytest

from evalkit.errors import ScorerError
from evalkit.scorers.patterns import SECONDS, compile_pattern, fits, last_match

BLOWS_UP = r"(a|aa)+$"
HARMLESS_TO_READ = "a" * 80 + "b"


def test_a_pattern_that_blows_up_is_stopped_and_named() -> None:
    started = time.process_time()
    with pytest.raises(ScorerError) as caught:
        fits(compile_pattern(BLOWS_UP), HARMLESS_TO_READ)
    assert time.process_time() - started < 3 * SECONDS
    assert str(caught.value).startswith(
        "the regular expression '(a|aa)+$' was stopped after 2 s on one text of 81 characters; "
    )


def test_so_is_one_whose_last_match_is_wanted() -> None:
    with pytest.raises(ScorerError, match="was stopped after"):
        last_match(compile_pattern(BLOWS_UP), HARMLESS_TO_READ)


@pytest.mark.parametrize(
    ("pattern", "text", "part", "full"),
    [("b", "abc", True, False), ("a.c", "abc", True, True), ("B", "abc", False, False)],
)
def test_part_or_all_of_a_text(pattern: str, text: str, part: bool, full: bool) -> None:  # noqa: FBT001
    assert fits(compile_pattern(pattern), text) is part
    assert fits(compile_pattern(pattern), text, full=True) is full


def test_case_can_be_ignored() -> None:
    assert fits(compile_pattern("B", ignore_case=True), "abc")


def test_what_is_no_pattern_says_where_it_breaks() -> None:
    with pytest.raises(ValueError, match=r"'\(a' is no regular expression: missing \) at position"):
        compile_pattern("(a")
