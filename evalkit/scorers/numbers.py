"""The scorer for answers that are numbers, however they are written."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, Overflow
from functools import lru_cache
from typing import Literal

from evalkit.scorers.base import scorer

SPACES = " \u00a0\u2009\u202f"  # plain, no-break, thin and narrow no-break space part thousands
MINUS = "-\u2212\u2013"
CURRENCY = "$€£¥₹"
GROUPED = {
    ".": (r"\d{1,3}(?:,\d{2,3})*,\d{3}", r"\."),
    ",": (r"\d{1,3}(?:\.\d{3})+", ","),
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
    abs: float = 0.0,  # noqa: A002 - the name that math.isclose made known, less its suffix
    rel: float = 0.0,
    decimal: Literal[".", ","] = ".",
) -> bool:
    """Whether the last number of the prediction is the last number of a reference.

    `1,234.5`, `1 234.5`, `-$5`, `3/4`, `1.5e3` and `50%` are numbers; a percent sign on one side only
    is ignored or applied, whichever fits. A prediction without a number is wrong.

    Args:
        prediction: the completion.
        references: texts that hold a number each.
        abs: accepted distance from the reference.
        rel: accepted distance as a share of the reference.
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
    return found is not None and any(_equal(found, number, abs, rel) for number in wanted)


@lru_cache(maxsize=4096)
def last_number(text: str, *, decimal: str = ".") -> Number | None:
    """The last number in a text, None if there is none."""
    for match in reversed(list(_pattern(decimal).finditer(text))):
        value = _value(match, decimal)
        if value is not None:
            return Number(value, match["percent"] is not None)
    return None


@lru_cache(maxsize=2)
def _pattern(decimal: str) -> re.Pattern[str]:
    grouped, mark = GROUPED[decimal]
    return re.compile(
        rf"""
        (?P<sign>(?<![\w)\]]) [{MINUS}+] \s?)?
        [{CURRENCY}]? \s?
        (?:
            (?<![\d/.,]) (?P<over>\d+) / (?P<under>\d+) (?![\d/])
          | (?<![\d.,])
            (?P<digits> {grouped}(?!\d) | \d{{1,3}}(?:[{SPACES}]\d{{3}})+(?!\d) | \d+ | (?={mark}\d) )
            (?: {mark} (?P<fraction>\d+) )?
            (?: [eE] (?P<exponent>[+-]?\d+) )?
        )
        (?P<percent>\s?%)?
        """,
        re.VERBOSE,
    )


def _value(match: re.Match[str], decimal: str) -> Decimal | None:
    """The number a match stands for; None where it is beyond all bounds or divides by zero."""
    try:
        if match["over"] is not None:
            value = Decimal(match["over"]) / Decimal(match["under"])
        else:
            whole = re.sub(r"\D", "", match["digits"])
            value = Decimal(f"{whole or 0}.{match['fraction'] or 0}e{match['exponent'] or 0}")
    except (InvalidOperation, Overflow, ArithmeticError):
        return None
    return -value if (match["sign"] or "+")[0] in MINUS else value


def _equal(found: Number, wanted: Number, abs_: float, rel: float) -> bool:
    values = [found.value]
    if found.percent != wanted.percent:
        values.append(found.value / 100 if found.percent else found.value * 100)
    return any(_close(value, wanted.value, abs_, rel) for value in values)


def _close(found: Decimal, wanted: Decimal, abs_: float, rel: float) -> bool:
    if found == wanted:
        return True
    pair = float(found), float(wanted)
    if not (abs_ or rel) or not all(map(math.isfinite, pair)):
        return False
    return abs(pair[0] - pair[1]) <= max(abs_, rel * abs(pair[1]))
