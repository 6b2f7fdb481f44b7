from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models.limits import Allowance, read_allowances, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120ms", 0.12),
        ("1987ms", 1.987),
        ("8.64s", 8.64),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("12m1ms", 720.001),
        ("1d", 86400.0),
        (" 17 ", 17.0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("99999999999999999999", None),
        ("1750000000", None),  # a date in Unix time is no duration
        ("2026-01-01T00:00:00Z", None),
    ],
)
def test_durations_as_servers_write_them(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == (None if seconds is None else pytest.approx(seconds))


@given(st.text(max_size=60))
def test_any_text_is_a_duration_or_none(text: str) -> None:
    found = seconds_of(text)
    assert found is None or found >= 0


def test_both_resources() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-remaining-tokens": "24000",
    }
    assert read_allowances(headers) == (
        Allowance("requests", 500, 499, 0.12),
        Allowance("tokens", 30000, 24000, 12.0),  # a fifth of a minute
    )


@pytest.mark.parametrize("limit", ["", "0", "-1", "unlimited", "1e9"])
def test_no_limit_is_none(limit: str) -> None:
    headers = {"x-ratelimit-limit-requests": limit, "x-ratelimit-remaining-requests": "1"}
    assert read_allowances(headers) == ()
    assert read_allowances({"x-ratelimit-limit-requests": "5"}) == ()


def test_more_than_the_limit_is_the_limit() -> None:
    headers = {"x-ratelimit-limit-requests": "5", "x-ratelimit-remaining-requests": "9"}
    assert read_allowances(headers) == (Allowance("requests", 5, 5, 0.0),)
