"""Leakage: test prompts that the training data already holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from evalkit.report.sections.registry import Context, section
from evalkit.report.view import TEST
from evalkit.schema import Leak, RunRecord

SHOWN = 10
"""Leaks listed with their texts for each suite; the rest is in leakage.csv."""


@dataclass(frozen=True, slots=True)
class LeakLine:
    """One leak with the texts of both sides, empty where that row was not asked."""

    leak: Leak
    test_prompt: str
    train_prompt: str


@dataclass(frozen=True, slots=True)
class LeakGroup:
    """The leaks of one test split into one training split."""

    suite: str
    train_split: str
    leaked: int
    n: int
    kinds: tuple[tuple[str, int], ...]
    lines: tuple[LeakLine, ...]


@section(80, "Leakage")
def leakage(record: RunRecord) -> Context | None:
    """How many test prompts occur in training, of which kind, and the first of them."""
    trained = dict.fromkeys((v.suite, v.train_split) for v in record.info.overfit)
    pairs = dict.fromkeys([*trained, *((leak.suite, leak.train_split) for leak in record.leaks)])
    if not pairs:
        return None
    return {"groups": [_group(record, suite, split) for suite, split in pairs]}


def _group(record: RunRecord, suite: str, train_split: str) -> LeakGroup:
    own = [leak for leak in record.leaks if (leak.suite, leak.train_split) == (suite, train_split)]
    splits = {split.split: split.examples for split in record.splits if split.suite == suite}
    test = {example.id: example.prompt for example in splits.get(TEST, ())}
    train = {example.id: example.prompt for example in splits.get(train_split, ())} if own else {}
    lines = tuple(
        LeakLine(leak, test.get(leak.test_id, ""), train.get(leak.train_id, ""))
        for leak in own[:SHOWN]
    )
    leaked = len({leak.test_id for leak in own})
    kinds = tuple(sorted(Counter(leak.kind for leak in own).items()))
    return LeakGroup(suite, train_split, leaked, len(test), kinds, lines)
