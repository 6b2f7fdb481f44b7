"""N-grams of spelled texts: how many there are, and how many two sides have in common.

A spelled text has one character for each word (`spelling.py`). An n-gram that occurs k times on one
side and l times on the other is min(k, l) matches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import compress
from operator import ne


def count(text: str, order: int) -> int:
    """How many n-grams of an order there are."""
    return max(len(text) - order + 1, 0)


def closest_length(said: str, accepted: Sequence[str]) -> int:
    """Length of the reference whose length is closest; of two equally close ones the shorter."""
    return min((abs(len(said) - len(wanted)), len(wanted)) for wanted in accepted)[1]


def matches(said: str, wanted: str, order: int) -> list[int]:
    """Matches of 1-grams, 2-grams, ... up to an order.

    Where an n-gram does not occur on the other side, no longer one that starts there does.
    """
    if said == wanted:
        return [count(said, n) for n in range(1, order + 1)]
    found = [common_words(said, wanted)] + [0] * (order - 1)
    starts: Collection[int] = range(len(said)) if found[0] else ()
    for n in range(2, order + 1):
        starts = [at for at in starts if said[at : at + n] in wanted]
        if starts and starts[-1] > len(said) - n:  # what is left there is no n-gram
            starts = [at for at in starts if at <= len(said) - n]
        if not starts:
            break
        found[n - 1] = _repeated([said[at : at + n] for at in starts], wanted, n)
    return found


def common_words(said: str, wanted: str) -> int:
    """Matches of single words."""
    different = set(said)
    common = different.intersection(wanted)
    found = len(common)
    if len(different) < len(said):
        for word in common:
            times = said.count(word)
            if times > 1:
                found += min(times, wanted.count(word)) - 1
    return found


def common_items(said: list[str], wanted: list[str]) -> int:
    """Matches of words that are not spelled.

    What stands at the same place on both sides is a match, and the rest matches as it would without
    it: that spares most of the counting where a prediction follows its reference.
    """
    moved: list[bool] = list(map(ne, said, wanted))
    same = len(moved) - sum(moved)
    if same in {len(said), len(wanted)}:
        return same
    rest = Counter([*compress(said, moved), *said[len(moved) :]])
    others = Counter([*compress(wanted, moved), *wanted[len(moved) :]])
    return same + _overlap(rest, others)


def common_pairs(said: str, wanted: str) -> int:
    """Matches of pairs of neighbouring words."""
    pairs = [said[at : at + 2] for at in range(len(said) - 1)]
    return _repeated([pair for pair in pairs if pair in wanted], wanted, 2)


def matches_of_many(said: str, accepted: Sequence[str], order: int) -> list[int]:
    """As `matches`, with several references at once: each n-gram as often as any of them has it."""
    if len(accepted) == 1:
        return matches(said, accepted[0], order)
    found = []
    for n in range(1, order + 1):
        most = Counter[str]()
        for wanted in accepted:
            most |= Counter(_ngrams(wanted, n))
        found.append(_overlap(Counter(_ngrams(said, n)), most))
    return found


def _repeated(grams: list[str], wanted: str, order: int) -> int:
    """Matches of n-grams all of which occur on the other side."""
    if len(set(grams)) == len(grams):
        return len(grams)
    return _overlap(Counter(grams), Counter(_ngrams(wanted, order)))


def _ngrams(text: str, order: int) -> list[str]:
    return [text[at : at + order] for at in range(len(text) - order + 1)]


def _overlap(said: Counter[str], wanted: Counter[str]) -> int:
    return sum([min(said[gram], wanted[gram]) for gram in said.keys() & wanted.keys()])
