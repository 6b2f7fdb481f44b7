"""Checkpoints of one training job: chosen on validation rows, so that test rows stay unseen.

The best of several checkpoints looks better on the rows it was chosen by than it is. Whoever
chooses on test rows has none left to tell; so only the chosen one is ever asked a test row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from evalkit.errors import UsageError
from evalkit.pipeline.asking import ask_models
from evalkit.pipeline.jobs import make_jobs
from evalkit.pipeline.loading import VALIDATION, Loaded
from evalkit.pipeline.means import Means
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.scoring import score_split, suite_scorers
from evalkit.runner import Job
from evalkit.schema import Checkpoint, ModelSpec, Score, Suite
from evalkit.verdict import score_rows

NOTEWORTHY = 0.05
"""Share of missing validation answers from which on a reader is told of them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What became of the checkpoints of a plan.

    Attributes:
        plan: the plan, of each job with the chosen checkpoint only.
        loaded: the suites, cut to what those are asked.
        rows: what every checkpoint scores on validation rows.
        notes: chosen checkpoint -> what a reader must know about the choice.
    """

    plan: Plan
    loaded: Loaded
    rows: tuple[Checkpoint, ...] = ()
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def choose(plan: Plan, loaded: Loaded, means: Means) -> Choice:
    """Ask every checkpoint the validation rows, and choose the best of each job.

    The best has the highest mean over suites of the primary score, general suites aside if there
    are others; of equals it is the earliest. A job of one checkpoint leaves nothing to choose.

    Raises:
        UsageError: no suite has validation rows.
    """
    jobs = jobs_of(plan.models)
    if not jobs:
        return Choice(plan, loaded)
    asked, validation = _first_round(plan, loaded, jobs)
    results, _, _ = ask_models(asked, validation, means)
    results = tuple(result for result in results if result.split == VALIDATION)
    rows = list[Checkpoint]()
    for suite, result in zip(validation.suites, results, strict=True):
        scorers = suite_scorers(suite.config, suite.splits["test"], plan.scorers)[:1]
        scored = score_split(suite.config, result, scorers)
        scores = score_rows(scored.result, scored.stats, scorers, seed=plan.seed)
        rows += [_row(score, asked.models) for score in scores]
    better = {s.config.name: _better(s, plan) for s in validation.suites}
    targets = {s.config.name for s in validation.suites if not s.config.general} or set(better)
    judged = [row for row in rows if row.suite in targets]
    chosen = {best_of(job, judged, better) for job in jobs.values()}
    plan, loaded = _second_round(plan, loaded, jobs, chosen)
    return Choice(
        plan=plan,
        loaded=loaded,
        rows=tuple(replace(row, chosen=row.model in chosen) for row in rows),
        notes=_notes(rows, chosen),
    )


def _row(score: Score, candidates: Sequence[ModelSpec]) -> Checkpoint:
    model = next(m for m in candidates if m.name == score.model)
    return Checkpoint(
        job=model.job or "",
        model=model.name,
        step=model.step or 0,
        suite=score.suite,
        scorer=score.scorer,
        score=score.score,
        low=score.low,
        high=score.high,
        n=score.n,
        missing=score.missing,
        chosen=False,
    )


def foreseen_jobs(plan: Plan, loaded: Loaded) -> list[Job]:
    """Every question of a run, before it is known which checkpoints are chosen.

    The last of each job stands for the chosen one.

    Raises:
        UsageError: no suite has validation rows to choose by.
    """
    jobs = jobs_of(plan.models)
    if not jobs:
        return make_jobs(plan, loaded)
    last = {checkpoints[-1].name for checkpoints in jobs.values()}
    rounds = _first_round(plan, loaded, jobs), _second_round(plan, loaded, jobs, last)
    return [job for asked, about in rounds for job in make_jobs(asked, about)]


def jobs_of(models: Sequence[ModelSpec]) -> dict[str, list[ModelSpec]]:
    """Job -> its checkpoints by step, of jobs that have more than one."""
    jobs: dict[str, list[ModelSpec]] = {}
    for model in models:
        if model.job is not None:
            jobs.setdefault(model.job, []).append(model)
    return {
        job: sorted(found, key=lambda model: model.step or 0)
        for job, found in jobs.items()
        if len(found) > 1
    }


def best_of(
    checkpoints: Sequence[ModelSpec], rows: Sequence[Checkpoint], better: Mapping[str, int]
) -> str:
    """Name of the checkpoint with the highest mean score, turned so that more is better.

    A score that could not be had counts as the worst.

    Args:
        checkpoints: by step.
        rows: what they score on the suites that count.
        better: suite -> 1 if more is better, -1 if less is.
    """

    def mean(model: ModelSpec) -> float:
        found = [
            -math.inf if row.score is None else row.score * better[row.suite]
            for row in rows
            if row.model == model.name
        ]
        return math.fsum(found) / len(found) if -math.inf not in found else -math.inf

    return max(checkpoints, key=mean).name  # the first of equals


def _better(suite: Suite, plan: Plan) -> int:
    primary = suite_scorers(suite.config, suite.splits["test"], plan.scorers)[0]
    return primary.better or 1


def _first_round(
    plan: Plan, loaded: Loaded, jobs: Mapping[str, Sequence[ModelSpec]]
) -> tuple[Plan, Loaded]:
    """Who is asked the validation rows, and those."""
    if not loaded.validation:
        raise UsageError(
            "checkpoints are chosen on validation rows, but found no suite with any; add "
            "`validation: FILE` to suite.yaml, or name one checkpoint with --tuned"
        )
    candidates = tuple(model for checkpoints in jobs.values() for model in checkpoints)
    suites = tuple(
        replace(
            suite,
            splits={
                "test": suite.splits["test"],  # what scorers look at; nobody is asked it
                VALIDATION: loaded.validation[suite.config.name],
            },
        )
        for suite in loaded.suites
        if suite.config.name in loaded.validation
    )
    return (
        replace(plan, models=candidates, repeats=1, noise_floor=False, allow_identical=True),
        Loaded(suites=suites, training={}, leaks=(), completions={}, choosing=True),
    )


def _second_round(
    plan: Plan, loaded: Loaded, jobs: Mapping[str, Sequence[ModelSpec]], chosen: AbstractSet[str]
) -> tuple[Plan, Loaded]:
    """Who is asked everything else, and that."""
    dropped = {m.name for checkpoints in jobs.values() for m in checkpoints} - chosen
    training = {key: split for key, split in loaded.training.items() if key[1] not in dropped}
    models = tuple(model for model in plan.models if model.name not in dropped)
    return replace(plan, models=models), replace(loaded, training=training)


def _notes(rows: Sequence[Checkpoint], chosen: AbstractSet[str]) -> dict[str, tuple[str, ...]]:
    """A sentence on each choice that missing answers may have turned."""
    notes: dict[str, tuple[str, ...]] = {}
    for job in dict.fromkeys(row.job for row in rows):
        mine = [row for row in rows if row.job == job]
        missing, asked = sum(r.missing for r in mine), sum(r.n + r.missing for r in mine)
        if missing > NOTEWORTHY * asked:
            name = next(row.model for row in mine if row.model in chosen)
            said = (
                f"chosen among the checkpoints of {job} although {missing} of {asked} of their "
                "validation answers are missing; run again to ask for them."
            )
            notes[name] = (said,)
    return notes
