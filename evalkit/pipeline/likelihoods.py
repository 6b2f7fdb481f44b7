"""Log-probabilities: of which texts they are asked, of whom, and what comes of them.

They are asked for two reasons: scorers that read them, and the overfitting signal that compares how
probable training and test references are. The second is free of charge where a model runs in this
process, and happens by itself there; a served model is asked only if `--logprobs` says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from evalkit.errors import UsageError
from evalkit.models import Provider, Scoring
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.questions import drawn, question
from evalkit.pipeline.scoring import suite_scorers
from evalkit.runner import Ask, AskStats, Job
from evalkit.schema import (
    PERTURBED,
    Answer,
    Failure,
    Generation,
    Likelihood,
    ModelSpec,
    SplitResult,
    Suite,
)
from evalkit.scorers import LikelihoodScorer
from evalkit.verdict.wording import counted

SAMPLE = 200
"""Rows of a split whose references are compared: an area under the curve is known to about .03."""

NOTHING = Generation(max_tokens=1)
"""Decoding plays no part in log-probabilities; servers generate at least one token."""

JobOutcomes = Sequence[tuple[Job, Answer | Failure]]
"""Jobs with what came of them."""


def likelihood_jobs(
    plan: Plan,
    suite: Suite,
    asked: Mapping[str, Sequence[ModelSpec]],
    training: Mapping[str, str],
) -> list[Job]:
    """Every log-probability that a suite needs, a text a job; arms alternate on each example.

    Args:
        plan: what is asked for.
        suite: the suite, cut to what is asked.
        asked: split -> arms that answer it.
        training: tuned model -> training split it is checked against.

    Raises:
        UsageError: a scorer needs what `--no-logprobs` forbids.
    """
    chosen = suite_scorers(suite.config, suite.splits["test"], plan.scorers)
    scorers = [scorer for scorer in chosen if isinstance(scorer, LikelihoodScorer)]
    if scorers and plan.logprobs is False:
        raise UsageError(
            f"scorer {scorers[0].name!r} of suite {suite.config.name!r} reads log-probabilities, "
            "which --no-logprobs leaves out; drop one of the two"
        )
    jobs = []
    for split, examples in suite.splits.items():
        if split == PERTURBED:  # other words for questions whose references have been scored
            continue
        compared = _compared(plan, split, training)
        name = f"{suite.config.name}/{split}/likelihood"
        sample = frozenset(drawn(len(examples), name, SAMPLE, plan.seed))
        for place, example in enumerate(examples):
            read = [text for scorer in scorers for text in scorer.texts(example.references)]
            known = [example.references[0]] if place in sample else []
            request = question(suite.config.name, split, example, NOTHING)
            for model in asked[split]:
                texts = [*read, *known] if model.name in compared else read
                jobs += [
                    Job(model.name, replace(request, scored=text))
                    for text in dict.fromkeys(texts)
                    if text.strip()
                ]
    return jobs


async def drop_silent(
    jobs: Sequence[Job], providers: Mapping[str, Provider], ask: Ask
) -> tuple[list[Job], dict[str, str], list[dict[str, AskStats]]]:
    """Leave out what is asked of models that give no log-probabilities; one question finds out.

    Args:
        jobs: of any kind; only those about log-probabilities can go.
        providers: model -> opened provider.
        ask: asks with the options of the run.

    Returns:
        The jobs that stay; why others went, by model; and how the asking went.
    """
    wanted: dict[str, list[Job]] = {}
    for job in jobs:
        if job.request.scored is not None:
            wanted.setdefault(job.model, []).append(job)
    reasons: dict[str, str] = {}
    went = []
    for model, mine in wanted.items():
        if not isinstance(providers[model], Scoring):
            reasons[model] = "this kind of model cannot tell them"
            continue
        (outcome,), stats = await ask([min(mine, key=_plainest)], {model: providers[model]})
        went.append(stats)
        if isinstance(outcome, Failure) and outcome.kind in {"unsupported", "refused"}:
            reasons[model] = outcome.message
    kept = [job for job in jobs if job.request.scored is None or job.model not in reasons]
    return kept, reasons, went


def with_likelihoods(
    results: Sequence[SplitResult], outcomes: JobOutcomes
) -> tuple[SplitResult, ...]:
    """Splits with the log-probabilities that were had for them.

    Args:
        results: the splits.
        outcomes: of any jobs; those of completions are passed over.
    """
    found: dict[tuple[str, str], dict[str, dict[str, list[Likelihood]]]] = {}
    for job, outcome in outcomes:
        if isinstance(outcome, Answer) and outcome.likelihood is not None:
            by_model = found.setdefault((job.request.suite, job.request.split), {})
            likelihood = replace(outcome.likelihood, prompt_tokens=outcome.prompt_tokens)
            by_example = by_model.setdefault(job.model, {})
            by_example.setdefault(job.request.example_id, []).append(likelihood)
    return tuple(
        replace(
            result,
            likelihoods={
                model: tuple(tuple(by_example.get(e.id, ())) for e in result.examples)
                for model, by_example in found.get((result.suite, result.split), {}).items()
            },
        )
        for result in results
    )


def likelihood_notes(reasons: Mapping[str, str], outcomes: JobOutcomes) -> dict[str, str]:
    """Model -> what a reader must know about log-probabilities that are not there.

    Args:
        reasons: why models were not asked.
        outcomes: of any jobs.
    """
    notes = {model: f"no log-probabilities: {reason}" for model, reason in reasons.items()}
    asked: Counter[str] = Counter()
    failed: dict[str, Counter[str]] = {}
    for job, outcome in outcomes:
        if job.request.scored is None:
            continue
        asked[job.model] += 1
        if isinstance(outcome, Failure):
            failed.setdefault(job.model, Counter())[outcome.kind] += 1
    for model, kinds in failed.items():
        told = counted(dict(sorted(kinds.items())))
        missing = f"{kinds.total()} of {asked[model]} log-probabilities are missing ({told})"
        again = kinds.keys() - {"unsupported"}
        notes[model] = (
            f"{missing}; the same command asks only for them"
            if again
            else f"{missing}: the server does not show where these texts begin"
        )
    return notes


def _compared(plan: Plan, split: str, training: Mapping[str, str]) -> set[str]:
    """The tuned models, and their bases, whose references of this split are compared."""
    by_name = {model.name: model for model in plan.models}
    found: set[str] = set()
    for tuned, train in training.items():
        base = by_name[tuned].tuned_from
        pair = [by_name[tuned], by_name[base]] if base is not None else []
        if pair and split in {"test", train} and all(_opted(plan, model) for model in pair):
            found |= {model.name for model in pair}
    return found


def _plainest(job: Job) -> tuple[bool, int]:
    """Short texts of plain letters first: tokens need not show others in full."""
    return not (job.request.scored or "").isascii(), job.request.characters


def _opted(plan: Plan, model: ModelSpec) -> bool:
    """Whether a model is asked without a scorer's need."""
    if model.provider == "file":
        return False
    return model.provider == "local" if plan.logprobs is None else plan.logprobs
