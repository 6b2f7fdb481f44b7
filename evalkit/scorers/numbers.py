"""The scorer for answers that are numbers, however they are written."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal

from annotated_types import Ge

from evalkit.scorers.base import scorer

SPACES = " \u00a0\u2009\u202f"  # plain, no-break, thin and narrow no-break space part thousands
MINUS = "-\u2212\u2013"
CURRENCY = "$€£¥₹"
MOST_DIGITS = 9999
"""Numbers that take more digits to write are none that anybody meant."""
GROUPED = {
    ".": (r"\d{1,3}(?:,\d{2,3}){0,9},\d{3}", r"\."),
    ",": (r"\d{1,3}(?:\.\d{3}){1,9}", ","),
}
"""Decimal mark -> what thousands grouped by the other mark look like, and the mark itself."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a text gives it.

    Attributes:
        value: before any percent sign is applied.
        percent: whether a percent sign follows.
    """

    value: Decimal
    percent: bool


@scorer(details="last|refs:any|v1")
def numeric(
    prediction: str,
    references: Sequence[str],
    *,
    tolerance: Annotated[float, Ge(0)] = 0.0,
    relative: Annotated[float, Ge(0)] = 0.0,
    decimal: Literal[".", ","] = ".",
) -> bool:
    """Whether the last number of the prediction is the last number of a reference.

    `1,234.5`, `1 234.5`, `-$5`, `3/4`, `1.5e3` and `50%` are numbers; a percent sign on one side
    only is ignored or applied, whichever fits. A prediction without a number is wrong.

    Args:
        prediction: the completion.
        references: texts that hold a number each.
        tolerance: accepted distance from the reference, 0 or more.
        relative: accepted distance as a share of the reference, 0 or more.
        decimal: the decimal mark; the other one parts thousands.

    Raises:
        ValueError: no reference holds a number.
    """
    wanted = [number for text in references if (number := last_number(text, decimal=decimal))]
    if not wanted:
        raise ValueError(
            f"no number in the reference {references[0]!r}; 'numeric' needs one, as in '42' or "
            "'... so the answer is 42'"
        )
    found = last_number(prediction, decimal=decimal)
    return found is not None and any(
        _equal(found, number, tolerance, relative) for number in wanted
    )


@lru_cache(maxsize=4096)
def last_number(text: str, *, decimal: str = ".") -> Number | None:
    """The last number in a text, None if there is none."""
    for match in reversed(list(_pattern(decimal).finditer(text))):
        value = _value(match)
        if value is not None:
            return Number(value, match["percent"] is not None)
    return None


def number_texts(text: str, *, decimal: str = ".") -> list[str]:
    """The numbers in a text, as they are written."""
    return [match[0] for match in _pattern(decimal).finditer(text) if _value(match) is not None]


@lru_cache(maxsize=2)
def _pattern(decimal: str) -> re.Pattern[str]:
    grouped, mark = GROUPED[decimal]
    return re.compile(
        rf"""
        (?P<sign> (?<![\w)\]]) [{MINUS}+] )?
        (?: [{CURRENCY}] \s? )?
        (?:
            (?<![\d/.,]) (?P<over>\d+) / (?P<under>\d+) (?![\d/])
          | (?P<digits>
                (?<!\d) (?<!\d{mark})
                (?: {grouped}(?!\d) | \d{{1,3}}(?:[{SPACES}]\d{{3}}){{1,9}}(?!\d) | \d+ )
              | (?<!\w) (?={mark}\d)
            )
            (?: {mark} (?P<fraction>\d+) )?
            (?: [eE] (?P<exponent>[+-]?\d+) )?
        )
        (?P<percent> \s?% )?
        """,
        re.VERBOSE,
    )


def _value(match: re.Match[str]) -> Decimal | None:
    """The number a match stands for; None where it divides by zero or is beyond all bounds."""
    try:
        if match["over"]:
            value = Decimal(match["over"]) / Decimal(match["under"])
        else:
            whole = re.sub(r"\D", "", match["digits"])
            value = Decimal(f"{whole or 0}.{match['fraction'] or 0}e{match['exponent'] or 0}")
    except ArithmeticError:
        return None
    if abs(value.adjusted()) > MOST_DIGITS:
        return None
    return -value if (match["sign"] or "+")[0] in MINUS else value


def _equal(found: Number, wanted: Number, tolerance: float, relative: float) -> bool:
    values = [found.value]
    if found.percent != wanted.percent:
        values.append(found.value / 100 if found.percent else found.value * 100)
    return any(_close(value, wanted.value, tolerance, relative) for value in values)


def _close(found: Decimal, wanted: Decimal, tolerance: float, relative: float) -> bool:
    if found == wanted:
        return True
    pair = float(found), float(wanted)
    if not (tolerance or relative) or not all(map(math.isfinite, pair)):
        return False
    return abs(pair[0] - pair[1]) <= max(tolerance, relative * abs(pair[1]))
