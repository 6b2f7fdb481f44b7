"""What part of a completion is scored.

A suite says it in steps. The first ones cut wrappings away (`unwrap.py`) and never fail; the last
one finds the answer, or doesn't: then the answer is unparsable, which is another thing than wrong.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache, partial
from itertools import islice
from typing import Any, Final

from evalkit.errors import ScorerError
from evalkit.schema import Extract, ExtractKind, SuiteConfig
from evalkit.scorers.labels import finder, fold
from evalkit.scorers.numbers import number_texts
from evalkit.scorers.patterns import Pattern, compile_pattern, last_match
from evalkit.scorers.text import is_spaced
from evalkit.scorers.unwrap import (
    cut_closing,
    cut_preamble,
    cut_reasoning,
    open_fence,
    strip_quotes,
)

Step = Callable[[str], str | None]
"""From a text to what is left or found of it; None if nothing is."""

LETTERS: Final = "ABCDEFGHIJ"
MOST_REMEMBERED: Final = 100_000
MOST_STARTS: Final = 100
"""Places of a text at which JSON is looked for."""
_PLACE: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def make_extractor(config: SuiteConfig) -> Step:
    """A function from a completion to the part of it that is scored.

    It returns None where a suite's steps find nothing: the answer is unparsable. Without steps all
    of a completion is scored.

    Args:
        config: the suite; its labels are what the step `label` finds.

    Raises:
        ScorerError: a step that this suite cannot take; later, a pattern that takes too long.
    """
    return _extractor(config.name, config.extract, config.labels)


@lru_cache(maxsize=8)
def _extractor(suite: str, extract: tuple[Extract, ...], labels: tuple[str, ...]) -> Step:
    steps = [_MAKERS[step.kind](step, suite, labels) for step in extract]

    @lru_cache(maxsize=MOST_REMEMBERED)  # every scorer of the suite asks for the same texts
    def extract_from(completion: str) -> str | None:
        text = _present(completion)
        for step in steps:
            text = text and _present(step(text))
        return text

    return extract_from if steps else str


def _present(text: str | None) -> str | None:
    return text if text and text.strip() else None


def _regex(step: Extract, suite: str, *_: object) -> Step:
    try:
        pattern = compile_pattern(step.value)
    except ValueError as error:
        raise ScorerError(
            f"suite {suite!r}: extract: {error}; expected the syntax of Python's re, with "
            "the answer in the first group"
        ) from None
    return partial(_matched, pattern)


def _matched(pattern: Pattern, text: str) -> str | None:
    """The last match's first group, or the whole match of an expression without groups."""
    match = last_match(pattern, text)
    return match and match[1 if pattern.groups else 0]


def _json(step: Extract, *_: object) -> Step:
    places = _PLACE.findall(step.value)
    path: list[Any] = [int(index) if index else key for index, key in places]

    def value(text: str) -> str | None:
        found = find_json(text)
        if found is None:
            return None
        whole, inside = found
        for place in path:
            if not isinstance(inside, list if isinstance(place, int) else dict):
                return None
            try:
                inside = inside[place]
            except (KeyError, IndexError):
                return None
        return _as_text(inside) if path else whole

    return value


def find_json(text: str) -> tuple[str, Any] | None:
    """The first JSON object or list in a text, as written and as a value; None if there is none.

    A text that is one JSON value counts whatever the value is.
    """
    decoder = json.JSONDecoder(parse_float=Decimal)
    bare = open_fence(text).strip()
    starts = (match.start() for match in re.finditer(r"[{\[]", bare))
    for start in (0, *islice(starts, MOST_STARTS)):
        try:
            value, end = decoder.raw_decode(bare, start)
        except (ValueError, ArithmeticError, RecursionError):
            continue
        if start or end == len(bare) or isinstance(value, dict | list):
            return bare[start:end], value
    return None


def _as_text(value: object) -> str:
    """Text as it is, numbers as written, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=float)


def _after(step: Extract, *_: object) -> Step:
    marker = re.compile(re.escape(step.value), re.IGNORECASE)

    def rest(text: str) -> str | None:
        end = max((match.end() for match in marker.finditer(text)), default=None)
        return None if end is None else text[end:].strip()

    return rest


def _line(step: Extract, *_: object) -> Step:
    at = -1 if step.value == "last" else 0
    return lambda text: text.strip().splitlines()[at].strip()


def _number(step: Extract, *_: object) -> Step:
    at = 0 if step.value == "first" else -1
    return lambda text: next(iter(number_texts(text)[at:][:1]), None)


def _option(step: Extract, *_: object) -> Step:
    letter = f"([{step.value or LETTERS}])"
    small = f"([{(step.value or LETTERS).lower()}])"
    # From the surest sign to the weakest; of several places with one sign the last one counts.
    patterns = [
        re.compile(rf"\A\W*+(?:(?i:option|choice|answer)\W*+)?{letter}(?:\s*[).:\]*]|\W*\Z)"),
        re.compile(rf"\\boxed\{{(?:\\text\{{)?\(?{letter}\)?\}}"),
        re.compile(
            rf"(?i:\b(?:answer|option|choice)(?:\s+is|\s*[:=])?)[\s*:(\[\"'`]{{0,6}}{letter}(?!\w)"
        ),
        re.compile(rf"\({letter}\)"),
        re.compile(rf"^[ \t]*\**{letter}[ \t]*[).:]", re.MULTILINE),
        re.compile(rf"\*\*{letter}\*\*"),
        re.compile(rf"\A\W*{small}\W*\Z"),
    ]

    def chosen(text: str) -> str | None:
        for pattern in patterns:
            found = pattern.findall(text)
            if found:
                return str(found[-1]).upper()
        return None

    return chosen


def _label(step: Extract, suite: str, declared: tuple[str, ...]) -> Step:
    labels = declared or tuple(label for label, _ in step.synonyms)
    if not labels:
        raise ScorerError(
            f"suite {suite!r}: extract: the step 'label' has no labels to find; expected "
            "`labels:` in the suite, or `extract: {label: {LABEL: [SYNONYM]}}`"
        )
    meant = {label: label for label in labels}
    for label, others in step.synonyms:
        meant |= dict.fromkeys((label, *others), label)
    spellings = tuple(meant)
    counts = Counter(map(fold, spellings))
    folded = {fold(s): label for s, label in meant.items() if fold(s) and counts[fold(s)] == 1}
    find, words = finder(spellings), _any_word(folded)

    def named(text: str) -> str | None:
        """The label that a text is, or else the only one that it names."""
        whole = find(text)
        if whole is not None:
            return meant[spellings[whole]]
        found = {folded[match[0]] for match in words.finditer(fold(text))}
        return found.pop() if len(found) == 1 else None

    return named


def _any_word(words: Iterable[str]) -> re.Pattern[str]:
    """Any of some texts as whole words, the longest that fits; never matches if there are none."""

    def bounded(word: str) -> str:
        left = r"(?<!\w)" if is_spaced(word[0]) else ""
        right = r"(?!\w)" if is_spaced(word[-1]) else ""
        return left + re.escape(word) + right

    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(map(bounded, longest_first)) or r"(?!)")


_MAKERS: Mapping[ExtractKind, Callable[[Extract, str, tuple[str, ...]], Step]] = {
    "reasoning": lambda *_: cut_reasoning,
    "preamble": lambda *_: cut_preamble,
    "closing": lambda *_: cut_closing,
    "fence": lambda step, *_: partial(open_fence, language=step.value),
    "quotes": lambda *_: strip_quotes,
    "regex": _regex,
    "json": _json,
    "after": _after,
    "line": _line,
    "number": _number,
    "option": _option,
    "label": _label,
}
