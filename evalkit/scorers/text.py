"""Text as scorers see it: normalised, cut into words, in every script.

Two rules hold throughout. ASCII text is treated exactly as the reference implementations treat it
(the SQuAD script, rouge-score); and scripts written without spaces fall into single characters, so
that a longer answer can share a part with its reference.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache

ARTICLES = re.compile(r"\b(a|an|the)\b")
ASCII_WORDS = re.compile(r"[a-z0-9]+")
FIRST_PICTOGRAPH = 0x2600
VARIATION_SELECTORS = range(0xFE00, 0xFE10)
UNSPACED = frozenset(
    {
        "BOPOMOFO",
        "CJK",
        "HIRAGANA",
        "IDEOGRAPHIC",
        "KATAKANA",
        "KATAKANA-HIRAGANA",
        "KHMER",
        "LAO",
        "MYANMAR",
        "THAI",
        "TIBETAN",
    }
)
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
    category = unicodedata.category(character)
    return None if category[0] == "P" or category == "Cf" else character


def _space_out(character: str) -> str:
    unspaced = unicodedata.category(character)[0] == "L" and script(character) in UNSPACED
    return f" {character} " if unspaced else character


def _keep_words(character: str) -> str | None:
    """Letters, digits, their marks and pictographs stay; everything else parts words."""
    category = unicodedata.category(character)
    if category == "Cf" or ord(character) in VARIATION_SELECTORS:
        return None
    if category == "So" and ord(character) >= FIRST_PICTOGRAPH:
        return f" {character} "
    return _space_out(character) if category[0] in "LNM" else " "


_WITHOUT_PUNCTUATION = _Table(_drop_punctuation)
_SPACED_OUT = _Table(_space_out)
_WORDS = _Table(_keep_words)


def lower(text: str) -> str:
    """Lower case; one spelling (NFC) for letters that can be composed in several ways."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text.lower())


def normalise(text: str) -> str:
    """Lower case, without punctuation, English articles and superfluous white space.

    For ASCII text this is `normalize_answer` of the SQuAD evaluation script (Rajpurkar et al. 2016,
    arXiv:1606.05250); beyond ASCII, punctuation is what Unicode calls so.
    """
    return " ".join(ARTICLES.sub(" ", lower(text).translate(_WITHOUT_PUNCTUATION)).split())


def space_out(text: str) -> str:
    """The text with spaces around every character of a script that is written without them."""
    return text if text.isascii() else text.translate(_SPACED_OUT)


def normalised_words(text: str) -> list[str]:
    """Words of the normalised text."""
    return space_out(normalise(text)).split()


def rouge_words(text: str) -> list[str]:
    """Lower-cased runs of letters and digits.

    For ASCII text these are the tokens of rouge-score's default tokenizer, which cuts everything
    else out.
    """
    text = lower(text)
    return ASCII_WORDS.findall(text) if text.isascii() else text.translate(_WORDS).split()


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
