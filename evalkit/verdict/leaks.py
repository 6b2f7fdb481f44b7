"""Whether enough of a test split is new to a tuned model."""

from __future__ import annotations

from evalkit.schema import RunRecord

MOST_LEAKED = 0.5
"""Above this share of test prompts in training, a test split proves nothing about new ones."""


def leaked_share(record: RunRecord, suite: str, tuned: str) -> tuple[int, int]:
    """How many test prompts of a suite are in the training data of a tuned model, and of how many.

    Args:
        record: a run.
        suite: name of the suite.
        tuned: name of the tuned model.
    """
    trained = {v.train_split for v in record.info.overfit if (v.suite, v.tuned) == (suite, tuned)}
    leaked = {
        leak.test_id for leak in record.leaks if leak.suite == suite and leak.train_split in trained
    }
    test = (s for s in record.splits if (s.suite, s.split) == (suite, "test"))
    return len(leaked), len(next(test).examples) if leaked else 0


def mostly_leaked(record: RunRecord, suite: str, tuned: str) -> bool:
    """Whether most test prompts of a suite were trained on."""
    leaked, n = leaked_share(record, suite, tuned)
    return leaked > MOST_LEAKED * n
