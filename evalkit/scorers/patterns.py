"""Regular expressions that users write. They run under a clock: some would run for years.

A pattern such as `(a|aa)+$` tries exponentially many ways to match a text that it cannot match in
the end, and the text is a model's. Python's `re` cannot be stopped; the `regex` package can.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

import regex

from evalkit.errors import ScorerError

SECONDS: Final = 2.0
"""Processor time that one pattern may take on one text; an ordinary one takes microseconds."""

Pattern = regex.Pattern[str]
Match = regex.Match[str]


@lru_cache(maxsize=4096)
def compile_pattern(text: str, *, ignore_case: bool = False) -> Pattern:
    """A user's regular expression.

    Raises:
        ValueError: the text is none; says where it breaks.
    """
    try:
        return regex.compile(text, regex.IGNORECASE if ignore_case else 0)
    except regex.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None


def fits(pattern: Pattern, text: str, *, full: bool = False) -> bool:
    """Whether a pattern matches some part of a text, or all of it.

    Raises:
        ScorerError: it took too long.
    """
    find = pattern.fullmatch if full else pattern.search
    with _on_time(pattern, text):
        return find(text, timeout=SECONDS) is not None


def last_match(pattern: Pattern, text: str) -> Match | None:
    """The last match of a pattern in a text.

    Raises:
        ScorerError: it took too long.
    """
    last = None
    with _on_time(pattern, text):
        for last in pattern.finditer(text, timeout=SECONDS):  # noqa: B007 - the last one is meant
            pass
    return last


@contextmanager
def _on_time(pattern: Pattern, text: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise ScorerError(
            f"the regular expression {pattern.pattern!r} was stopped after {SECONDS:g} s on one "
            f"text of {len(text):,} characters; write it so that it can match a text in one way "
            "only: no repetition inside a repetition, no alternatives that match the same"
        ) from None
