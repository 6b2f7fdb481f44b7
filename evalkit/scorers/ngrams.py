"""N-grams of spelled texts: how many there are, and how many two sides have in common.

A spelled text has one character for each word (`spelling.py`). An n-gram that occurs k times on one
side and l times on the other is min(k, l) matches. All examples of a batch are counted at once: an
n-gram gets a number, the same wherever it occurs in its example, and what is counted are numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from operator import ne
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalkit.stats.samples import FloatArray

IntArray: TypeAlias = NDArray[np.intp]

CHARACTER_BITS = 21
"""So many hold any character."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Spelled predictions and their references.

    Attributes:
        said: n predictions.
        accepted: the references of the first, of the second, and so on.
        counts: how many of them each prediction has, at least one; shape (n,).
    """

    said: Sequence[str]
    accepted: Sequence[str]
    counts: IntArray

    @property
    def starts(self) -> IntArray:
        """Where each prediction's references begin, shape (n,)."""
        return np.cumsum(self.counts) - self.counts

    @property
    def examples(self) -> IntArray:
        """To which prediction each reference belongs, shape of the references."""
        return np.repeat(np.arange(len(self.said)), self.counts)

    def best(self, values: FloatArray) -> FloatArray:
        """Of the values of all references the greatest of each prediction, shape (n,)."""
        return values if len(values) == len(self.said) else np.maximum.reduceat(values, self.starts)

    def best_rows(self, values: FloatArray) -> IntArray:
        """The number of the first reference with that value, shape (n,)."""
        return np.lexsort((-values, self.examples))[self.starts]

    @cached_property
    def pairs(self) -> Batch:
        """Each reference with its prediction, as an example of its own."""
        if len(self.accepted) == len(self.said):
            return self
        said = [self.said[example] for example in self.examples.tolist()]
        return Batch(said, self.accepted, np.ones(len(said), dtype=np.intp))

    @cached_property
    def one_and_two(self) -> IntArray:
        """Matches of words and of pairs of them: who asks for one mostly asks for both."""
        return matches(self, 2)


def lengths(texts: Sequence[str]) -> IntArray:
    """Words of each text."""
    return np.fromiter(map(len, texts), dtype=np.intp, count=len(texts))


def totals(texts: Sequence[str], order: int) -> IntArray:
    """How many 1-grams, 2-grams, ... up to an order each text has, shape (texts, order)."""
    found: IntArray = np.maximum(lengths(texts)[:, np.newaxis] - np.arange(order), 0)
    return found


def closest_lengths(batch: Batch) -> IntArray:
    """Length of the reference whose length is closest; of two equally close ones the shorter."""
    wanted = lengths(batch.accepted)
    distance = np.abs(wanted - np.repeat(lengths(batch.said), batch.counts))
    return wanted[np.lexsort((wanted, distance, batch.examples))[batch.starts]]


def f_measure(hits: IntArray, reference: IntArray, prediction: IntArray) -> FloatArray:
    """Harmonic mean of precision and recall; 0 without any match.

    Args:
        hits: matches.
        reference: n-grams of the reference.
        prediction: n-grams of the prediction.
    """
    precision, recall = hits / np.maximum(prediction, 1), hits / np.maximum(reference, 1)
    return np.asarray(2 * precision * recall / np.where(hits, precision + recall, 1))


def matches(batch: Batch, order: int) -> IntArray:
    """Matches of 1-grams, 2-grams, ... up to an order, shape (n, order).

    Of several references, an n-gram counts as often as it occurs in the one that has it most.
    """
    predictions, texts = len(batch.said), [*batch.said, *batch.accepted]
    words = np.frombuffer("".join(texts).encode("utf-32-le"), dtype="<u4").astype(np.intp)
    text = np.repeat(np.arange(len(texts)), lengths(texts))
    after = np.cumsum(lengths(texts))[text]
    at = np.arange(len(words))
    gram = _numbers(np.concatenate((np.arange(predictions), batch.examples))[text], words)
    found = np.zeros((predictions, order), dtype=np.intp)
    for n in range(1, order + 1):
        hits = _hits(gram, text[at], batch)
        found[:, n - 1] = _sums(hits, gram, text[at], predictions)
        if n < order:
            longer = (hits[gram] > 0) & (at + n < after[at])  # no match, none that begins with it
            at = at[longer]
            gram = _numbers(gram[longer], words[at + n])
    return found


def common_items(said: list[str], wanted: list[str]) -> int:
    """Matches of words that are not spelled, for which numbering them would be more work.

    What stands at the same place on both sides is a match, and the rest matches as it would without
    it: that spares most of the counting where a prediction follows its reference.
    """
    moved: list[bool] = list(map(ne, said, wanted))
    found = len(moved) - sum(moved)
    left: dict[str, int] = {}
    for word in (*compress(wanted, moved), *wanted[len(moved) :]):
        left[word] = left.get(word, 0) + 1
    for word in (*compress(said, moved), *said[len(moved) :]):
        if left.get(word):
            left[word] -= 1
            found += 1
    return found


def _numbers(first: IntArray, word: IntArray) -> IntArray:
    """A number from 0 on for each different pair of what comes first and the word after it."""
    numbers: IntArray = np.unique(first << CHARACTER_BITS | word, return_inverse=True)[1]
    return numbers


def _hits(gram: IntArray, text: IntArray, batch: Batch) -> IntArray:
    """Matches of each n-gram.

    Args:
        gram: its number wherever it occurs, predictions first.
        text: where that is.
        batch: the texts.
    """
    size = int(gram.max(initial=-1)) + 1
    split = np.searchsorted(text, len(batch.said))
    said = np.bincount(gram[:split], minlength=size)
    if len(batch.accepted) == len(batch.said):
        return np.minimum(said, np.bincount(gram[split:], minlength=size))
    texts = len(batch.said) + len(batch.accepted)
    occurs, times = np.unique(gram[split:] * texts + text[split:], return_counts=True)
    most = np.zeros(size, dtype=np.intp)
    np.maximum.at(most, occurs // texts, times)
    return np.minimum(said, most)


def _sums(hits: IntArray, gram: IntArray, text: IntArray, predictions: int) -> IntArray:
    """Matches of each example."""
    example = np.zeros(len(hits), dtype=np.intp)
    split = np.searchsorted(text, predictions)
    example[gram[:split]] = text[:split]
    return np.bincount(example, weights=hits, minlength=predictions).astype(np.intp)
