"""Words as single characters: a text becomes a short string in which each stands for a word.

Scorers that compare words then compare strings, which Python and rapidfuzz do in compiled code: an
n-gram is a slice, whether it occurs is a search, equal texts are equal strings. A prediction and
its references have an alphabet of their own: which character a word gets is arbitrary, and no score
depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

MOST_PAIRS = 2**15
"""Spellings that are remembered: those of one scorer are often the next one's too."""
LONGEST_TEXT = 10_000
"""In characters; the spellings of longer texts are not remembered."""
CHARACTERS = 0x110000

Words = Sequence[str]
Pair = tuple[str, list[str]]


class Speller:
    """From texts to strings of one character a word.

    Args:
        cut: text to words.
        stands_for: word to what it counts as, such as its stem; None if that is the word itself.
    """

    def __init__(
        self, cut: Callable[[str], Words], stands_for: Callable[[str], str] | None = None
    ) -> None:
        self._cut = cut
        self._stands_for = stands_for
        self._pairs: dict[tuple[str, tuple[str, ...]], Pair] = {}

    def pair(self, prediction: str, references: Sequence[str]) -> Pair:
        """A prediction and its references, spelled with one alphabet."""
        key = (prediction, tuple(references))
        found = self._pairs.get(key)
        if found is None:
            said, *accepted = self.spell((prediction, *references))
            found = said, accepted
            if len(prediction) + sum(map(len, references)) <= LONGEST_TEXT:
                if len(self._pairs) >= MOST_PAIRS:
                    self._pairs.clear()
                self._pairs[key] = found
        return found

    def spell(self, texts: Iterable[str]) -> list[str]:
        """Texts spelled with one alphabet."""
        cut = [self._cut(text) for text in texts]
        letters = self._letters(set[str]().union(*cut))
        return ["".join(map(letters.__getitem__, text)) for text in cut]

    def _letters(self, words: Collection[str]) -> dict[str, str]:
        """A character for each of some words; words that count as one share it."""
        if self._stands_for is None:
            return _alphabet(words)
        meant = list(map(self._stands_for, words))
        letters = _alphabet(set(meant))
        return dict(zip(words, map(letters.__getitem__, meant), strict=True))


def _alphabet(words: Collection[str]) -> dict[str, str]:
    if len(words) > CHARACTERS:
        raise ValueError(f"more than {CHARACTERS:,} different words in one text and its references")
    return dict(zip(words, map(chr, range(len(words))), strict=True))
