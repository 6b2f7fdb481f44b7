"""Two stored runs side by side: what changed in the scores, in the answers and in the set-up."""

from __future__ import annotations

from pathlib import Path

from evalkit import store
from evalkit.errors import UsageError
from evalkit.pipeline.stored import stored_scorer
from evalkit.schema import (
    Comparison,
    Flip,
    RunComparison,
    RunRecord,
    Score,
    ScorerInfo,
    SplitResult,
    SuiteConfig,
)
from evalkit.verdict import adjust, compare_rows, flips, join_runs, score_rows


def compare_runs(earlier: Path, later: Path) -> RunComparison:
    """Every model of the later run against the same model of the earlier one.

    What cannot be compared is left out and listed among the differences.

    Args:
        earlier: a run folder.
        later: another one.

    Raises:
        UsageError: the two are one.
        RunFolderError: a run that cannot be read.
        ComparabilityError: nothing of the two can be compared; every reason is named.
    """
    if earlier.resolve() == later.resolve():
        raise UsageError(f"{earlier} and {later} are one and the same run; name two")
    then, now = store.read(earlier), store.read(later)
    name = earlier.resolve().name
    joined = join_runs(now, then, name=name, roles=("base", "tuned"), partly=True)
    configs = {config.name: config for config in joined.info.suites}
    comparisons, scores, turned = list[Comparison](), list[Score](), list[Flip]()
    for split in joined.splits:
        known = _common(now, then, split.suite)
        rows = _compared(joined, configs[split.suite], split, known)
        comparisons += rows[0]
        scores += rows[1]
        turned += flips(split, joined.info.models, known[0])
    return RunComparison(
        earlier=name,
        later=later.resolve().name,
        differences=joined.info.differences,
        comparisons=adjust(comparisons),
        scores=tuple(scores),
        flips=tuple(turned),
    )


def _common(now: RunRecord, then: RunRecord, suite: str) -> list[ScorerInfo]:
    """The scorers that both runs computed alike; the primary one is among them."""
    signatures = {scorer.signature for scorer in then.info.scorers[suite]}
    return [scorer for scorer in now.info.scorers[suite] if scorer.signature in signatures]


def _compared(
    joined: RunRecord, config: SuiteConfig, split: SplitResult, known: list[ScorerInfo]
) -> tuple[list[Comparison], list[Score]]:
    found = [stored_scorer(config, split, told) for told in known]
    stats = {key: rows for _, own in found for key, rows in own.items()}
    scorers = [scorer for scorer, _ in found]
    info = joined.info
    changes = compare_rows(
        split,
        stats,
        scorers,
        models=info.models,
        slices=config.slices,
        seed=info.seed,
        looks=info.looks,
    )
    return changes, score_rows(split, stats, scorers, seed=info.seed, looks=info.looks)
