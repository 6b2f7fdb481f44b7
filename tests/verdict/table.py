"""Splits as the pipeline hands them on: answers, scored by the real scorers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.schema import (
    Answer,
    Comparison,
    Example,
    Failure,
    Leak,
    Message,
    ModelSpec,
    OverfitVerdict,
    RunInfo,
    RunRecord,
    SplitResult,
    SuiteConfig,
    Usage,
)
from evalkit.scorers import Scorer, info, make_scorers, score_predictions
from evalkit.verdict import Stats, gather, overfit_levels
from evalkit.verdict.evidence import Evidence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BASE = ModelSpec(name="base", provider="file", model="a.jsonl", role="base")
TUNED = ModelSpec(name="tuned", provider="file", model="b.jsonl", role="tuned", tuned_from="base")
MODELS = (BASE, TUNED)


def config(name: str = "qa", **changes: Any) -> SuiteConfig:
    return SuiteConfig(name=name, task="qa", **({"scorers": ("exact_match",)} | changes))


@dataclass(frozen=True, eq=False)
class Table:
    """A scored split."""

    split: SplitResult
    stats: Stats
    scorers: tuple[Scorer, ...]


def table(
    answers: Mapping[str, Sequence[str | None]],
    references: Sequence[str],
    *,
    suite: SuiteConfig | None = None,
    split: str = "test",
    prompts: Sequence[str] | None = None,
    fields: Sequence[Mapping[str, Any]] | None = None,
) -> Table:
    """Score answers; None is a failure."""
    suite = suite or config()
    prompts = prompts or [f"{split} question {i}" for i in range(len(references))]
    scorers = make_scorers(suite.scorers, suite, [[r] for r in references])
    stats = {
        (model, scorer.name): score_predictions(scorer, texts, [[r] for r in references])
        for model, texts in answers.items()
        for scorer in scorers
    }
    by_name = {scorer.name: scorer for scorer in scorers}
    return Table(
        split=SplitResult(
            suite=suite.name,
            split=split,
            examples=tuple(
                Example(
                    id=f"{split}-{i}",
                    prompt=prompt,
                    messages=(Message("user", prompt),),
                    references=(reference,),
                    fields=fields[i] if fields else {},
                )
                for i, (prompt, reference) in enumerate(zip(prompts, references, strict=True))
            ),
            answers={
                model: tuple(
                    Failure("timeout", "no answer in 60 s") if text is None else Answer(text)
                    for text in texts
                )
                for model, texts in answers.items()
            },
            values={key: by_name[key[1]].values(rows) for key, rows in stats.items()},
        ),
        stats=stats,
        scorers=scorers,
    )


def right_or_wrong(
    right: Mapping[str, NDArray[np.bool_] | Sequence[bool]],
    *,
    suite: SuiteConfig | None = None,
    split: str = "test",
    fields: Sequence[Mapping[str, Any]] | None = None,
) -> Table:
    """A table where each model is right on some examples, and says nonsense on the others."""
    n = len(next(iter(right.values())))
    references = [f"answer {i}" for i in range(n)]
    answers = {
        model: [references[i] if ok else f"{model} {i}" for i, ok in enumerate(oks)]
        for model, oks in right.items()
    }
    return table(answers, references, suite=suite, split=split, fields=fields)


def from_counts(both: int, only_tuned: int, only_base: int, neither: int, **options: Any) -> Table:
    """A table of pairs by how many of each kind there are."""
    tuned = [True] * (both + only_tuned) + [False] * (only_base + neither)
    base = [True] * both + [False] * only_tuned + [True] * only_base + [False] * neither
    return right_or_wrong({"base": base, "tuned": tuned}, **options)


def evidence(
    train: Table,
    test: Table,
    *,
    suite: SuiteConfig | None = None,
    models: Sequence[ModelSpec] = MODELS,
    leaks: Sequence[Leak] = (),
) -> list[Evidence]:
    """What there is to judge a tuned model by."""
    return gather(
        suite or config(),
        {"test": test.split, "train": train.split},
        test.scorers,
        models=models,
        training={"tuned": "train"},
        leaks=leaks,
        seed=1,
    )


def leaks(count: int, suite: str = "qa", train_split: str = "train") -> list[Leak]:
    """The first test prompts, found in training."""
    return [Leak(suite, train_split, f"test-{i}", f"train-{i}", "exact", 1.0) for i in range(count)]


def record(
    suites: Sequence[SuiteConfig],
    comparisons: Sequence[Comparison],
    *,
    tables: Sequence[Table] = (),
    models: Sequence[ModelSpec] = MODELS,
    overfit: Sequence[OverfitVerdict] = (),
    leaks: Sequence[Leak] = (),
    usage: Sequence[Usage] = (),
) -> RunRecord:
    """A run record with what verdicts look at."""
    return RunRecord(
        info=RunInfo(
            name="run",
            versions={},
            seed=1,
            limit=None,
            models=tuple(models),
            suites=tuple(suites),
            scorers={
                s.name: tuple(info(x) for x in make_scorers(s.scorers, s, [["a"]])) for s in suites
            },
            hashes={},
            usage=tuple(usage),
            gains=(),
            overfit=tuple(overfit),
            overfit_levels=overfit_levels(overfit),
            warnings=(),
            clocks={},
        ),
        splits=tuple(t.split for t in tables),
        scores=(),
        comparisons=tuple(comparisons),
        confusions=(),
        leaks=tuple(leaks),
    )
