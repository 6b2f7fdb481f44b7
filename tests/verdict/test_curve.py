"""V17 as a signal, and when it keeps silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from evalkit.schema import Loss, Signal
from evalkit.verdict import gather, overfit
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.overfit import adjust_signals
from evalkit.verdict.signals.curve import curve
from tests.verdict.table import MODELS, config, from_counts

RISING = [1.3, 1.12, 1.05, 1.01, 0.99, 1.0, 1.03, 1.02, 1.06, 1.1, 1.09, 1.13]
FALLING = sorted(RISING, reverse=True)
Values = Sequence[float | None]


def losses(valid: Values, train: Values | None = None, full: Values | None = None) -> list[Loss]:
    nothing = [None] * len(valid)
    return [
        Loss("tuned", 10 * step, *point)
        for step, point in enumerate(zip(train or nothing, valid, full or nothing, strict=True), 1)
    ]


def piece(found: Sequence[Loss]) -> Evidence:
    (evidence,) = gather(
        config(),
        {
            "test": from_counts(50, 25, 0, 25).split,
            "train": from_counts(50, 25, 0, 25, split="train").split,
        },
        from_counts(1, 0, 0, 0).scorers,
        models=MODELS,
        training={"tuned": "train"},
        leaks=(),
        seed=1,
        losses=[*found, Loss("another", 1, 1.0, 1.0, 1.0)],
    )
    return evidence


def judged(found: Sequence[Loss]) -> Signal:
    return curve(piece(found))


def test_v17_is_mild_and_never_more() -> None:
    found = judged(losses(RISING, FALLING))
    assert found.level == "mild"
    assert found.p == pytest.approx(0.027778, abs=1e-6)
    assert found.numbers["tau"] == pytest.approx(0.733333, abs=1e-6)
    assert found.numbers["rise"] == pytest.approx(0.067961, abs=1e-6)
    assert found.numbers["best_step"] == 50
    assert found.detail == (
        "validation loss rose by 6.8 % from the third to the last quarter of 12 points "
        "(Kendall's tau +0.73); lowest at step 50, 0.99, last 1.13."
    )
    steep = judged(losses([2.0**i for i in range(12)], FALLING))
    assert steep.level == "mild"


def test_falling_and_flat_losses_are_none() -> None:
    assert judged(losses(FALLING)).level == "none"
    flat = judged(losses([1.0] * 12))
    assert (flat.level, flat.p) == ("none", None)
    assert judged(losses([1.0, 1.01] * 6)).level == "none"


def test_a_job_that_blew_up_is_unstable_not_overfitted() -> None:
    found = judged(losses(RISING, RISING))
    assert (found.level, found.p) == ("inconclusive", 1.0)
    assert found.detail.endswith("the job was unstable, which is no overfitting.")


def test_losses_on_all_rows_go_first_if_there_are_enough() -> None:
    assert judged(losses(FALLING, full=RISING)).level == "mild"
    few: list[float | None] = [None] * 8 + [1.0, 2.0, 3.0, 4.0]
    assert judged(losses(FALLING, full=few)).level == "none"


def test_without_enough_losses_there_is_no_word() -> None:
    for found, reason in (
        (judged([]), "no loss file: name it with `--curve FILE`, or `curve:` of the model."),
        (judged(losses(RISING[:7])), "7 validation losses; a trend needs at least 8."),
        (judged(losses([None] * 12, FALLING)), "0 validation losses"),
        (judged(losses([0.0] * 12)), "0 validation losses"),  # rounded away
    ):
        assert (found.level, found.p) == (None, None)
        assert reason in found.detail


def test_it_can_accuse_but_not_convict_and_names_the_checkpoint() -> None:
    steep = [1.2, 1.1, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]
    (verdict,) = overfit([piece(losses(steep, FALLING))])
    assert verdict.level == "mild"
    assert verdict.advice == (
        "Some overfitting: curve. Try fewer n_epochs or the checkpoint nearest to step 30; add "
        "varied examples; re-check."
    )


def test_one_curve_is_one_hypothesis_however_many_suites_there_are() -> None:
    found = judged(losses(RISING, FALLING))
    gap = replace(found, name="gap", p=0.5)
    once = adjust_signals([[gap, found]])[0][1]
    thrice = adjust_signals([[gap, found], [found], [found]])
    assert {s.p_adjusted for group in thrice for s in group if s.name == "curve"} == {
        once.p_adjusted
    }
    assert once.p_adjusted == pytest.approx(2 * 0.027778, abs=1e-5)
    assert once.level == "inconclusive"
