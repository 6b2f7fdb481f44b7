"""From completions to statistics: one row of numbers for each example."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalkit.errors import ScorerError
from evalkit.scorers.base import Scorer
from evalkit.stats.samples import FloatArray

ROUNDING = 1e-9
"""How far beyond [0, 1] a value may lie that is only rounded, not wrong."""


def score_predictions(
    scorer: Scorer, predictions: Sequence[str | None], references: Sequence[Sequence[str]]
) -> FloatArray:
    """Statistics of every example, shape (n, k).

    Computed once for each distinct pair of prediction and references.

    Args:
        scorer: what is computed.
        predictions: n scored texts; None where the answer is missing.
        references: n lists of accepted answers.

    Returns:
        One row an example; NaN throughout where the prediction is missing.

    Raises:
        ScorerError: the scorer failed on an example, or returned what is no score.
        ValueError: predictions and references differ in number.
    """
    pairs: dict[tuple[str, tuple[str, ...]], int] = {}
    rows: list[int] = []
    pair_of = np.full(len(predictions), -1, dtype=np.intp)
    for row, (prediction, accepted) in enumerate(zip(predictions, references, strict=True)):
        if prediction is not None:
            pair = pairs.setdefault((prediction, tuple(accepted)), len(pairs))
            pair_of[row] = pair
            if pair == len(rows):
                rows.append(row)
    if not pairs:
        return np.full((len(predictions), _width(scorer, references)), np.nan)
    table = np.array(
        [
            _row(scorer, prediction, accepted, row, len(predictions))
            for (prediction, accepted), row in zip(pairs, rows, strict=True)
        ],
        dtype=np.float64,
    )
    _check_range(scorer, table, rows)
    answered = pair_of >= 0
    stats = np.full((len(predictions), table.shape[1]), np.nan)
    stats[answered] = table[pair_of[answered]]
    return stats


def _row(
    scorer: Scorer, prediction: str, accepted: tuple[str, ...], row: int, total: int
) -> tuple[float, ...]:
    try:
        return scorer.stats(prediction, accepted)
    except Exception as error:
        reason = str(error) if isinstance(error, ScorerError | ValueError) else repr(error)
        raise ScorerError(
            f"scorer {scorer.name!r} failed on example {row + 1} of {total}: {reason}\n"
            f"  prediction: {_shown(prediction)}\n  references: {_shown(', '.join(accepted))}"
        ) from error


def _check_range(scorer: Scorer, table: FloatArray, rows: Sequence[int]) -> None:
    """Refuse what the statistics downstream cannot work with, before it turns into nonsense."""
    value = table[:, 0] if scorer.kind == "mean" else np.zeros(len(table))
    wrong = ~np.isfinite(table).all(axis=1)
    expected = "a finite number"
    if not wrong.any() and scorer.kind == "mean" and scorer.binary:
        wrong = (value != 0) & (value != 1)
        expected = "0 or 1 (True or False) of a scorer declared binary"
    elif not wrong.any() and scorer.kind == "mean" and scorer.unit == "score":
        wrong = (value < -ROUNDING) | (value > 1 + ROUNDING)
        expected = (
            "a number in [0, 1]; divide by its maximum, or declare another unit: "
            "@scorer(unit='points')"
        )
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ScorerError(
            f"scorer {scorer.name!r} returned {table[at, 0]:g} on example {rows[at] + 1}, "
            f"expected {expected}"
        )


def _width(scorer: Scorer, references: Sequence[Sequence[str]]) -> int:
    """How many statistics a scorer makes, found without an answer: from an empty one."""
    if scorer.kind == "mean":
        return 2
    accepted = tuple(references[0]) if references else ("",)
    return len(_row(scorer, "", accepted, 0, len(references)))


def _shown(text: str, most: int = 120) -> str:
    shown = repr(text)
    return shown if len(shown) <= most else shown[:most] + " ..."
