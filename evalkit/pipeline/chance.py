"""What answers to test prompts would score by chance, which rewordings are measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evalkit.pipeline.scoring import Scored, predictions
from evalkit.schema import ORIGINAL, PERTURBED, SuiteConfig
from evalkit.scorers import LikelihoodScorer
from evalkit.verdict import chance_scores, judge_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def chance_of(
    config: SuiteConfig, scored: Sequence[Scored]
) -> Mapping[str, NDArray[np.float64]] | None:
    """What answers to the reworded prompts' originals would score by chance; None if not judged."""
    results = {s.result.split: s.result for s in scored}
    judge = judge_of(scored[0].scorers)
    if PERTURBED not in results or judge is None or isinstance(judge, LikelihoodScorer):
        return None
    if judge.needs_example:  # another prompt's references would not be all it looks at
        return None
    test, reworded = results["test"], results[PERTURBED]
    drawn = {example.fields[ORIGINAL] for example in reworded.examples}
    needed = [example.id in drawn for example in test.examples]
    references = [example.references for example in test.examples]
    return {
        model: chance_scores(
            judge,
            [
                text if wanted else None
                for text, wanted in zip(
                    predictions(config, test.answers[model]), needed, strict=True
                )
            ],
            references,
        )
        for model in reworded.answers
    }
