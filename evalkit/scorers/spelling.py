"""Words as single characters: a text becomes a short string in which each stands for a word.

Scorers that compare words then compare strings, which numpy and rapidfuzz do in compiled code, for
many pairs at once. Which character a word gets is arbitrary, and no score depends on it; within one
batch it is the same one in every text.
"""

from __future__ import annotations

from codecs import utf_32_le_decode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from evalkit.scorers.ngrams import Batch

MOST_CHARACTERS = 2**20
"""Of distinct words: beyond them, an alphabet is begun anew with the next batch."""
MOST_REMEMBERED = 2**23
"""Words of spelled texts that are remembered: those of one scorer are often the next one's too."""
SURROGATES = range(0xD800, 0xE000)
"""No characters of their own, so words are not spelled by them."""
CHARACTERS = 0x110000 - len(SURROGATES)

References: TypeAlias = Sequence[Sequence[str]]
Key: TypeAlias = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, slots=True)
class Words:
    """How texts are cut: into pieces, which repeat, and each piece into the words it counts as.

    Attributes:
        pieces: of a text.
        read: the words of a piece; they depend on nothing else.
    """

    pieces: Callable[[str], Sequence[str]]
    read: Callable[[str], Sequence[str]]

    def __call__(self, text: str) -> list[str]:
        """The words of a text."""
        return [word for piece in self.pieces(text) for word in self.read(piece)]


class Speller:
    """From texts to strings of one character a word.

    Args:
        words: how texts are cut.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        self._alphabet = _Alphabet(words.read)
        self._remembered: dict[Key, Batch] = {}
        self._size = 0

    def batch(self, predictions: Sequence[str], references: References) -> Batch:
        """Predictions and their references, spelled with one alphabet."""
        key = tuple(predictions), tuple(map(tuple, references))
        found = self._remembered.get(key)
        if found is None:
            found = self._spelled(predictions, references)
            self._remember(key, found)
        return found

    def spell(self, texts: Iterable[str]) -> list[str]:
        """Texts spelled with one alphabet."""
        if self._alphabet.characters > MOST_CHARACTERS:
            self._alphabet = _Alphabet(self._words.read)
        pieces, letters = self._words.pieces, self._alphabet.__getitem__
        return [utf_32_le_decode(b"".join(map(letters, pieces(text))))[0] for text in texts]

    def _spelled(self, predictions: Sequence[str], references: References) -> Batch:
        spelled = self.spell(
            [*predictions, *(text for accepted in references for text in accepted)]
        )
        counts = np.fromiter(map(len, references), dtype=np.intp, count=len(references))
        return Batch(spelled[: len(predictions)], spelled[len(predictions) :], counts)

    def _remember(self, key: Key, batch: Batch) -> None:
        self._size += sum(map(len, batch.said)) + sum(map(len, batch.accepted))
        if self._size > MOST_REMEMBERED:
            self._remembered.clear()
            self._size = 0
        else:
            self._remembered[key] = batch


class _Alphabet(dict[str, bytes]):
    """Piece to its words, a character each, as UTF-32, which is joined faster than strings are.

    Found out once for each piece.

    Attributes:
        characters: of all the pieces that are known.
    """

    def __init__(self, read: Callable[[str], Sequence[str]]) -> None:
        super().__init__()
        self._read = read
        self._letters = _Letters()
        self.characters = 0

    def __missing__(self, piece: str) -> bytes:
        self[piece] = spelled = b"".join(map(self._letters.__getitem__, self._read(piece)))
        self.characters += len(piece)
        return spelled


class _Letters(dict[str, bytes]):
    """Word to its character: the next one, if it is new."""

    def __missing__(self, word: str) -> bytes:
        number = len(self)
        if number >= CHARACTERS:
            raise ValueError(f"more than {CHARACTERS:,} different words in one batch of texts")
        code = number if number < SURROGATES.start else number + len(SURROGATES)
        self[word] = found = code.to_bytes(4, "little")
        return found
