"""Several scores as one, by weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from evalkit.errors import ScorerError
from evalkit.schema import Example
from evalkit.scorers.base import Kind, Scorer, SuiteContext, SuiteScorer, named
from evalkit.scorers.judges import JudgedScorer
from evalkit.scorers.likelihood import LikelihoodScorer
from evalkit.stats.samples import FloatArray


@dataclass(frozen=True)
class Composite(Scorer):
    """The weighted mean of other scorers' scores.

    Statistics are theirs, side by side, so that a score of summed statistics (BLEU, macro-F1) is a
    part like any other. Where less is better, 1 minus the score is taken.

    Attributes:
        parts: the scorers.
        weights: as many, summing to 1.
        ends: where each part's statistics end in a row.
    """

    name: str
    signature: str
    parts: tuple[Scorer, ...]
    weights: tuple[float, ...]
    ends: tuple[int, ...]
    kind: Kind
    needs_example: bool
    whole: bool

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """The parts' statistics side by side; of means their weighted value, and a count of one."""
        return self._joined([part.stats(prediction, references) for part in self.parts])

    def example_stats(self, prediction: str, example: Example) -> tuple[float, ...]:
        """The same, for parts that look at the whole example."""
        return self._joined([part.example_stats(prediction, example) for part in self.parts])

    def corpus(self, totals: FloatArray) -> FloatArray:
        """The weighted mean of the parts' scores."""
        if self.kind == "mean":
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray(totals[..., 0] / totals[..., 1])
        return self._weighted(
            [
                part.corpus(totals[..., start:end])
                for part, (start, end) in zip(self.parts, pairwise((0, *self.ends)), strict=True)
            ]
        )

    def _joined(self, rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
        if self.kind == "corpus":
            return tuple(value for row in rows for value in row)
        return float(self._weighted([np.asarray(row[0]) for row in rows])), 1.0

    def _weighted(self, scores: Sequence[FloatArray]) -> FloatArray:
        signed = (
            score if part.better > 0 else 1 - score
            for part, score in zip(self.parts, scores, strict=True)
        )
        total = sum(weight * score for weight, score in zip(self.weights, signed, strict=True))
        return np.asarray(total, dtype=np.float64)


@SuiteScorer
def composite(
    context: SuiteContext, *, parts: Mapping[str, float] | None = None, **weights: float
) -> Scorer:
    """The weighted mean of scores in [0, 1]: `composite(exact_match=2, rouge_l=1)`.

    Args:
        context: the suite.
        parts: scorers as they are written in a suite, with their weights: for options and own ones.
        weights: scorers by name, with their weights.

    Raises:
        ScorerError: fewer than two parts, a weight that is not above 0, or a part that is no score.
    """
    from evalkit.scorers.load import make_scorers  # which lists this one

    wanted: dict[str, Any] = {**weights, **(parts or {})}
    if len(wanted) < len(weights) + len(parts or {}) or len(wanted) < _FEWEST:
        raise _fault(f"{len(wanted)} scorers", "two or more different ones")
    for name, weight in wanted.items():
        if (
            isinstance(weight, bool)
            or not isinstance(weight, int | float)
            or not 0 < weight < _MOST
        ):
            raise _fault(f"the weight {weight!r} of {name}", "a number above 0")
    made = make_scorers(list(wanted), context.config, context.references)
    for part in made:
        if isinstance(part, LikelihoodScorer):
            raise _fault(f"{part.name}, which reads log-probabilities", "scores of completions")
        if isinstance(part, JudgedScorer):
            raise _fault(f"{part.name}, which asks a judge", "computed scores")
        if part.unit != "score" or not part.better:
            raise _fault(f"{part.name}, which is a description", "scores in [0, 1]")
    if context.config.extract and len({part.whole for part in made}) > 1:
        both = (next(part.name for part in made if part.whole is whole) for whole in (True, False))
        raise _fault(
            "{}, which looks at whole completions, and {}, which looks at what the suite "
            "extracts".format(*both),
            "one kind",
        )
    total = sum(wanted.values())
    described = "+".join(
        f"{weight:g}*[{part.signature}]" for weight, part in zip(wanted.values(), made, strict=True)
    )
    widths = [_width(part, context) for part in made]
    return Composite(
        name=named("composite", weights | ({"parts": dict(parts)} if parts else {})),
        signature=f"composite|{described}|v1",
        parts=made,
        weights=tuple(weight / total for weight in wanted.values()),
        ends=tuple(accumulate(widths)),
        kind="mean" if all(part.kind == "mean" for part in made) else "corpus",
        needs_example=any(part.needs_example for part in made),
        whole=all(part.whole for part in made),
    )


_FEWEST = 2
_MOST = 1e9


def _width(part: Scorer, context: SuiteContext) -> int:
    """How many statistics a part has."""
    if part.kind == "mean":
        return 2
    return len(part.stats("", context.references[0] if context.references else ("",)))


def _fault(found: str, expected: str) -> ScorerError:
    return ScorerError(
        f"scorer 'composite': found {found}, expected {expected}, as in "
        "composite(exact_match=2, rouge_l=1)"
    )
