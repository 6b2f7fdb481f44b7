"""Texts that share too much with texts seen before.

The rules are those of the leakage check that look at two texts alone: equal after normalisation, a
run of words, similar shingles. They keep the shipped splits apart while they are made, one text
after the other. Whether a text is `reworded` shows only beside all others, so the finished splits
are checked for that, by the leakage check itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from evalkit.schema import GRAM, SHINGLE, SIMILAR

Words = tuple[str, ...]


def tokens(text: str) -> Words:
    """Lower-case words and numbers of a text."""
    return tuple(re.findall(r"\w+", text.lower()))


def runs(words: Words, length: int) -> set[Words]:
    """All runs of `length` words; the whole text where it is shorter."""
    if len(words) <= length:
        return {words}
    return {words[place : place + length] for place in range(len(words) - length + 1)}


class Overlap:
    """Remembers texts and finds those that overlap with them."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._runs: set[Words] = set()
        self._short: dict[int, set[Words]] = defaultdict(set)
        self._shingles: dict[Words, set[int]] = defaultdict(set)
        self._sizes: list[int] = []

    def add(self, texts: Iterable[str]) -> None:
        """Remember the texts."""
        for text in texts:
            words = tokens(text)
            if len(words) < GRAM:
                self._short[len(words)].add(words)
            self._runs |= runs(words, GRAM)
            for shingle in runs(words, SHINGLE):
                self._shingles[shingle].add(len(self._sizes))
            self._sizes.append(len(runs(words, SHINGLE)))

    def overlaps(self, texts: Iterable[str]) -> bool:
        """Whether one of the texts overlaps with one seen before."""
        return any(self._overlaps(tokens(text)) for text in texts)

    def _overlaps(self, words: Words) -> bool:
        if runs(words, GRAM) & self._runs:
            return True
        if any(runs(words, length) & short for length, short in self._short.items()):
            return True
        shared: dict[int, int] = defaultdict(int)
        shingles = runs(words, SHINGLE)
        for shingle in shingles:
            for seen in self._shingles.get(shingle, ()):
                shared[seen] += 1
        return any(
            count >= SIMILAR * (len(shingles) + self._sizes[seen] - count)
            for seen, count in shared.items()
        )
