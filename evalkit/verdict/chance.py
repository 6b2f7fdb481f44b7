"""What a model's answers would score by chance: on the references of other prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalkit.scorers import Scorer, leave_out, score_predictions
from evalkit.stats.samples import FloatArray

TURNS = 8
"""So many other prompts' references each answer is held against."""


def chance_scores(
    scorer: Scorer, predictions: Sequence[str | None], references: Sequence[Sequence[str]]
) -> FloatArray:
    """Mean score of each answer on the references of other prompts, evenly spaced in the split.

    A model that always says the commonest class, or opens every answer with the same phrase, scores
    something without having read the prompt. This is how much.

    Args:
        scorer: whose values lie in [0, 1]; one that looks at no more than the references.
        predictions: n scored texts; None where the answer is missing, or not needed.
        references: n lists of accepted answers.

    Returns:
        n values, NaN where there is no prediction, no other prompt, or the scorer fails.
    """
    n = len(references)
    steps = sorted({round(n * turn / (TURNS + 1)) for turn in range(1, TURNS + 1)} - {0, n})
    if not steps:
        return np.full(n, np.nan)
    turned = [
        scorer.values(
            score_predictions(
                scorer,
                predictions,
                [*references[step:], *references[:step]],
                on_failure=leave_out,
            )
        )
        for step in steps
    ]
    return np.asarray(np.mean(turned, axis=0), dtype=np.float64)
