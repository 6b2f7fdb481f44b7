from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scorers.numbers import last_number, numeric


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.5", 1234.5),
        ("1 234", 1234),
        ("1\u202f234,", 1234),
        ("1,23,456", 123456),
        ("1,2345", 2345),
        ("2020 100", 100),
        ("#### 18", 18),
        ("so it is 42.", 42),
        ("-5", -5),
        ("\u22127", -7),
        ("-$5", -5),
        ("$-5", -5),
        ("10-5", 5),
        ("- 5 apples", 5),
        ("5 - 3", 3),
        ("1990\u20131995", 1995),
        ("(-5)", -5),
        (".5", 0.5),
        ("No.5", 5),
        ("options 3,4", 4),
        ("3/4", 0.75),
        ("12/05/2024", 2024),
        ("1.5e3", 1500),
        ("2E-2", 0.02),
        ("v1.2.3", 1.2),
        ("٤٢", 42),
        ("first 1/0, but 3", 3),
        ("3 of 1e99999999999", 3),
    ],
)
def test_the_last_number_of_a_text(text: str, value: float) -> None:
    found = last_number(text)
    assert found is not None
    assert float(found.value) == value
    assert not found.percent


@pytest.mark.parametrize("text", ["", "none", "NaN", "inf", "1/0", "-", "$", "."])
def test_texts_without_a_number(text: str) -> None:
    assert last_number(text) is None


@pytest.mark.parametrize(
    ("text", "value"), [("1.234,5", 1234.5), ("3,14", 3.14), ("1.234.567", 1234567), ("2", 2)]
)
def test_a_decimal_comma(text: str, value: float) -> None:
    found = last_number(text, decimal=",")
    assert found is not None
    assert float(found.value) == value


@pytest.mark.parametrize(
    ("prediction", "reference", "options", "expected"),
    [
        ("It costs $1,000.", "1000", {}, True),
        ("1000.0", "1000", {}, True),
        ("1e3", "1000", {}, True),
        ("9007199254740993", "9007199254740992", {}, False),
        ("0.1", "0.10000001", {}, False),
        ("0.1", "0.10000001", {"relative": 1e-6}, True),
        ("10.4", "10", {"tolerance": 0.5}, True),
        ("10.6", "10", {"tolerance": 0.5}, False),
        ("1" * 400, "1" * 399 + "2", {"relative": 1e-6}, False),
        ("50%", "0.5", {}, True),
        ("50%", "50", {}, True),
        ("0.5", "50 %", {}, True),
        ("50%", "0.5%", {}, False),
        ("0.333333", "1/3", {"tolerance": 1e-6}, True),
        ("I don't know", "4", {}, False),
        ("", "4", {}, False),
    ],
)
def test_numeric(
    prediction: str,
    reference: str,
    options: dict[str, Any],
    expected: bool,  # noqa: FBT001
) -> None:
    assert numeric(prediction, [reference], **options) == expected


def test_a_reference_without_a_number_is_named() -> None:
    with pytest.raises(ValueError, match="no number in the reference 'four'"):
        numeric("4", ["four"])


def test_any_reference_will_do_and_those_without_a_number_are_passed_over() -> None:
    assert numeric("7", ["six", "6", "7"])


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12
    )
)
def test_a_number_equals_itself_however_it_is_written(number: Any) -> None:
    assert numeric(f"The answer is {number:,f}.", [f"{number:f}"])
    assert numeric(f"{number:e}", [str(number)])
