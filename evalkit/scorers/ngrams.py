"""N-grams of word lists: how many there are, and how many two sides have in common.

An n-gram that occurs k times on one side and l times on the other is min(k, l) matches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

Gram = tuple[Hashable, ...]


def ngrams(words: Sequence[Hashable], order: int) -> Iterator[Gram]:
    """Runs of `order` neighbouring words, in order."""
    return zip(*(words[start:] for start in range(order)), strict=False)


def count(words: Sequence[Hashable], order: int) -> int:
    """How many n-grams of an order there are."""
    return max(len(words) - order + 1, 0)


def closest_length(said: Sequence[object], accepted: Sequence[Sequence[object]]) -> int:
    """Length of the reference whose length is closest; of two equally close ones the shorter."""
    return min((abs(len(said) - len(wanted)), len(wanted)) for wanted in accepted)[1]


def matches(said: Sequence[Hashable], wanted: Sequence[Hashable], order: int) -> list[int]:
    """Matches of 1-grams, 2-grams, ... up to an order."""
    if said == wanted:
        return [count(said, n) for n in range(1, order + 1)]
    found = [0] * order
    for n in range(1, order + 1):
        found[n - 1] = matches_of_order(said, wanted, n)
        if not found[n - 1]:  # where no n-gram matches, no longer one does
            break
    return found


def matches_of_order(said: Sequence[Hashable], wanted: Sequence[Hashable], order: int) -> int:
    """Matches of n-grams of one order.

    Sets do nearly all of the work: where one side repeats none of its n-grams, the matches are the
    n-grams in common.
    """
    grams = set(ngrams(said, order))
    common = grams.intersection(ngrams(wanted, order))
    if not common or len(grams) == count(said, order):
        return len(common)
    return _overlap(Counter(ngrams(said, order)), Counter(ngrams(wanted, order)))


def matches_of_many(
    said: Sequence[Hashable], accepted: Sequence[Sequence[Hashable]], order: int
) -> list[int]:
    """As `matches`, with several references at once: each n-gram as often as any of them has it."""
    if len(accepted) == 1:
        return matches(said, accepted[0], order)
    found = []
    for n in range(1, order + 1):
        most = Counter[Gram]()
        for wanted in accepted:
            most |= Counter(ngrams(wanted, n))
        found.append(_overlap(Counter(ngrams(said, n)), most))
    return found


def _overlap(said: Counter[Gram], wanted: Counter[Gram]) -> int:
    return sum([min(said[gram], wanted[gram]) for gram in said.keys() & wanted.keys()])
