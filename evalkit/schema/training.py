"""What is known of training: what leaked from it, its losses and its checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GRAM: Final = 13
"""Words in a row that two prompts do not share by chance (Brown et al. 2020, appendix C)."""
SHINGLE: Final = 5
"""Words of a shingle."""
SIMILAR: Final = 0.8
"""Jaccard similarity of shingles from which on two prompts count as one."""


@dataclass(frozen=True, slots=True)
class Leak:
    """One row of leakage.csv: a test prompt that occurs in training.

    Attributes:
        train_split: name of the training split.
        kind: `exact`, `normalised`, `13-gram`, `shingles` or `reworded`.
        similarity: in [0, 1]; 1 for equal texts, else the share of shingles, or for `reworded` of
            words weighted by their rarity, that both rows have.
    """

    suite: str
    train_split: str
    test_id: str
    train_id: str
    kind: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Loss:
    """One row of losses.csv: what the training job of a model reported at one step.

    Losses of a job are never compared with numbers of evalkit: what is averaged differs.

    Attributes:
        step: step or epoch of the job, from 0 on.
        train: loss on training rows, None where the job reported none.
        valid: loss on validation rows (of OpenAI: on one batch of them).
        full_valid: loss on all validation rows, where the job tells it apart.
    """

    model: str
    step: int
    train: float | None
    valid: float | None
    full_valid: float | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One row of checkpoints.csv: what a checkpoint scores on validation rows of one suite.

    Attributes:
        job: name of the training job.
        step: step at which it was saved.
        scorer: the suite's primary scorer.
        score: None where nothing could be scored.
        low: lower bound of the 95 % interval, which knows nothing of the choice.
        high: upper bound.
        n: validation examples scored.
        missing: validation examples without an answer.
        chosen: whether this one went on to the test rows.
    """

    job: str
    model: str
    step: int
    suite: str
    scorer: str
    score: float | None
    low: float | None
    high: float | None
    n: int
    missing: int
    chosen: bool
