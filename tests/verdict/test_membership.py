"""Membership: whom it accuses and whom not, through the public functions."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from evalkit.schema import Likelihood, SplitResult
from evalkit.verdict import overfit
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.signals.membership import AREA, membership
from tests.verdict.table import Table, evidence, from_counts, leaks

Floats = NDArray[np.float64]


def told(split: SplitResult, nats: Floats, tokens: int = 2) -> tuple[tuple[Likelihood, ...], ...]:
    """What a model says of the first reference of each example."""
    return tuple(
        (Likelihood("another text", -1.0, 1), Likelihood(e.references[0], float(x), tokens))
        for e, x in zip(split.examples, nats, strict=True)
    )


def with_nats(table: Table, base: Floats, tuned: Floats) -> Table:
    split = table.split
    likelihoods = {"base": told(split, base), "tuned": told(split, tuned)}
    return replace(table, split=replace(split, likelihoods=likelihoods))


def model(rng: np.random.Generator, n: int, known: float) -> tuple[Floats, Floats]:
    """Base and tuned on n rows of mixed difficulty; `known` is what tuning adds, in deviations."""
    base = rng.normal(-20, 5, n)
    return base, base + 4 + known + rng.normal(0, 1, n)


@cache
def right(n: int, split: str) -> Table:
    """Tuned is right everywhere, on training rows and on others: no gap in behaviour."""
    return from_counts(n // 2, n - n // 2, 0, 0, split=split)


def piece(
    known: float, *, n: int = 120, seed: int = 1, harder: float = 0.0, leaked: int = 0
) -> Evidence:
    """A model that finds training rows likelier by `known`; test rows are harder for both."""
    rng = np.random.default_rng(seed)
    train = with_nats(right(n, "train"), *model(rng, n, known))
    base, tuned = model(rng, n, 0.0)
    tuned[:leaked] += known
    test = with_nats(right(n, "test"), base - harder, tuned - harder)
    (found,) = evidence(train, test, leaks=leaks(leaked))
    return found


def shift(area: float) -> float:
    """How far apart two normal samples of deviation 1 lie for this area."""
    return float(norm.ppf(area) * np.sqrt(2))


def test_a_model_that_knows_its_rows_is_strong_evidence() -> None:
    (verdict,) = overfit([piece(shift(0.95))])
    found = next(s for s in verdict.signals if s.name == "membership")
    assert found.level == "strong"
    assert found.value == pytest.approx(0.95, abs=0.03)
    assert found.low is not None
    assert found.low > AREA
    assert found.threshold == AREA
    assert "area of 0.9" in found.detail
    assert verdict.level == "mild"  # behaviour shows no gap: nothing but a reason to look
    assert "It knows its training rows" in verdict.advice
    assert "Some overfitting: membership. " in verdict.advice


def test_what_makes_a_split_harder_for_both_says_nothing() -> None:
    easy, hard = membership(piece(0.0)), membership(piece(0.0, harder=10.0))
    assert hard.value == pytest.approx(easy.value)
    assert easy.level == "none"


def test_leaked_rows_stay_out() -> None:
    clean = membership(piece(shift(0.9), leaked=40))
    assert clean.value == pytest.approx(0.9, abs=0.05)


def test_a_model_that_only_fits_its_rows_is_not_accused() -> None:
    """Training makes its own rows a bit likelier; that alone is not what accuses a model."""
    accused = significant = 0
    for seed in range(100):
        found = membership(piece(shift(0.6), n=200, seed=seed))
        assert found.low is not None
        significant += found.low > 0.5
        accused += found.level in {"mild", "strong"}
    assert significant > 80  # a test against chance would accuse nearly every one of them
    assert accused == 0


def test_at_the_threshold_it_is_wrong_as_seldom_as_it_says() -> None:
    levels = [membership(piece(shift(AREA), n=100, seed=seed)).level for seed in range(400)]
    assert levels.count("strong") + levels.count("mild") <= 0.05 * 400 + 2 * np.sqrt(
        400 * 0.05 * 0.95
    )
    assert levels.count("none") <= 0.05 * 400 + 2 * np.sqrt(400 * 0.05 * 0.95)


def test_a_model_that_knows_nearly_all_of_its_rows_is_always_caught() -> None:
    levels = [membership(piece(shift(0.9), n=100, seed=seed)).level for seed in range(50)]
    assert levels == ["strong"] * 50


def test_perfect_separation() -> None:
    found, reverse = membership(piece(50.0)), membership(piece(-50.0))
    assert (found.value, found.low, found.high, found.p) == (1.0, 1.0, 1.0, 0.0)
    assert (reverse.value, reverse.p, reverse.level) == (0.0, 1.0, "none")


def test_without_log_probabilities_it_says_how_to_have_them() -> None:
    found = membership(*evidence(right(60, "train"), right(60, "test")))
    assert (found.level, found.p) == (None, None)
    assert "no log-probabilities of references by both base and tuned" in found.detail
    assert "--logprobs" in found.detail


@pytest.mark.parametrize("arm", ["base", "tuned"])
def test_of_one_arm_alone_they_say_nothing(arm: str) -> None:
    def only(table: Table) -> Table:
        split = table.split
        nats = told(split, np.full(len(split.examples), -3.0))
        return replace(table, split=replace(split, likelihoods={arm: nats}))

    train, test = only(right(60, "train")), only(right(60, "test"))
    assert membership(*evidence(train, test)).level is None


def test_too_few_rows_are_no_evidence() -> None:
    found = membership(piece(shift(0.95), n=19))
    assert found.level is None
    assert "19 training and 19 test prompts" in found.detail


def test_rows_without_a_word_from_the_model_stay_out() -> None:
    rng = np.random.default_rng(1)
    table = with_nats(right(60, "train"), *model(rng, 60, 3.0))
    split = table.split
    rows = [() if i % 2 else row for i, row in enumerate(split.likelihoods["tuned"])]
    likelihoods = {**split.likelihoods, "tuned": tuple(rows)}
    train = replace(table, split=replace(split, likelihoods=likelihoods))
    test = with_nats(right(60, "test"), *model(rng, 60, 0.0))
    found = membership(*evidence(train, test))
    assert found.level == "strong"
    assert found.numbers["gain_train"] == pytest.approx((4 + 3) / 2, abs=0.3)
    assert found.numbers["gain_test"] == pytest.approx(4 / 2, abs=0.3)


def test_clusters_are_the_units() -> None:
    rng = np.random.default_rng(2)
    n = 120
    fields: list[dict[str, Any]] = [{"cluster_id": f"c{i // 6}"} for i in range(n)]
    shared = np.repeat(rng.normal(0, 1, n // 6), 6)

    def split(name: str, known: float) -> Table:
        base = rng.normal(-20, 5, n)
        table = from_counts(n, 0, 0, 0, split=name, fields=fields)
        return with_nats(table, base, base + known + shared + rng.normal(0, 0.1, n))

    train, test = split("train", 1.0), split("test", 0.0)
    bare = [
        replace(
            t,
            split=replace(t.split, examples=tuple(replace(e, fields={}) for e in t.split.examples)),
        )
        for t in (train, test)
    ]
    with_units, without = membership(*evidence(train, test)), membership(*evidence(*bare))
    assert with_units.value == without.value
    assert with_units.low is not None
    assert without.low is not None
    assert with_units.low < without.low
