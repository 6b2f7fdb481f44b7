"""How values read: numbers set for a column, texts that can be looked at without taking effect."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"
SMALLEST_P = 0.001
SMALLEST_SUM = 0.000001

_EXACT = Context(prec=400)  # holds every digit of every float

# Line ends and tabs are layout. Everything else without a shape of its own is named: C0 and C1
# controls, marks that reorder text (bidi), marks that hide it (tags, fillers), lone surrogates.
# Joiners (U+200C, U+200D) stay: scripts and emoji are written with them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACE = 0x20
_DELETE = 0x7F


def visible(text: str) -> str:
    """The text with every control, reordering or hidden character shown as a mark.

    A carriage return before a line feed is part of the line end and goes.
    """
    return _UNSEEN.sub(_mark, text.replace("\r\n", "\n"))


def _mark(match: re.Match[str]) -> str:
    """`␛` for escape, `␡` for delete, `⟨U+202E⟩` for the rest."""
    code = ord(match[0])
    if code < _SPACE:
        return chr(0x2400 + code)
    return "\u2421" if code == _DELETE else f"\u27e8U+{code:04X}\u27e9"


def one_line(text: str, limit: int = 200) -> str:
    """The text on one line, visible, and cut at `limit` characters."""
    flat = visible(" ".join(text[: limit * 4].split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


def known(value: float | None) -> bool:
    """Whether there is a number to show: None, NaN and infinities are "no number"."""
    return value is not None and math.isfinite(value)


def decimal(value: float | None, places: int = 3) -> str:
    """`0.671`, with a true minus sign; an en dash where there is no number.

    Exact halves are rounded away from zero, as `toFixed` does in the page's script.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{Decimal(value).quantize(Decimal(10) ** -places, ROUND_HALF_UP, _EXACT):f}"
    if not text.strip("-0."):
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def signed(value: float | None, places: int = 3) -> str:
    """`+0.671`, or with a true minus sign; what rounds to zero has no sign."""
    text = decimal(value, places)
    if text[0] in {MINUS, NOTHING} or not text.strip("0."):
        return text
    return f"+{text}"


def p_value(value: float | None) -> str:
    """`0.012`, or `<0.001`: smaller figures are noise of the method."""
    if value is not None and value < SMALLEST_P:
        return f"<{SMALLEST_P}"
    return decimal(value)


def figure(value: float) -> str:
    """A number that may be a count or a score: `300`, `0.576`."""
    if not math.isfinite(value):
        return NOTHING
    return count(int(value)) if value == int(value) else decimal(value)


def count(value: int) -> str:
    """`12,345`."""
    return f"{value:,}"


def money(dollars: float | None) -> str:
    """`$12.34`; two figures of what is less than a dollar (`$0.0042`); an en dash for None."""
    if dollars is None or not math.isfinite(dollars):
        return NOTHING
    if dollars == 0:
        return "$0"
    if dollars >= 1:
        return f"${dollars:,.2f}"
    if dollars < SMALLEST_SUM:
        return f"<${SMALLEST_SUM:f}"
    places = max(2, 1 - math.floor(math.log10(dollars)))
    return f"${dollars:.{places}f}"


def plural(number: int, noun: str, many: str | None = None) -> str:
    """`1 suite`, `2 suites`, `3 losses`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"
