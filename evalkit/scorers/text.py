"""Text as scorers see it: normalised, cut into words, in every script.

Two rules hold throughout. ASCII text is treated exactly as the reference implementations treat it
(the SQuAD script, rouge-score); and scripts written without spaces are cut into units small enough
for a longer answer to share a part with its reference, and rare enough for texts that have nothing
to do with each other to share few: characters of Chinese and Japanese, pairs of neighbouring
letters (with their marks) of Thai, Lao, Khmer and Burmese, whose single letters occur everywhere.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import pairwise
from typing import Final

ENGLISH: Final = frozenset({"a", "an", "the"})
ARTICLES: Final[Mapping[str, frozenset[str]]] = {
    "en": ENGLISH,
    "de": frozenset(
        {
            "ein", "eine", "einen", "einem", "eines", "einer",
            "der", "die", "das", "den", "dem", "des",
        }
    ),
    "es": frozenset(["un", "una", "unos", "unas", "el", "la", "los", "las"]),
    "vi": frozenset(["của", "là", "cái", "chiếc", "những"]),
}  # fmt: skip
"""What normalisation drops: for English as SQuAD does, for the others as MLQA does (Lewis et al.
2020, arXiv:1910.07475). Other languages keep all their words."""
FIRST_PICTOGRAPH = 0x2600
VARIATION_SELECTORS = range(0xFE00, 0xFE10)
SYLLABLE_MARKS = "\u0f0b\u0f0c"
"""The points that part the syllables of Tibetan."""
PAIRED = frozenset({"KHMER", "LAO", "MYANMAR", "THAI"})
"""Scripts without spaces whose letters are so few that only pairs of them tell texts apart."""
UNSPACED = PAIRED | {
    "BOPOMOFO",
    "CJK",
    "HIRAGANA",
    "IDEOGRAPHIC",
    "KATAKANA",
    "KATAKANA-HIRAGANA",
}
"""Scripts without spaces between words, by the first word of their characters' Unicode names."""


class _Table(dict[int, str | None]):
    """A table for `str.translate` that asks a rule once for each character it meets."""

    def __init__(self, rule: Callable[[str], str | None]) -> None:
        super().__init__()
        self._rule = rule

    def __missing__(self, code: int) -> str | None:
        self[code] = found = self._rule(chr(code))
        return found


@cache
def script(character: str) -> str:
    """First word of a character's Unicode name (`LATIN`, `CYRILLIC`, `CJK`), or an empty string."""
    return unicodedata.name(character, "").partition(" ")[0]


def _drop_punctuation(character: str) -> str | None:
    """ASCII punctuation as Python's `string` has it, and Unicode's punctuation and format marks."""
    if character in string.punctuation:
        return None
    if character in SYLLABLE_MARKS:
        return " "
    category = unicodedata.category(character)
    return None if category[0] == "P" or category == "Cf" else character


def is_spaced(character: str) -> bool:
    """Whether a character belongs to a script that parts its words by spaces, or to none."""
    return unicodedata.category(character)[0] != "L" or script(character) not in UNSPACED


def _space_out(character: str) -> str:
    if character in SYLLABLE_MARKS:
        return " "
    return character if is_spaced(character) else f" {character} "


def _keep_words(character: str) -> str | None:
    """Letters, digits, their marks and pictographs stay; everything else parts words."""
    category = unicodedata.category(character)
    if category == "Cf" or ord(character) in VARIATION_SELECTORS:
        return None
    if category == "So" and ord(character) >= FIRST_PICTOGRAPH:
        return f" {character} "
    return character if category[0] in "LNM" else " "


_WITHOUT_PUNCTUATION = _Table(_drop_punctuation)
_SPACED_OUT = _Table(_space_out)
_WORDS = _Table(_keep_words)
_ASCII_WORDS = "".join(_keep_words(chr(code)) or "" for code in range(128)).encode().ljust(256)
_PUNCTUATION = string.punctuation.encode()
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ENGLISH_ARTICLES = re.compile(r"\b(a|an|the)\b")


def lower(text: str) -> str:
    """Lower case; one spelling (NFC) for letters that can be composed in several ways."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text.lower())


def articles(language: str | None) -> frozenset[str]:
    """The words that normalisation drops from a text in a language; English is assumed.

    Args:
        language: a BCP 47 code, or None.
    """
    return ENGLISH if language is None else ARTICLES.get(language.partition("-")[0], frozenset())


def normalise(text: str, dropped: frozenset[str] = ENGLISH) -> str:
    """Lower case, without punctuation, articles and superfluous white space.

    For ASCII text this is `normalize_answer` of the SQuAD evaluation script (Rajpurkar et al. 2016,
    arXiv:1606.05250); beyond ASCII, punctuation is what Unicode calls so.

    Args:
        text: any text.
        dropped: the articles, in lower case.
    """
    return " ".join(words_of_normalised(text, dropped))


def words_of_normalised(text: str, dropped: frozenset[str] = ENGLISH) -> list[str]:
    """What white space parts in the normalised text."""
    kept = _without_punctuation(text)
    if kept.isprintable():
        return [word for word in kept.split() if word not in dropped]
    return [word for piece in kept.split() for word in _without_articles(piece, dropped)]


def _without_punctuation(text: str) -> str:
    """In lower case."""
    if text.isascii():  # bytes are quicker to drop
        return text.lower().encode().translate(None, _PUNCTUATION).decode()
    return lower(text).translate(_WITHOUT_PUNCTUATION)


def in_units(words: Iterable[str]) -> list[str]:
    """The words, those of unspaced scripts cut into their units."""
    return [unit for word in words for unit in units(word)]


def _without_articles(piece: str, dropped: frozenset[str]) -> list[str]:
    if piece.isprintable():
        return [] if piece in dropped else [piece]
    # A control character is no part of a word to the SQuAD script, and doesn't part them.
    return re.sub(rf"\b({'|'.join(sorted(dropped)) or '(?!)'})\b", " ", piece).split()


def squad_words(text: str) -> list[str]:
    """What the SQuAD scripts make of a text, ASCII or not: only ASCII punctuation is dropped."""
    return _ENGLISH_ARTICLES.sub(" ", text.lower().translate(_ASCII_PUNCTUATION)).split()


def space_out(text: str) -> str:
    """The text with spaces around every character of a script that is written without them."""
    return text if text.isascii() else text.translate(_SPACED_OUT)


def units(word: str) -> list[str]:
    """A word without white space, cut where its script has no spaces.

    A letter and its marks are one; Chinese and Japanese ones stand alone, those of Thai, Lao, Khmer
    and Burmese with their right neighbour (so n of them are n - 1 units), all else stays together.
    """
    if word.isascii() or all(map(is_spaced, word)):
        return [word]
    found: list[str] = []
    for kind, clusters in _runs(word):
        if kind == "paired" and len(clusters) > 1:
            found += [one + other for one, other in pairwise(clusters)]
        else:
            found += clusters if kind else ["".join(clusters)]
    return found


def _runs(word: str) -> list[tuple[str, list[str]]]:
    """Letters with their marks, in runs of one kind: `paired`, `alone`, or empty for the others."""
    runs: list[tuple[str, list[str]]] = []
    for character in word:
        if runs and unicodedata.category(character)[0] == "M":
            runs[-1][1][-1] += character
            continue
        kind = "" if is_spaced(character) else "alone"
        if kind and script(character) in PAIRED:
            kind = "paired"
        if not runs or runs[-1][0] != kind:
            runs.append((kind, []))
        runs[-1][1].append(character)
    return runs


def rouge_pieces(text: str) -> list[str]:
    """Lower-cased runs of letters and digits.

    For ASCII text these are the tokens of rouge-score's default tokenizer, which cuts everything
    else out.
    """
    if text.isascii():  # bytes are quicker to replace
        return text.lower().encode().translate(_ASCII_WORDS).decode().split()
    return lower(text).translate(_WORDS).split()


def rouge_words(text: str) -> list[str]:
    """Lower-cased runs of letters and digits, unspaced scripts cut into their units."""
    return in_units(rouge_pieces(text))


def scripts(texts: Iterable[str]) -> Counter[str]:
    """How many letters of each script the texts hold."""
    characters = Counter[str]()
    for text in texts:
        characters.update(text)
    found = Counter[str]()
    for character, count in characters.items():
        if unicodedata.category(character)[0] == "L":
            found[script(character)] += count
    return found
