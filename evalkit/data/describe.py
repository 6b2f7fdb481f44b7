"""Values in words, for messages."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 60
"""Characters of a value that a message repeats."""


def describe(value: object) -> str:
    """What a JSON or YAML value is: `null`, `the number 3`, `an object with the keys a, b`."""
    match value:
        case None:
            found = "null"
        case bool():
            found = str(value).lower()
        case int() | float():
            found = f"the number {value!r}"[:SHOWN]
        case str():
            found = f"the text {shorten(value)}" if value else "an empty text"
        case dict():
            found = f"an object with {listed('the key', value)}" if value else "an empty object"
        case list():
            found = f"a list of {len(value)}" if value else "an empty list"
        case _:
            found = f"a {type(value).__name__}"
    return found


def shorten(text: str) -> str:
    """A text in quotes, escaped, cut to what a line can hold."""
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")


def listed(noun: str, names: Iterable[object]) -> str:
    """`the keys a, b, c`: at most six names."""
    all_names = [str(name)[:SHOWN] for name in names]
    plural = "" if len(all_names) == 1 else "s"
    more = ", ..." if len(all_names) > 6 else ""  # noqa: PLR2004 - what a line can hold
    return f"{noun}{plural} " + ", ".join(all_names[:6]) + more
