"""Longest common subsequences, bit-parallel: one column of the table is one integer.

The usual table needs a Python step for each pair of words; here a whole column takes a few
operations on integers as wide as the reference is long (Crochemore et al. 2001, Hyyrö 2004). Where
only lengths are asked for, rapidfuzz does the same in compiled code.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from evalkit.scorers.ngrams import IntArray


def lcs_lengths(references: Sequence[str], candidates: Sequence[str]) -> IntArray:
    """Lengths of longest common subsequences of spelled texts, one by one."""
    from rapidfuzz.distance import LCSseq
    from rapidfuzz.process import cpdist

    return cpdist(references, candidates, scorer=LCSseq.similarity, dtype=np.int64)


def lcs_positions(reference: Sequence[Hashable], candidate: Sequence[Hashable]) -> list[int]:
    """Positions in the reference of one longest common subsequence, ascending.

    Of several, it is the one that rouge-score reads out of its table: from the end, equal words are
    taken, and on a tie the reference steps back first.
    """
    columns = list(_columns(reference, candidate))
    row, column = len(reference), len(candidate)
    found = []
    while row and column:
        if reference[row - 1] == candidate[column - 1]:
            row, column = row - 1, column - 1
            found.append(row)
        elif not columns[column] >> (row - 1) & 1:  # one above: so it stands to the left as well
            column -= 1
        else:
            row -= 1
    return found[::-1]


def _columns(reference: Sequence[Hashable], candidate: Sequence[Hashable]) -> Iterator[int]:
    """Columns of the table, first to last; bit i is unset where row i + 1 is one above row i."""
    places: dict[Hashable, int] = {}
    for index, word in enumerate(reference):
        places[word] = places.get(word, 0) | 1 << index
    everything = (1 << len(reference)) - 1
    column = everything
    yield column
    for word in candidate:
        matched = column & places.get(word, 0)
        column = ((column + matched) | (column - matched)) & everything
        yield column
