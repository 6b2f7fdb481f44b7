from __future__ import annotations

import pytest

from evalkit.verdict.wording import MINUS, between, listed, p_value, plural, points, share, signed


def test_points_carry_a_sign_and_no_negative_zero() -> None:
    assert [points(v) for v in (0.1234, -0.05, 0.0, -0.0001)] == [
        "+12.3",
        f"{MINUS}5.0",
        "+0.0",
        "+0.0",
    ]
    assert between(-0.1, 0.25) == f"{MINUS}10.0..+25.0"
    assert signed(-0.126, 2) == f"{MINUS}0.13"
    assert between(None, 0.1) == "unknown"


def test_small_p_values_are_not_zero() -> None:
    assert (p_value(0.0312), p_value(1e-9)) == ("p = 0.031", "p < 0.001")


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdefg"), "a, b, c, d, e and 2 more"),
    ],
)
def test_lists(names: list[str], text: str) -> None:
    assert listed(names) == text


def test_counts() -> None:
    assert (plural(1, "suite"), plural(2, "suite")) == ("1 suite", "2 suites")
    assert (share(3, 60), share(0, 0)) == ("3 of 60 (5.0 %)", "0 of 0")
