"""Which training text a test text is a rewording of, if one stands out: in bits.

A word that one training text in 2^b has is worth b bits. What two texts share is worth the sum over
the words that both have. Words that follow each other are not independent: of two words that both
texts have side by side, those bits are taken off by which the pair is more frequent than its words
foretell, so that a name, a set phrase or a template counts about once.

What a rewording is held against is not chance but the second nearest training text. Prompts of one
form, about one thing, to one person share much with many training texts; a rewording shares more
with one than with all others. Its lead over the second must be large

    lead >= 5                               bits, at all
    lead >= 2.5 * sqrt(bits of the words that only one of both has)
    lead >= 2 * (bits of the rarest word of the training text that the test text lacks)
    lead >= 1.25 * (bits of the rarest word that both have), if what the test text lacks is worth
                   more than 1 bit: if fewer than half of the training texts have it

and both must have 5 words in common. The second bound grows as sums of chance agreements do. The
third and fourth keep questions about another thing, and other questions about one thing, apart:
those lack just the one word that matters, these have just one such word in common. A word is no
such word, and not counted as lacking, if the second nearest training text has it too. Words that
training doesn't know cost nothing: a greeting doesn't make another question. The numbers were set
on honest prompts; tests/calibration/leakage.py measures what they find and what they accuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.data.incidence import Encoded, batches

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LEAST_LEAD = 5.0
"""Bits by which the nearest training text must lead."""
LEAD_BY_SPREAD = 2.5
"""Lead for each square root of a bit in which both texts differ."""
LEAD_BY_LACKING = 2.0
"""Lead for each bit of the rarest word that the test text lacks."""
LEAD_BY_SHARED = 1.25
"""Lead for each bit of the rarest word that both have, ..."""
COMMON = 1.0
"""... if a word of more bits than these is lacking."""
FEWEST_WORDS = 5
"""Words that both must have."""

_NEAREST = 32
"""Training texts that are looked at closely for each test text, ..."""
_WORK = 1 << 28
"""... chosen by their rarest words: as many as make so many pairs of texts at most."""

_DECIMALS = 9
"""Of bits: sums that differ only by the order of their terms are equal."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reworded:
    """A test text and the training text that it rewords.

    Attributes:
        left: number of the test text.
        right: number of the training text.
        similarity: bits of the words that both have as a share of those that either has, among
            the words that training knows, in [0, 1].
    """

    left: int
    right: int
    similarity: float


@dataclass(frozen=True, slots=True)
class _Bits:
    """The words, or pairs of neighbours, of both sides and what sharing one is worth.

    Attributes:
        left: (test texts, features), 1 where a text has a feature.
        right: (training texts, features).
        worth: (features,) in bits; below 0 for pairs of neighbours.
    """

    left: csr_array[Any, Any]
    right: csr_array[Any, Any]
    worth: Floats

    def shared(self, left: Ints, right: Ints) -> Floats:
        """What these pairs of texts share, pair by pair, in bits."""
        parts = np.array_split(np.arange(len(left)), len(left) // 10_000 + 1)
        return np.concatenate(
            [self.left[left[p]].multiply(self.right[right[p]]) @ self.worth for p in parts]
        )


def find_reworded(test: Encoded, train: Encoded, vocabulary: int) -> Iterator[Reworded]:
    """The test texts of which one training text stands out as the source.

    Args:
        test: texts to look for.
        train: texts to look in; no two of them should be equal.
        vocabulary: how many different words both have together.
    """
    words = _word_bits(test, train, vocabulary)
    pairs = _pair_bits(test, train, vocabulary, words.worth)
    own_left, own_right = words.left @ words.worth, words.right @ words.worth
    left, right = _near(words)
    if not len(left):
        return
    both = words.shared(left, right)
    lead = _Lead.of(left, right, both + pairs.shared(left, right))
    left, right, both = left[lead.first], right[lead.first], both[lead.first]
    differing = np.maximum(own_left[left] + own_right[right] - 2 * both, 0)
    for pair in np.flatnonzero(lead.bits >= _needed(words, left, right, lead, differing)):
        similarity = both[pair] / (both[pair] + differing[pair])
        yield Reworded(int(left[pair]), int(right[pair]), float(similarity))


@dataclass(frozen=True, slots=True)
class _Lead:
    """How far the nearest training text is ahead, for each test text that shares anything.

    Attributes:
        first: index of its pair with the nearest.
        second: the second nearest training text, -1 if there is none.
        bits: what it shares with the nearest more than with the second.
    """

    first: Ints
    second: Ints
    bits: Floats

    @classmethod
    def of(cls, left: Ints, right: Ints, shared: Floats) -> _Lead:
        """The lead by what all pairs share."""
        shared = shared.round(_DECIMALS)
        order = np.lexsort((right, -shared, left))
        starts = np.flatnonzero(np.diff(left[order], prepend=-1))
        ends = np.append(starts[1:], len(order)) - 1
        alone = starts == ends
        first, second = order[starts], order[np.minimum(starts + 1, ends)]
        behind = np.where(alone, 0.0, shared[second])
        return cls(first, np.where(alone, -1, right[second]), shared[first] - behind)


def _word_bits(test: Encoded, train: Encoded, vocabulary: int) -> _Bits:
    left = _matrix(test, test.numbers.astype(np.int64), _texts(test), vocabulary)
    right = _matrix(train, train.numbers.astype(np.int64), _texts(train), vocabulary)
    return _Bits(left, right, _surprise(right))


def _pair_bits(test: Encoded, train: Encoded, vocabulary: int, words: Floats) -> _Bits:
    """Pairs of neighbours: minus the bits that counting their words one by one is too much."""
    (left_text, left_key), (right_text, right_key) = (
        _neighbours(texts, vocabulary) for texts in (test, train)
    )
    known = np.intersect1d(left_key, right_key)
    kept = np.isin(left_key, known), np.isin(right_key, known)
    left = _matrix(test, np.searchsorted(known, left_key[kept[0]]), left_text[kept[0]], len(known))
    right = _matrix(
        train, np.searchsorted(known, right_key[kept[1]]), right_text[kept[1]], len(known)
    )
    foretold = words[known // vocabulary] + words[known % vocabulary]
    return _Bits(left, right, -np.maximum(foretold - _surprise(right), 0))


def _texts(texts: Encoded) -> Ints:
    """The text of each word."""
    return np.repeat(np.arange(len(texts.ends)), np.diff(texts.ends, prepend=0))


def _neighbours(texts: Encoded, vocabulary: int) -> tuple[Ints, Ints]:
    """Text and number of every two words that follow each other in one text."""
    of_word, numbers = _texts(texts), texts.numbers.astype(np.int64)
    within = of_word[1:] == of_word[:-1]
    return of_word[1:][within], (numbers[:-1] * vocabulary + numbers[1:])[within]


def _matrix(texts: Encoded, columns: Ints, rows: Ints, width: int) -> csr_array[Any, Any]:
    """(texts, width), 1 where a text has the feature of a column, however often."""
    from scipy.sparse import csr_array

    found = csr_array(
        (np.ones(len(rows), np.float64), (rows, columns)), shape=(len(texts.ends), width)
    )
    found.sum_duplicates()
    found.data[:] = 1
    return found


def _surprise(right: csr_array[Any, Any]) -> Floats:
    """Bits of a feature by how many of the training texts have it; 0 for those that none has."""
    holders = np.bincount(right.indices, minlength=right.shape[1])
    return np.where(holders, np.log2(right.shape[0] / np.maximum(holders, 1)), 0.0)


def _near(words: _Bits) -> tuple[Ints, Ints]:
    """Pairs of a test text and one of the training texts that share most with it, in rare words."""
    holders = np.bincount(words.right.indices, minlength=words.right.shape[1])
    askers = np.bincount(words.left.indices, minlength=words.left.shape[1])
    order = np.argsort(holders, kind="stable")
    kept = np.sort(order[np.cumsum((holders * askers)[order]) <= _WORK])
    left = words.left[:, kept].multiply(words.worth[kept]).tocsr()
    right = words.right[:, kept].T.tocsr()
    work = np.append(0, np.cumsum(holders[kept][left.indices]))[left.indptr]
    rows, columns = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for first, last in batches(work[1:]):
        product = (left[first:last] @ right).tocsr()
        for row in range(last - first):
            begin, end = product.indptr[row], product.indptr[row + 1]
            bits, texts = product.data[begin:end], product.indices[begin:end]
            if bits.size > _NEAREST:
                texts = texts[np.argpartition(bits, -_NEAREST)[-_NEAREST:]]
            rows.append(np.full(len(texts), first + row))
            columns.append(texts.astype(np.int64))
    return np.concatenate(rows), np.concatenate(columns)


def _needed(words: _Bits, left: Ints, right: Ints, lead: _Lead, differing: Floats) -> Floats:
    """The lead that makes a rewording, pair by pair; infinite if too few words are shared."""
    theirs = words.right[right]
    held = theirs.multiply(words.left[left])
    lacking = theirs - held
    usual = words.right[lead.second].multiply((lead.second >= 0)[:, None])
    shared_bits = _rarest(held, words.worth)
    lacking_bits = _rarest(lacking - lacking.multiply(usual), words.worth)
    bounds = [
        np.full(len(left), LEAST_LEAD),
        LEAD_BY_SPREAD * np.sqrt(differing),
        LEAD_BY_LACKING * lacking_bits,
        np.where(lacking_bits > COMMON, LEAD_BY_SHARED * shared_bits, 0),
        np.where(held.sum(axis=1) < FEWEST_WORDS, np.inf, 0),
    ]
    needed: Floats = np.max(bounds, axis=0)
    return needed


def _rarest(features: csr_array[Any, Any], worth: Floats) -> Floats:
    """Bits of the rarest feature of each row, 0 if it has none."""
    found: Floats = features.multiply(worth).max(axis=1).toarray().ravel()
    return found
