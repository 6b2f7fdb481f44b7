"""Steps of extraction as they are written: `number`, `after=Answer:`, `regex=label: (.*)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, get_args

from evalkit.data.describe import describe, shorten
from evalkit.errors import UsageError, nearest
from evalkit.schema import Extract, ExtractKind

ANSWER: Final = ("reasoning", "preamble", "closing", "fence", "quotes")
"""What `answer` stands for: everything that a chat-tuned model wraps an answer in."""
KINDS: Final[tuple[ExtractKind, ...]] = get_args(ExtractKind)

_PATH = re.compile(r"([^.\[\]]+|\[\d+\])(\.[^.\[\]]+|\[\d+\])*")
_LANGUAGE = re.compile(r"[\w+#.-]+")
_LETTERS = re.compile(r"[A-Z]{2,26}")


def parse_extract(texts: Iterable[str]) -> tuple[Extract, ...]:
    """Steps as the command line gives them.

    Raises:
        UsageError: one that is no step; says which are known.
    """
    try:
        return read_steps(list(texts))
    except ValueError as error:
        found, expected = error.args
        raise UsageError(f"--extract: found {found}, expected {expected}") from None


def read_steps(value: object) -> tuple[Extract, ...]:
    """The steps that a value of a suite.yaml gives: one, or a list of them.

    Raises:
        ValueError: with what was found and what was expected.
    """
    items = value if isinstance(value, list) else [value]
    if not items:
        raise ValueError("an empty list", _STEP)
    return tuple(step for item in items for step in _read(item))


def _read(item: object) -> Sequence[Extract]:
    if isinstance(item, str):
        kind, sign, value = item.partition("=")
        return _step(kind.strip(), value if sign else None)
    if isinstance(item, dict) and len(item) == 1:
        ((kind, value),) = item.items()
        return _step(kind, value)
    raise ValueError(describe(item), _STEP)


def _step(kind: str, value: object) -> Sequence[Extract]:
    """One step; `answer` is several, and `whole` is none."""
    if kind == "whole" and value is None:
        return []
    if kind == "answer" and value is None:
        return [Extract(each) for each in KINDS if each in ANSWER]
    known = next((each for each in KINDS if each == kind), None)
    if known is None and "=" in kind and value is None:  # YAML took its last colon for a key's
        raise ValueError(f"the step {shorten(kind)} with a colon", f'quotes around it: "{kind}:"')
    if known is None:
        hint = nearest(kind, (*KINDS, "answer", "whole"))
        raise ValueError(
            f"the step {shorten(kind)}", f"a known one; {hint}; a pattern is written regex=PATTERN"
        )
    if known == "label" and isinstance(value, dict):
        return [Extract(known, synonyms=_synonyms(value))]
    text = "" if value is None else value
    fault = _CHECKS[known](text) if isinstance(text, str) else _STEP
    if fault:
        found = describe(value) if text else "nothing"
        raise ValueError(f"{found} for the step {kind!r}", fault)
    return [Extract(known, str(text))]


def _synonyms(value: Mapping[Any, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Labels with their other spellings, each a text or a list of texts."""
    found = []
    for label, others in value.items():
        spellings = others if isinstance(others, list) else [others]
        for spelling in spellings:
            if not isinstance(spelling, str) or not spelling.strip():
                raise ValueError(
                    f"{describe(spelling)} as another spelling of the label {shorten(str(label))}",
                    "text; quote it, if YAML takes it for something else",
                )
        found.append((str(label), tuple(spellings)))
    return tuple(found)


_STEP: Final = (
    "a step such as answer, number or option, `regex: PATTERN`, `json: PATH` or `after: MARKER`, "
    "or a list of steps"
)


def _nothing(text: str) -> str:
    return "no value" if text else ""


def _pattern(text: str) -> str:
    import regex

    if not text:
        return "a regular expression"
    try:
        regex.compile(text)
    except regex.error as error:
        return f"a regular expression that Python knows ({error})"
    return ""


def _path(text: str) -> str:
    return "" if not text or _PATH.fullmatch(text) else "a path such as answer.items[0].name"


def _marker(text: str) -> str:
    return "" if text.strip() else "the text that stands before the answer"


def _end(text: str) -> str:
    return "" if text in {"", "first", "last"} else "first or last"


def _letters(text: str) -> str:
    return "" if not text or _LETTERS.fullmatch(text) else "the letters of the options, as in ABCD"


def _language(text: str) -> str:
    return "" if not text or _LANGUAGE.fullmatch(text) else "a language's name, as after a fence"


_CHECKS: Final[Mapping[ExtractKind, Callable[[str], str]]] = {
    "reasoning": _nothing,
    "preamble": _nothing,
    "closing": _nothing,
    "fence": _language,
    "quotes": _nothing,
    "regex": _pattern,
    "json": _path,
    "after": _marker,
    "line": _end,
    "number": _end,
    "option": _letters,
    "label": lambda text: "the labels with their synonyms, or no value" if text else "",
}
"""Kind -> what was expected of its value; empty if the value is fine."""
