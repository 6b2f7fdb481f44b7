"""What judges consumed, and how their replies ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from evalkit.pipeline.judging import completions_of, judge_name, questions_about
from evalkit.pipeline.scoring import Scored, replies_of
from evalkit.pipeline.warnings import counted_usage
from evalkit.schema import ModelSpec, SuiteConfig, Usage
from evalkit.scorers import JudgedScorer, replies_to


def judging_of(
    judges: Sequence[ModelSpec], configs: Sequence[SuiteConfig], scored: Sequence[Scored]
) -> tuple[Usage, ...]:
    """What each judge consumed, and how its replies ended.

    Args:
        judges: of the run.
        configs: its suites.
        scored: its splits with their scorers.
    """
    by_name = {config.name: config for config in configs}
    unread: Counter[tuple[str, str]] = Counter()
    for one in scored:
        unread.update(_unread(by_name[one.result.suite], one))
    return tuple(
        counted_usage(
            judge.name,
            [
                j.reply
                for s in scored
                for row in s.result.judgements
                for j in row
                if j.judge == judge.name
            ],
            {suite: count for (name, suite), count in unread.items() if name == judge.name},
        )
        for judge in judges
    )


def _unread(config: SuiteConfig, scored: Scored) -> list[tuple[str, str]]:
    """(judge, suite) of every reply in a split that has no grade in it."""
    result, found = scored.result, []
    replies = replies_of(result)
    for scorer in scored.scorers:
        if not isinstance(scorer, JudgedScorer):
            continue
        rows = completions_of(config, result, scorer, again=scorer is scored.scorers[0])
        for example, texts in zip(result.examples, rows, strict=True):
            for text in texts:
                asked = questions_about(scorer, text, example)
                said = replies_to(scorer, text, example, replies) if asked else None
                found += [
                    (judge_name(asked[place].judge), config.name)
                    for place in (scorer.unread(said) if said else ())
                ]
    return found
