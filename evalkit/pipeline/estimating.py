"""What a run would ask and cost: `--dry-run`. Nothing is sent, and no key is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Unpack

from evalkit.pipeline.arguments import checked
from evalkit.pipeline.asking import run_async
from evalkit.pipeline.judging import (
    chosen_scorers,
    judge_name,
    judges_asked,
    questions_about,
    request_of,
)
from evalkit.pipeline.loading import VALIDATION, Loaded, load_suites
from evalkit.pipeline.opening import open_providers
from evalkit.pipeline.options import RunOptions, listed
from evalkit.pipeline.plan import Plan, make_plan
from evalkit.pipeline.resume import asked_again
from evalkit.pipeline.scoring import seen_by
from evalkit.pipeline.spend import charges
from evalkit.pipeline.sweep import foreseen_jobs
from evalkit.runner import Job, most_of, recalled
from evalkit.schema import Answer, Estimate, Example, ModelSpec, Price, Request, SuiteConfig
from evalkit.scorers import JudgedScorer

BYTES = 4
"""Bytes of UTF-8 that make about one token: of English text, and roughly of others."""

TURN = 4
"""Tokens that a chat template puts around a message, about."""

REPLY = 150
"""Tokens of a judge's reply with a few steps of reasoning, about."""


@dataclass(frozen=True, slots=True)
class _Foreseen:
    """A question of a run.

    Attributes:
        job: the question; of a judge about a completion that is not there yet with the reference in
            its place.
        answer: what the cache holds.
        worst: the longest that the question can become.
    """

    job: Job
    answer: Answer | None
    worst: Request


Held = Sequence[_Foreseen]


@dataclass(frozen=True, slots=True)
class _Rate:
    """How tokens are estimated: by the answers that a model has given before, or by length."""

    tokens_per_byte: float | None = None
    completion_tokens: float | None = None


@checked
def estimate(
    suites: str | Path | Sequence[str | Path] = (),
    *,
    retry_missing: str | Path | None = None,
    **options: Unpack[RunOptions],
) -> tuple[Estimate, ...]:
    """What a run with these options would ask of whom, and about what it would take.

    The prompts of a model are as long as its answers in the cache say, byte for byte; without such
    answers, four bytes are a token. Its answers are as long as those in the cache, else as the
    references. A judge is taken to be asked about every completion that the cache does not hold.

    Args:
        suites: as of `run`.
        retry_missing: as of `run`.
        options: as of `run`.

    Returns:
        One estimate for each suite, split and model; none if a run that is to be asked again lacks
        nothing.

    Raises:
        EvalkitError: whatever would stop the run before it asks.
    """
    if retry_missing is not None:
        given = {**options, "suites": listed(suites)}
        earlier, suites, options = asked_again(retry_missing, given)
        if not earlier.unanswered:
            return ()
    plan = make_plan(listed(suites), **options)
    loaded = load_suites(plan)
    asked = (*plan.models, *judges_asked(plan, loaded.suites))
    prices = charges(asked, datetime.now(UTC).date(), batch=plan.batch)
    held = run_async(_held(plan, loaded, asked))
    references = {place: example.references[0] for place, example in _examples(loaded)}
    rates = {
        model.name: _rate([one for one in held if one.job.model == model.name]) for model in asked
    }
    held.sort(key=_place)  # stable: places stay in the order in which they are asked first
    return tuple(
        _estimate(place, list(rows), rates[place[2]], prices.get(place[2]), references)
        for place, rows in groupby(held, key=_place)
    )


async def _held(plan: Plan, loaded: Loaded, asked: Sequence[ModelSpec]) -> list[_Foreseen]:
    """Every question with its answer, if the cache holds one; those to judges last."""
    jobs = foreseen_jobs(plan, loaded)
    async with open_providers(asked) as providers:
        answers = recalled(jobs, providers, plan.cache)
        arms = [_Foreseen(job, a, job.request) for job, a in zip(jobs, answers, strict=True)]
        judged = list(_judged(plan, loaded, arms))
        replies = recalled([job for job, _ in judged], providers, plan.cache)
    return [
        *arms,
        *(_Foreseen(job, a, most) for (job, most), a in zip(judged, replies, strict=True)),
    ]


def _judged(plan: Plan, loaded: Loaded, arms: Sequence[_Foreseen]) -> Iterator[tuple[Job, Request]]:
    """What judges will be asked about the completions, and the most that it can become."""
    examples = dict(_examples(loaded))
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
                yield job, replace(request, messages=most.messages)


def _said(
    scorer: JudgedScorer, config: SuiteConfig, example: Example, one: _Foreseen
) -> tuple[str, str]:
    """What a judge will see of a completion, and the longest that it can be.

    No completion has fewer bytes than tokens.
    """
    if one.answer is not None:
        said = seen_by(scorer, config, [one.answer])[0] or ""
        return said, said
    return example.references[0], "x" * one.job.request.generation.max_tokens


def _place(one: _Foreseen) -> tuple[str, str, str]:
    request = one.job.request
    return request.suite, request.split, one.job.model


def _examples(loaded: Loaded) -> Iterator[tuple[tuple[str, str, str], Example]]:
    for suite in loaded.suites:
        validation = {VALIDATION: loaded.validation.get(suite.config.name, ())}
        for split, examples in {**validation, **suite.splits}.items():
            for example in examples:
                yield (suite.config.name, split, example.id), example


def _rate(held: Held) -> _Rate:
    """What the answers of a model in the cache say about its tokens."""
    answers = [(one.job.request, one.answer) for one in held if one.answer is not None]
    counted = [(_bytes(r), a.prompt_tokens) for r, a in answers if a.prompt_tokens is not None]
    lengths = [
        a.completion_tokens
        for r, a in answers
        if a.completion_tokens is not None and r.scored is None
    ]
    size = sum(size for size, _ in counted)
    return _Rate(
        sum(tokens for _, tokens in counted) / size if size else None,
        sum(lengths) / len(lengths) if lengths else None,
    )


def _estimate(
    place: tuple[str, str, str],
    held: Held,
    rate: _Rate,
    price: Price | None,
    references: Mapping[tuple[str, str, str], str],
) -> Estimate:
    suite, split, model = place
    unknown = [one for one in held if one.answer is None]
    left = [one.job.request for one in unknown]
    prompt = round(sum(_prompt_tokens(request, rate) for request in left))
    completion = round(sum(_completion_tokens(request, rate, references) for request in left))
    return Estimate(
        model=model,
        suite=suite,
        split=split,
        questions=len(held),
        cached=len(held) - len(left),
        prompt_tokens=prompt,
        completion_tokens=completion,
        most_completion_tokens=sum(request.generation.max_tokens for request in left),
        basis="length of the text" if rate == _Rate() else "answers in the cache",
        cost=None if price is None else price.of(prompt, completion),
        most_cost=None if price is None else sum(most_of(one.worst, price) for one in unknown),
    )


def _prompt_tokens(request: Request, rate: _Rate) -> float:
    if rate.tokens_per_byte is not None:
        return rate.tokens_per_byte * _bytes(request)
    return _bytes(request) / BYTES + TURN * len(request.messages)


def _completion_tokens(
    request: Request, rate: _Rate, references: Mapping[tuple[str, str, str], str]
) -> float:
    if request.scored is not None:
        return 1
    if rate.completion_tokens is not None:
        return rate.completion_tokens
    if request.schema is not None:
        return min(REPLY, request.generation.max_tokens)
    reference = references[request.suite, request.split, request.example_id]
    about = len(reference.encode(errors="replace")) / BYTES + 1
    return min(about, request.generation.max_tokens)


def _bytes(request: Request) -> int:
    texts = [*(message.content for message in request.messages), request.scored or ""]
    return sum(len(text.encode(errors="replace")) for text in texts)
