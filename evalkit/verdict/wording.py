"""Numbers as sentences carry them: points, intervals, p-values, lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TINY_P = 0.001
MINUS = "\N{MINUS SIGN}"


def signed(value: float, places: int) -> str:
    """A number with its sign, a true minus as in the report's tables: `+1.20`; zero is `+0.00`."""
    return f"{round(value, places) + 0.0:+.{places}f}".replace("-", MINUS)


def points(value: float) -> str:
    """A difference of scores in points of 100, with its sign: `+12.3`."""
    return signed(100 * value, 1)


def between(low: float | None, high: float | None) -> str:
    """Bounds in points: `+1.2..+3.4`; `unknown` where there are none."""
    return "unknown" if low is None or high is None else f"{points(low)}..{points(high)}"


def p_value(p: float) -> str:
    """`p = 0.023`, or `p < 0.001`."""
    return f"p < {TINY_P}" if p < TINY_P else f"p = {p:.3f}"


def share(part: int, of: int) -> str:
    """`3 of 60 (5.0 %)`."""
    return f"{part} of {of} ({100 * part / of:.1f} %)" if of else f"{part} of {of}"


def plural(count: int, noun: str) -> str:
    """`1 suite`, `2 suites`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def counted(counts: Mapping[str, int]) -> str:
    """`3 timeout, 1 server`, in the order given."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def listed(names: Sequence[str], most: int = 5) -> str:
    """`a, b and c`; beyond `most` names the rest is counted."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
