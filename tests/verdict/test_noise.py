"""The noise floor against simulation, and against what it must be by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from evalkit.schema import Answer, Failure, Noise, SplitResult
from evalkit.scorers import make_scorers
from evalkit.stats.samples import FloatArray
from evalkit.verdict import compare_rows, noise_rows, within_noise
from tests.verdict.table import MODELS, config, from_counts, right_or_wrong

if TYPE_CHECKING:
    from numpy.typing import NDArray

(EXACT,) = make_scorers(("exact_match",), config(), [["a"]])
N = 200


def asked_twice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> tuple[SplitResult, Noise]:
    t = right_or_wrong({"base": first})
    again = right_or_wrong({"base": second})
    rows = tuple((answer,) for answer in again.split.answers["base"])
    split = replace(t.split, again={"base": rows})
    layers = [t.stats["base", "exact_match"], again.stats["base", "exact_match"]]
    (row,) = noise_rows(split, {"base": layers}, EXACT, seed=1)
    return split, row


def test_the_floor_by_hand() -> None:
    right = np.arange(N) < 100
    other = right.copy()
    other[[1, 2, 3, 150]] ^= True  # three lost, one won
    _, row = asked_twice(right, other)
    assert (row.times, row.n, row.differing) == (2, N, 4)
    assert row.delta == pytest.approx(-2 / N)
    assert row.floor == pytest.approx(1.959964 * 2 / N)  # sqrt of four squared differences
    assert row.within == pytest.approx(np.sqrt(4 * 0.5 / N))  # variance of {0, 1} is 1/2
    _, still = asked_twice(right, right)
    assert (still.differing, still.delta, still.floor, still.within) == (0, 0.0, 0.0, 0.0)


def test_changes_of_an_unchanged_model_lie_within_the_floor() -> None:
    """Answers drawn anew from each prompt's own chance: 95 % of later changes are no larger."""
    dice = np.random.default_rng(5)
    chances = dice.beta(0.6, 0.6, size=N)

    def ask() -> NDArray[np.bool_]:
        return np.asarray(dice.random(N) < chances)

    inside = []
    for _ in range(40):
        _, row = asked_twice(ask(), ask())
        for _ in range(20):
            change = float(ask().mean() - ask().mean())
            inside.append(abs(change) <= (row.floor or 0.0))
    assert 0.92 <= np.mean(inside) <= 0.98


def test_a_change_is_inside_or_not() -> None:
    t = from_counts(90, 6, 4, 100)
    (row,) = compare_rows(t.split, t.stats, t.scorers, models=MODELS)
    noise = Noise("qa", "test", "base", "exact_match", 2, N, 5, 0.1, 0.4, 0.0, -0.02, 0.02, 0.0)
    at = abs(row.delta or 0.0)
    assert within_noise([row], [replace(noise, floor=at)]) == [row]
    assert within_noise([row], [replace(noise, floor=at - 1e-9)]) == []
    assert within_noise([row], [replace(noise, floor=None)]) == []
    none = replace(row, delta=0.0)  # no change is nothing to be doubted
    assert within_noise([none], [replace(noise, floor=0.1)]) == []


def test_prompts_without_all_answers_are_not_counted() -> None:
    split, _ = asked_twice(np.ones(4, dtype=bool), np.ones(4, dtype=bool))
    lost = Failure("timeout", "late")
    split = replace(split, again={"base": ((lost,), *split.again["base"][1:])})
    one: FloatArray = np.array([[1.0, 1.0]] * 4)
    two = one.copy()
    two[0] = np.nan
    (row,) = noise_rows(split, {"base": [one, two]}, EXACT)
    assert (row.n, row.differing, row.delta) == (3, 0, 0.0)


def test_repetitions_alone_have_no_floor() -> None:
    split, _ = asked_twice(np.ones(2, dtype=bool), np.ones(2, dtype=bool))
    rows = tuple((answer, Answer("another")) for answer in split.answers["base"])
    split = replace(split, again={}, repeats={"base": rows})
    one: FloatArray = np.array([[1.0, 1.0], [0.0, 1.0]])
    (row,) = noise_rows(split, {"base": [one, one]}, EXACT)
    assert (row.differing, row.floor, row.delta, row.within) == (2, None, None, 0.0)
    assert row.between == pytest.approx(np.sqrt(0.5))
