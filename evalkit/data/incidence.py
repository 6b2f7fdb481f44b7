"""Which texts have which word sequences in common: all pairs, exactly, as sparse matrices."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]

_BATCH = 1 << 22
"""Words or pairs that are worked on at one time: bounds memory, changes no result."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts as word numbers.

    Attributes:
        numbers: of all texts, one after the other.
        ends: index after the last word of each text.
    """

    numbers: NDArray[np.uint32]
    ends: Ints


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """Word sequences that say nothing about a single text.

    Attributes:
        size: words of a sequence.
        keys: their hashes, sorted.
    """

    size: int
    keys: Hashes


@dataclass(frozen=True, slots=True)
class Pairs:
    """Texts of the left side and texts of the right side, pair by pair, sorted by both.

    Attributes:
        left: number of the left text.
        right: number of the right text.
        overlap: how many sequences they have in common.
    """

    left: Ints
    right: Ints
    overlap: Ints


@dataclass(frozen=True, slots=True)
class Side:
    """One side's word sequences.

    Attributes:
        matrix: (texts, sequences that the left side has), 1 where a text has a sequence.
        size: how many different sequences each text has.
        rare_size: how many of them have no boilerplate in them.
    """

    matrix: csr_array[Any, Any]
    size: Ints
    rare_size: Ints


@dataclass(frozen=True, slots=True)
class Incidence:
    """The word sequences of two sides.

    Attributes:
        left: the texts that are looked for.
        right: the texts that they are looked for in.
        rare: (sequences that the left side has,) false where there is boilerplate in them.
    """

    left: Side
    right: Side
    rare: Flags

    def sharing(self) -> Iterator[Pairs]:
        """All pairs with a rare sequence in common, in batches of left texts."""
        left = self.left.matrix[:, self.rare]
        right = self.right.matrix[:, self.rare]
        holders = np.bincount(right.indices, minlength=right.shape[1])
        work = np.append(0, np.cumsum(holders[left.indices]))[left.indptr]
        for first, last in batches(work[1:]):
            product = (left[first:last] @ right.T).tocsr()
            product.sort_indices()
            rows = np.repeat(np.arange(first, last), np.diff(product.indptr))
            yield Pairs(rows, product.indices.astype(np.int64), product.data.astype(np.int64))

    def overlap(self, left: Ints, right: Ints) -> Ints:
        """How many sequences, boilerplate too, each of these pairs has in common."""
        counts = [
            self.left.matrix[left[part]].multiply(self.right.matrix[right[part]]).sum(axis=1)
            for part in np.array_split(np.arange(len(left)), len(left) // 10_000 + 1)
        ]
        return np.concatenate(counts).astype(np.int64)


def encode(texts: Sequence[str], vocabulary: dict[str, int]) -> Encoded:
    """Texts of words with spaces between, as numbers; new words join the vocabulary."""
    numbers = array("I")
    ends = np.empty(len(texts), np.int64)
    for index, text in enumerate(texts):
        numbers.extend(vocabulary.setdefault(word, len(vocabulary)) for word in text.split())
        ends[index] = len(numbers)
    return Encoded(np.frombuffer(numbers, np.uint32), ends)


def find_boilerplate(texts: Encoded, size: int, common: int) -> Boilerplate:
    """Word sequences that more than so many of the texts have; no two texts should be equal."""
    _, keys, _ = _sequences(texts, size, Boilerplate(size, np.empty(0, np.uint64)))
    different, holders = np.unique(keys, return_counts=True)
    return Boilerplate(size, different[holders > common])


def incidence(left: Encoded, right: Encoded, size: int, boilerplate: Boilerplate) -> Incidence:
    """Compare two sides by the sequences of so many words.

    Args:
        left: the texts that are looked for.
        right: the texts that they are looked for in.
        size: words of a sequence.
        boilerplate: what `find_boilerplate` found.
    """
    left_rows, left_keys, left_rare = _sequences(left, size, boilerplate)
    right_rows, right_keys, right_rare = _sequences(right, size, boilerplate)
    columns, firsts = np.unique(left_keys, return_index=True)
    return Incidence(
        _side(len(left.ends), left_rows, left_keys, left_rare, columns),
        _side(len(right.ends), right_rows, right_keys, right_rare, columns),
        left_rare[firsts],
    )


def _side(texts: int, rows: Ints, keys: Hashes, rare: Flags, columns: Hashes) -> Side:
    from scipy.sparse import csr_array

    kept = _among(keys, columns)
    place = np.searchsorted(columns, keys[kept])
    ones = np.ones(len(place), np.int32)
    return Side(
        matrix=csr_array((ones, (rows[kept], place)), shape=(texts, len(columns))),
        size=np.bincount(rows, minlength=texts),
        rare_size=np.bincount(rows[rare], minlength=texts),
    )


def _sequences(texts: Encoded, size: int, boilerplate: Boilerplate) -> tuple[Ints, Hashes, Flags]:
    """Text and hash of every different sequence of so many words, and whether it is rare."""
    rows: list[Ints] = [np.empty(0, np.int64)]
    keys: list[Hashes] = [np.empty(0, np.uint64)]
    rare: list[Flags] = [np.empty(0, np.bool_)]
    for first, last in batches(texts.ends):
        start = int(texts.ends[first - 1]) if first else 0
        ends = texts.ends[first:last]
        words = _mixed(texts.numbers[start : int(ends[-1])])
        of_word = np.repeat(np.arange(first, last), np.diff(ends, prepend=start))
        count = len(words) - size + 1
        if count < 1:
            continue
        within = np.flatnonzero(of_word[:count] == of_word[size - 1 :])
        row, key = of_word[within], _rolled(words, size)[within]
        order = np.lexsort((key, row))
        row, key = row[order], key[order]
        new = np.ones(len(row), np.bool_)
        new[1:] = (row[1:] != row[:-1]) | (key[1:] != key[:-1])
        rows.append(row[new])
        keys.append(key[new])
        rare.append(_rare(words, size, boilerplate)[within][order][new])
    return np.concatenate(rows), np.concatenate(keys), np.concatenate(rare)


def _rare(words: Hashes, size: int, boilerplate: Boilerplate) -> Flags:
    """Whether the so many words that begin at each place have no boilerplate in them."""
    common = np.append(0, np.cumsum(_among(_rolled(words, boilerplate.size), boilerplate.keys)))
    inside = size - boilerplate.size + 1  # sequences of boilerplate's size in one of this size
    rare: Flags = common[inside:] == common[:-inside]
    return rare


def _mixed(numbers: NDArray[np.uint32]) -> Hashes:
    """A 64-bit hash of each word number: the finaliser of SplitMix64 (Steele et al. 2014)."""
    bits = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _rolled(words: Hashes, size: int) -> Hashes:
    """A 64-bit hash of the so many words that begin at each place: a polynomial modulo 2^64."""
    count = len(words) - size + 1
    key = np.zeros(count, np.uint64)
    for offset in range(size):
        key = key * np.uint64(0x5851F42D4C957F2D) + words[offset : offset + count]
    return key


def _among(keys: Hashes, sorted_keys: Hashes) -> Flags:
    """Whether each key is one of some sorted keys."""
    if not len(sorted_keys):
        return np.zeros(len(keys), np.bool_)
    place = np.searchsorted(sorted_keys, keys).clip(max=len(sorted_keys) - 1)
    found: Flags = sorted_keys[place] == keys
    return found


def batches(ends: Ints) -> Iterator[tuple[int, int]]:
    """Ranges of texts with at most so much work each, or of one text with more."""
    first = 0
    while first < len(ends):
        done = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _BATCH, side="right")))
        yield first, last
        first = last
