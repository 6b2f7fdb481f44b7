"""Small changes to a prompt that leave alone what it asks: case, white space, typing errors.

A change touches plain words of running text only. Numbers, names inside a sentence, capitals,
identifiers, addresses, keys before a colon, everything quoted, bracketed, tagged or set as code or
table, words that occur in an accepted answer and words that the prompt uses twice stay as they are:
whoever changes those may ask something else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import TypeVar

import numpy as np

Place = TypeVar("Place")

_LETTERS = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"\S+")
_WORD = re.compile(r"[(¿¡]*([^\W\d_]+)[.,;!?)…]*")
_FIXED = re.compile(
    r"""```.*?(?:```|\Z) | `[^`\n]*`                         # code
      | "[^"]*(?:"|\Z) | “[^”]*(?:”|\Z) | „[^“”]*(?:[“”]|\Z)  # quotes, to the end if never closed
      | «[^»]*(?:»|\Z) | \u2018[^\u2019]*(?:\u2019|\Z) | (?<!\w)'[^'\n]*'(?!\w)
      | <[^<>\n]*>                                           # tags
      | ^(?:[ \t]+\S|.*[|\t]|[#>]).*$                        # indented lines, tables, headings
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_SENTENCE = re.compile(r"(?:\A|\n|[!?…]|\w{3}\.)\W*\Z")
_NAME = re.compile(r"\W+[^\W\d_]*[A-ZÀ-ÖØ-Þ]")
_BEFORE = 12  # characters in which a sentence's end is looked for
_OPENING, _CLOSING = "{[", "}]"
# A slip between two consonants hardly ever makes another word: `form` would become `from`.
_CONSONANTS = frozenset("bcdfghjklmnpqrstvwxzбвгджзклмнпрстфхцчшщβγδζθκλμνξπρστφχψ")  # noqa: RUF001 - letters of three alphabets
_NUMBERS = re.compile(
    r"three|seven|eight|eleven|twelve|\w+teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty"
    r"|hundred|thousand|[mb]illion"
)
_LONG = 5
"""Letters of a word that can still be read with a typing error in it."""
_TYPO_EVERY = 10
_SPACE_EVERY = 3


@dataclass(frozen=True, slots=True)
class Word:
    """A plain word of a prompt: its letters, and where they stand."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prose:
    """A prompt and what of it may be changed.

    Attributes:
        text: the prompt.
        words: plain words, in their order.
        gaps: positions of single spaces that may be doubled.
    """

    text: str
    words: tuple[Word, ...]
    gaps: tuple[int, ...]


def words_of(text: str) -> frozenset[str]:
    """The words of a text, case-folded."""
    return frozenset(map(str.casefold, _LETTERS.findall(text)))


def read_prose(prompt: str, kept: AbstractSet[str] = frozenset()) -> Prose:
    """Find what may be changed.

    Args:
        prompt: the text.
        kept: words, case-folded, that stay as they are.
    """
    fixed = _fixed(prompt)
    tokens = list(_TOKEN.finditer(prompt))
    uses = Counter(map(str.casefold, _LETTERS.findall(prompt)))
    words = []
    for token in tokens:
        match = _WORD.fullmatch(token.group())
        if match is None or any(fixed[token.start() : token.end()]):
            continue
        word = match[1]
        if word.casefold() not in kept and uses[word.casefold()] == 1:
            start = token.start() + match.start(1)
            words.append(Word(word, start, start + len(word)))
    held = [not kept.isdisjoint(words_of(token.group())) for token in tokens]
    gaps = [
        one.end()
        for at, (one, other) in enumerate(pairwise(tokens))
        if prompt[one.end() : other.start()] == " "
        if not fixed[one.end()] and not (held[at] and held[at + 1])
    ]
    return Prose(prompt, tuple(words), tuple(gaps))


def change_case(prose: Prose, draw: np.random.Generator) -> str:
    """Sentences begin with a small letter, or with a capital where they did not."""
    del draw
    return _replaced(
        prose.text,
        {
            word: word.text.lower() if word.text[0].isupper() else word.text.capitalize()
            for word in prose.words
            if len(word.text) > 1 and (word.text.islower() or word.text.istitle())
            if _SENTENCE.search(prose.text, max(0, word.start - _BEFORE), word.start)
            if not _NAME.match(prose.text, word.end)
        },
    )


def change_spacing(prose: Prose, draw: np.random.Generator) -> str:
    """Every third space between words is doubled, one at least."""
    chosen = set(_drawn(prose.gaps, -(-len(prose.gaps) // _SPACE_EVERY), draw))
    return "".join(mark * 2 if at in chosen else mark for at, mark in enumerate(prose.text))


def change_letters(prose: Prose, draw: np.random.Generator) -> str:
    """One word in ten is mistyped, one at least: two letters swapped or one typed twice."""
    slips = {word: slip for word in prose.words if (slip := mistyped(word.text))}
    chosen = _drawn(list(slips), -(-len(prose.words) // _TYPO_EVERY), draw)
    return _replaced(prose.text, {word: slips[word] for word in chosen})


def mistyped(word: str) -> str | None:
    """A word with a slip of the fingers inside; None for a name, a number or a short one."""
    if len(word) < _LONG or not word.islower() or _NUMBERS.fullmatch(word):
        return None
    places = [
        at
        for at in range(1, len(word) - 1)
        if word[at] in _CONSONANTS and word[at + 1] in _CONSONANTS
    ]
    for at in places:
        if word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[: places[0]] + word[places[0]] + word[places[0] :] if places else None


Change = Callable[[Prose, np.random.Generator], str]
CHANGES: Mapping[str, Change] = MappingProxyType(
    {"case": change_case, "spacing": change_spacing, "typos": change_letters}
)
"""Kind of rewording -> the function that makes it; a text that comes back unchanged has none."""


def _fixed(prompt: str) -> list[bool]:
    """Which characters belong to something that is not running text."""
    fixed = [False] * len(prompt)
    for match in _FIXED.finditer(prompt):
        fixed[match.start() : match.end()] = [True] * (match.end() - match.start())
    depth = 0
    for at, mark in enumerate(prompt):  # what is never closed is fixed to the end
        depth += mark in _OPENING
        fixed[at] = fixed[at] or depth > 0
        depth -= depth > 0 and mark in _CLOSING
    return fixed


def _drawn(places: Sequence[Place], count: int, draw: np.random.Generator) -> list[Place]:
    chosen = draw.choice(len(places), size=min(count, len(places)), replace=False)
    return [places[i] for i in chosen.tolist()]


def _replaced(text: str, changes: Mapping[Word, str]) -> str:
    """The text with some of its words changed."""
    parts, end = [], 0
    for word in sorted(changes, key=lambda word: word.start):
        parts += [text[end : word.start], changes[word]]
        end = word.end
    return "".join([*parts, text[end:]])
