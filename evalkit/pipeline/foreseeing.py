"""The questions of a run before it is run: what the cache answers of them, and what judges follow.

Nothing is sent, and no key is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evalkit.models import Provider
from evalkit.pipeline.judging import chosen_scorers, judge_name, questions_about, request_of
from evalkit.pipeline.loading import VALIDATION, Loaded
from evalkit.pipeline.opening import open_providers
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.scoring import seen_by
from evalkit.pipeline.sweep import foreseen_jobs
from evalkit.runner import Job, recalled
from evalkit.schema import Answer, Example, ModelSpec, Request, SuiteConfig
from evalkit.scorers import JudgedScorer

Place = tuple[str, str, str]
"""Suite, split and id of an example."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A question of a run.

    Attributes:
        job: the question.
        answer: what the cache holds.
        worst: the longest that the question can become.
        certain: whether it will be asked as it stands; False of a judge's question about a
            completion that is not there yet, which has the reference in its place.
    """

    job: Job
    answer: Answer | None
    worst: Request
    certain: bool = True


async def foresee(
    plan: Plan, loaded: Loaded, models: Sequence[ModelSpec]
) -> tuple[dict[str, Provider], list[Foreseen]]:
    """Every question with its answer, if the cache holds one; those to judges last.

    Args:
        plan: how to ask.
        loaded: what to ask.
        models: the arms and the judges.

    Returns:
        Model -> its provider, closed again: nothing will be sent; and the questions.

    Raises:
        ModelError: a model that cannot be asked at all.
        CacheError: the cache cannot be used.
    """
    async with open_providers(models) as providers:
        return providers, _foreseen(plan, loaded, providers)


def _foreseen(plan: Plan, loaded: Loaded, providers: Mapping[str, Provider]) -> list[Foreseen]:
    jobs = foreseen_jobs(plan, loaded)
    answers = recalled(jobs, providers, plan.cache)
    arms = [Foreseen(job, a, job.request) for job, a in zip(jobs, answers, strict=True)]
    judged = list(_judged(plan, loaded, arms))
    replies = recalled([one.job for one in judged], providers, plan.cache)
    return arms + [replace(one, answer=a) for one, a in zip(judged, replies, strict=True)]


def examples_of(loaded: Loaded) -> Iterator[tuple[Place, Example]]:
    """Every example that may be asked about."""
    for suite in loaded.suites:
        validation = {VALIDATION: loaded.validation.get(suite.config.name, ())}
        for split, examples in {**validation, **suite.splits}.items():
            for example in examples:
                yield (suite.config.name, split, example.id), example


def _judged(plan: Plan, loaded: Loaded, arms: Sequence[Foreseen]) -> Iterator[Foreseen]:
    """What judges will be asked about the completions."""
    examples = dict(examples_of(loaded))
    scorers = {s.config.name: chosen_scorers(plan, s) for s in loaded.suites}
    configs = {suite.config.name: suite.config for suite in loaded.suites}
    seen: set[tuple[str, str, str, str]] = set()
    for one in arms:
        asked = one.job.request
        if asked.scored is not None:
            continue
        place = asked.suite, asked.split, asked.example_id
        example, own = examples[place], scorers[asked.suite]
        primary = asked.split == VALIDATION or one.job.repeat >= plan.repeats
        for scorer in own[: 1 if primary else None]:
            if not isinstance(scorer, JudgedScorer):
                continue
            texts = _said(scorer, configs[asked.suite], example, one)
            pairs = zip(*(questions_about(scorer, text, example) for text in texts), strict=True)
            for about, most in pairs:
                key = (*place, about.key)
                if one.answer is not None and key in seen:
                    continue
                seen.add(key)
                request = request_of(asked.suite, asked.split, example, about)
                job = Job(judge_name(about.judge), request)
                worst = replace(request, messages=most.messages)
                yield Foreseen(job, None, worst, certain=one.answer is not None)


def _said(
    scorer: JudgedScorer, config: SuiteConfig, example: Example, one: Foreseen
) -> tuple[str, str]:
    """What a judge will see of a completion, and the longest that it can be.

    No completion has fewer bytes than tokens.
    """
    if one.answer is not None:
        said = seen_by(scorer, config, [one.answer])[0] or ""
        return said, said
    return example.references[0], "x" * one.job.request.generation.max_tokens
