from __future__ import annotations

import math
import unicodedata
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.report.text import (
    MINUS,
    NOTHING,
    count,
    decimal,
    figure,
    money,
    one_line,
    p_value,
    plural,
    signed,
    visible,
)

ANY_TEXT = st.text(st.characters(codec=None))


@given(ANY_TEXT)
def test_what_is_shown_holds_no_control_and_can_be_encoded(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    kinds = {unicodedata.category(c) for c in shown if c not in "\n\t"}
    assert not kinds & {"Cc", "Cs"}
    assert not any(
        unicodedata.bidirectional(c)
        in {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
        for c in shown
    )


@given(ANY_TEXT)
def test_showing_twice_changes_nothing(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(("text", "shown"), [
    ("a\r\nb", "a\nb"),
    ("a\rb", "a␍b"),
    ("\x1b[31m", "␛[31m"),
    ("\x00\x7f", "␀␡"),
    ("abc\u202edef", "abc⟨U+202E⟩def"),
    ("\ud800", "⟨U+D800⟩"),
    ("👩\u200d🔬", "👩\u200d🔬"),
    ("\ufeffstart", "⟨U+FEFF⟩start"),
])  # fmt: skip
def test_marks(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(ANY_TEXT, st.integers(2, 50))
def test_one_line_is_one_short_line(text: str, limit: int) -> None:
    assert "\n" not in one_line(text, limit)
    assert len(one_line(text, limit)) <= limit


@pytest.mark.parametrize(("value", "plain", "change", "p"), [
    (0.6714, "0.671", "+0.671", "0.671"),
    (-0.12, f"{MINUS}0.120", f"{MINUS}0.120", "<0.001"),
    (0.0, "0.000", "0.000", "<0.001"),
    (-0.0002, "0.000", "0.000", "<0.001"),
    (12.5, "12.500", "+12.500", "12.500"),
    (0.3125, "0.313", "+0.313", "0.313"),
    (math.inf, NOTHING, NOTHING, NOTHING),
    (None, NOTHING, NOTHING, NOTHING),
    (math.nan, NOTHING, NOTHING, NOTHING),
])  # fmt: skip
def test_numbers(value: float | None, plain: str, change: str, p: str) -> None:
    assert (decimal(value), signed(value), p_value(value)) == (plain, change, p)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 6))
def test_a_rounded_number_is_within_half_a_digit(value: float, places: int) -> None:
    for text in (decimal(value, places), signed(value, places)):
        shown = Fraction(text.replace(MINUS, "-"))
        assert abs(shown - Fraction(value)) <= Fraction(1, 2 * 10**places)
    assert Fraction(figure(value).replace(",", "").replace(MINUS, "-")) - Fraction(value) <= 1


def test_counts() -> None:
    assert [figure(x) for x in (1200.0, 0.5761, math.nan)] == ["1,200", "0.576", NOTHING]
    assert count(12345) == "12,345"
    assert [plural(n, "suite") for n in (0, 1, 2000)] == ["0 suites", "1 suite", "2,000 suites"]
    assert plural(2, "loss", "losses") == "2 losses"


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [
        (None, NOTHING),
        (math.nan, NOTHING),
        (0.0, "$0"),
        (1234.567, "$1,234.57"),
        (1.0, "$1.00"),
        (0.5, "$0.50"),
        (0.0421, "$0.042"),
        (0.00042, "$0.00042"),
        (0.0000042, "$0.0000042"),
        (1e-9, "<$0.000001"),
    ],
)
def test_money(dollars: float | None, shown: str) -> None:
    assert money(dollars) == shown
