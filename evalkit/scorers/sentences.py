"""Sentences of a text, without a trained model and its download.

A rule, not a grammar: a sentence ends with a sign that ends sentences, closing quotes and brackets
with it, if white space follows (in scripts without spaces it need not) and neither an abbreviation
nor an initial stands before a full stop. Lines are sentences of their own.
"""

from __future__ import annotations

import re

ABBREVIATIONS = frozenset(
    {
        "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "gen", "col", "lt", "capt", "rev", "hon",
        "vs", "etc", "cf", "al", "fig", "vol", "pp", "ed", "eds", "inc", "ltd", "co", "corp",
        "dept", "approx", "e.g", "i.e", "u.s", "u.k", "a.m", "p.m", "jan", "feb", "mar", "apr",
        "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
        "bzw", "ca", "usw", "z.b", "d.h", "sra", "dra", "mme", "mlle",
    }
)  # fmt: skip
"""Words, in lower case and without their last full stop, that seldom end a sentence."""
WIDE = "\u3002\uff01\uff1f\uff61"
"""Full stop, exclamation and question mark of Chinese and Japanese: no space is expected."""
NARROW = ".!?\u2026\u061f\u06d4\u0964\u0965\u0589\u104b"
"""Signs after which one is: also those of Arabic, Urdu, Indic scripts, Armenian and Burmese."""
CLOSING = "\"')\\]}\u00bb\u201d\u2019\u300d\u300f\uff09\u300b"

_END = re.compile(
    rf"(?P<wide>[{WIDE}]+[{CLOSING}]*)\s*|(?P<narrow>[{NARROW}]+[{CLOSING}]*)(?:\s+|$)|\n+"
)
_LAST_WORD = re.compile(r"[\w.]*$")


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without white space around them and none of them empty."""
    found = []
    start = 0
    for end in _END.finditer(text):
        sentence = text[start : end.end()].strip()
        if end["narrow"] == "." and "\n" not in end[0] and _abbreviated(sentence[:-1]):
            continue
        found.append(sentence)
        start = end.end()
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _abbreviated(sentence: str) -> bool:
    """Whether the last word, whose full stop was cut off, is an abbreviation or an initial."""
    match = _LAST_WORD.search(sentence[-20:])
    word = match[0] if match else ""
    return word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isupper() and word != "I")
