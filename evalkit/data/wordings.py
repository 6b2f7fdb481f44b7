"""Texts as leakage sees them: words without case and punctuation, and sequences of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set as AbstractSet

from evalkit.schema import SHINGLE


def words(text: str) -> list[str]:
    """The words of a text as leakage sees them; scripts without spaces are split by character."""
    return normalise(text).split()


def shingles(text: str, size: int = SHINGLE) -> frozenset[tuple[str, ...]]:
    """The sequences of so many words that occur in a text."""
    found = words(text)
    return frozenset(tuple(found[i : i + size]) for i in range(len(found) - size + 1))


def jaccard(one: AbstractSet[object], other: AbstractSet[object]) -> float:
    """Size of the intersection over size of the union, in [0, 1]; 0 for two empty sets."""
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def containment(inner: AbstractSet[object], outer: AbstractSet[object]) -> float:
    """The share of `inner` that is in `outer`, in [0, 1]; 0 if `inner` is empty."""
    return len(inner & outer) / len(inner) if inner else 0.0


def normalise(text: str) -> str:
    """Words with one space between: NFKC, case folded, punctuation and Markdown's marks gone.

    Symbols stay, and so do the signs of arithmetic before a digit: `3 - 4` is not `3 + 4`.
    """
    folded = _MARKS.sub("", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_OPERATOR.sub(_as_symbol, folded).translate(_FOLDING).split()).lstrip("> ")


_MARKS = re.compile(r"^[ \t]*>[> \t]*(?=\S)|`+|~~", re.MULTILINE)
"""Quotes, code and struck text; the other marks of Markdown are punctuation."""
_OPERATOR = re.compile(r"(?:(?<=\d)\s*[-*/%]\s*|(?<!\S)-)(?=[\d(])")
_SYMBOLS = {"-": "\N{MINUS SIGN}", "*": "\N{MULTIPLICATION SIGN}", "/": "\N{DIVISION SIGN}",
            "%": "\N{DIVISION SLASH}"}  # fmt: skip


def _as_symbol(match: re.Match[str]) -> str:
    """The sign of an operation as the symbol that Unicode has for it."""
    return f" {_SYMBOLS[match[0].strip()]} "


class _Folding(dict[int, str]):
    """What each character becomes, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if kind == "Cf":  # soft hyphens, joiners: nothing that is seen
            folded = ""
        elif kind[0] in "PZC":
            folded = " "
        elif kind[0] == "S" or _without_spaces(character):
            folded = f" {character} "
        else:
            folded = character
        self[code] = folded
        return folded


_FOLDING = _Folding()


def _without_spaces(character: str) -> bool:
    """Whether a letter belongs to a script that writes no spaces between words."""
    if unicodedata.category(character) != "Lo":
        return False
    name = unicodedata.name(character, "")
    return name.startswith(("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"))
