"""N-grams of spelled texts: how many there are, and how many two sides have in common.

A spelled text has one character for each word (`spelling.py`). An n-gram that occurs k times on one
side and l times on the other is min(k, l) matches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import compress
from operator import add, ne


def count(text: str, order: int) -> int:
    """How many n-grams of an order there are."""
    return max(len(text) - order + 1, 0)


def closest_length(said: str, accepted: Sequence[str]) -> int:
    """Length of the reference whose length is closest; of two equally close ones the shorter."""
    return min((abs(len(said) - len(wanted)), len(wanted)) for wanted in accepted)[1]


def matches(said: str, wanted: str, order: int) -> list[int]:
    """Matches of 1-grams, 2-grams, ... up to an order."""
    if said == wanted:
        return [count(said, n) for n in range(1, order + 1)]
    found = [common_words(said, wanted)] + [0] * (order - 1)
    grams = list(said)
    for n in range(2, order + 1):
        if not found[n - 2]:  # where no n-gram matches, no longer one does
            break
        grams = list(map(add, grams, said[n - 1 :]))
        found[n - 1] = _common(grams, wanted)
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
    return _common(list(map(add, said, said[1:])), wanted)


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


def _common(grams: list[str], wanted: str) -> int:
    """Matches of the n-grams of one side: as many as occur on the other, less the excess."""
    found = sum(map(wanted.__contains__, grams))
    if found and len(set(grams)) < len(grams):
        for gram, times in Counter(grams).items():
            if times > 1 and gram in wanted:
                found -= max(times - _occurrences(gram, wanted), 0)
    return found


def _occurrences(gram: str, text: str) -> int:
    """How often an n-gram occurs; unlike `str.count`, also where it overlaps with itself."""
    times, at = 0, text.find(gram)
    while at >= 0:
        times, at = times + 1, text.find(gram, at + 1)
    return times


def _ngrams(text: str, order: int) -> list[str]:
    return [text[at : at + order] for at in range(len(text) - order + 1)]


def _overlap(said: Counter[str], wanted: Counter[str]) -> int:
    return sum([min(said[gram], wanted[gram]) for gram in said.keys() & wanted.keys()])
