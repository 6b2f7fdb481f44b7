"""From completions to statistics: one row of numbers for each example."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import ScorerError
from evalkit.schema import Example
from evalkit.scorers.base import Scorer
from evalkit.scorers.batches import BatchScorer, Pair, batches
from evalkit.stats.samples import FloatArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING = 1e-9
"""How far beyond [0, 1] a value may lie that is only rounded, not wrong."""

Row = Sequence[float]
OnFailure = Callable[[int, str], object]
"""Gets the number of an example and the reason why it has no score."""


def leave_out(*_: object) -> None:
    """What to do about a failure where somebody else tells of it: nothing."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a scorer raised on one example."""

    error: Exception

    @property
    def excusable(self) -> bool:
        """Whether other examples can be scored all the same: our own errors concern them all."""
        return not isinstance(self.error, ScorerError)

    @property
    def reason(self) -> str:
        """In words: messages meant for people as they are, others with their type."""
        said = isinstance(self.error, ScorerError | ValueError)
        return str(self.error) if said else repr(self.error)


def score_predictions(
    scorer: Scorer,
    predictions: Sequence[str | None],
    references: Sequence[Sequence[str]],
    *,
    examples: Sequence[Example] = (),
    on_failure: OnFailure | None = None,
) -> FloatArray:
    """Statistics of every example, shape (n, k).

    Computed once for each distinct pair of prediction and references.

    Args:
        scorer: what is computed.
        predictions: n scored texts; None where the answer is missing.
        references: n lists of accepted answers.
        examples: the n examples, for a scorer that looks at more than their references.
        on_failure: is told of every example on which the scorer failed; without it, the first
            failure ends it all.

    Returns:
        One row an example; NaN throughout where the prediction is missing or the scorer failed.

    Raises:
        ScorerError: the scorer failed, and there is no `on_failure`; it doesn't fit the suite; or
            what it returned is no score.
        ValueError: predictions, references and examples differ in number.
    """
    if scorer.needs_example and len(examples) != len(predictions):
        raise ValueError(f"scorer {scorer.name!r} needs the examples, one for each prediction")
    pair_of, pairs, rows = _distinct(predictions, references, alone=scorer.needs_example)
    if not rows:
        return np.full((len(predictions), _width(scorer, references, examples)), np.nan)
    found = _rows(scorer, pairs, [examples[row] for row in rows] if scorer.needs_example else None)
    failed = {pair: row for pair, row in enumerate(found) if isinstance(row, Failure)}
    for pair, failure in failed.items():
        if on_failure is None or not failure.excusable:
            raise _error(scorer, rows[pair], failure, predictions, references)
    scored = (len(row) for row in found if not isinstance(row, Failure))
    width = next(scored, None) or _width(scorer, references, examples)
    table = np.array(
        [(np.nan,) * width if isinstance(row, Failure) else row for row in found], dtype=np.float64
    )
    _check_range(scorer, table, rows)
    answered = pair_of >= 0
    stats = np.full((len(predictions), width), np.nan)
    stats[answered] = table[pair_of[answered]]
    if on_failure is not None and failed:
        for row in np.flatnonzero(np.isin(pair_of, list(failed))).tolist():
            on_failure(row, failed[int(pair_of[row])].reason)
    return stats


def _distinct(
    predictions: Sequence[str | None], references: Sequence[Sequence[str]], *, alone: bool
) -> tuple[NDArray[np.intp], list[Pair], list[int]]:
    """The number of each example's pair, -1 without a prediction; the pairs; an example of each.

    Args:
        predictions: n texts, or None.
        references: n lists.
        alone: whether each example is a pair of its own, whatever others are.
    """
    numbers: dict[Pair | int, int] = {}
    pair_of: list[int] = []
    pairs: list[Pair] = []
    rows: list[int] = []
    for row, (prediction, accepted) in enumerate(zip(predictions, references, strict=True)):
        if prediction is None:
            pair_of.append(-1)
            continue
        pair = prediction, tuple(accepted)
        number = numbers.setdefault(row if alone else pair, len(rows))
        pair_of.append(number)
        if number == len(rows):
            pairs.append(pair)
            rows.append(row)
    return np.array(pair_of, dtype=np.intp), pairs, rows


def _rows(
    scorer: Scorer, pairs: Sequence[Pair], examples: Sequence[Example] | None
) -> list[Row | Failure]:
    """The statistics of every example, or why there are none."""
    if examples is not None:
        return [_row(scorer, *pair, example) for pair, example in zip(pairs, examples, strict=True)]
    if isinstance(scorer, BatchScorer):
        return [row for batch in batches(pairs) for row in _batch(scorer, batch)]
    return [_row(scorer, *pair, None) for pair in pairs]


def _batch(scorer: BatchScorer, pairs: Sequence[Pair]) -> Sequence[Row | Failure]:
    """The statistics of some examples at once; where that fails, one by one, which tells where."""
    try:
        table = scorer.table(*zip(*pairs, strict=True))
        if np.isfinite(table).all():
            return list(map(tuple, table.tolist()))
    except Exception:  # noqa: BLE001, S110 - as in `_row`, which is next
        pass
    return [_row(scorer, *pair, None) for pair in pairs]


def _row(
    scorer: Scorer, prediction: str, accepted: Sequence[str], example: Example | None
) -> Row | Failure:
    """The statistics of one example, or why there are none."""
    try:
        if example is None:
            found = scorer.stats(prediction, tuple(accepted))
        else:
            found = scorer.example_stats(prediction, example)
        wrong = [value for value in found if not math.isfinite(value)]
    except Exception as error:  # noqa: BLE001 - a user's function may raise anything
        return Failure(error)
    return (
        Failure(ValueError(f"returned {wrong[0]:g}, expected a finite number")) if wrong else found
    )


def _error(
    scorer: Scorer,
    row: int,
    failure: Failure,
    predictions: Sequence[str | None],
    references: Sequence[Sequence[str]],
) -> ScorerError:
    error = ScorerError(
        f"scorer {scorer.name!r} failed on example {row + 1} of {len(predictions)}: "
        f"{failure.reason}\n  prediction: {_shown(predictions[row] or '')}\n"
        f"  references: {_shown(', '.join(references[row]))}"
    )
    error.__cause__ = failure.error
    return error


def _check_range(scorer: Scorer, table: FloatArray, rows: Sequence[int]) -> None:
    """Refuse what the statistics downstream cannot work with, before it turns into nonsense."""
    value = table[:, 0] if scorer.kind == "mean" else np.zeros(len(table))
    value = np.where(np.isnan(value), 0.0, value)
    wrong, expected = np.zeros(len(table), dtype=bool), ""
    if scorer.kind == "mean" and scorer.binary:
        wrong = (value != 0) & (value != 1)
        expected = "0 or 1 (True or False) of a scorer declared binary"
    elif scorer.kind == "mean" and scorer.unit == "score":
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


def _width(scorer: Scorer, references: Sequence[Sequence[str]], examples: Sequence[Example]) -> int:
    """How many statistics a scorer makes, found without an answer: from an empty one."""
    if scorer.kind == "mean":
        return 2
    accepted = tuple(references[0]) if references else ("",)
    found = _row(scorer, "", accepted, examples[0] if scorer.needs_example and examples else None)
    if isinstance(found, Failure):
        raise _error(scorer, 0, found, [""], [accepted])
    return len(found)


def _shown(text: str, most: int = 120) -> str:
    shown = repr(text)
    return shown if len(shown) <= most else shown[:most] + " ..."
