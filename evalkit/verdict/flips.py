"""Examples that one side of a comparison gets right and the other does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from evalkit.schema import Flip, ModelSpec, ScorerInfo, SplitResult
from evalkit.schema.comparing import FlipKind
from evalkit.verdict.compare import pairs_of

RIGHT: Final = 0.5
"""From which score on an answer counts as right; exact for scorers of 0 or 1."""


def flips(split: SplitResult, models: Sequence[ModelSpec], scorer: ScorerInfo) -> list[Flip]:
    """Every flip of every tuned model against its base; missing answers flip nothing.

    Args:
        split: answers and values.
        models: the arms.
        scorer: by which an answer is right or wrong; one that is no score in [0, 1] flips nothing.
    """
    if scorer.unit != "score" or not scorer.better:
        return []
    found = []
    for base, tuned in pairs_of(split, models):
        sides = [split.values[model, scorer.name].tolist() for model in (base, tuned)]
        for example, before, after in zip(split.examples, *sides, strict=True):
            if math.isnan(before) or math.isnan(after):
                continue
            was, is_now = ((value >= RIGHT) == (scorer.better > 0) for value in (before, after))
            if was != is_now:
                kind: FlipKind = "fixed" if is_now else "broke"
                flip = Flip(split.suite, tuned, example.id, kind, before, after, example.prompt)
                found.append(flip)
    return found
