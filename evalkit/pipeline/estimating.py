"""What a run would ask and cost: `--dry-run`. Nothing is sent, and no key is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Unpack

from evalkit.pipeline.asking import run_async
from evalkit.pipeline.loading import VALIDATION, Loaded, load_suites
from evalkit.pipeline.opening import open_providers
from evalkit.pipeline.options import RunOptions, listed
from evalkit.pipeline.plan import Plan, make_plan
from evalkit.pipeline.spend import charges
from evalkit.pipeline.sweep import foreseen_jobs
from evalkit.runner import Job, most_of, recalled
from evalkit.schema import Answer, Estimate, Price, Request

BYTES = 4
"""Bytes of UTF-8 that make about one token: of English text, and roughly of others."""

TURN = 4
"""Tokens that a chat template puts around a message, about."""

Held = Sequence[tuple[Job, Answer | None]]


@dataclass(frozen=True, slots=True)
class _Rate:
    """How tokens are estimated: by the answers that a model has given before, or by length."""

    tokens_per_byte: float | None = None
    completion_tokens: float | None = None


def estimate(
    suites: str | Path | Sequence[str | Path] = (), **options: Unpack[RunOptions]
) -> tuple[Estimate, ...]:
    """What a run with these options would ask of whom, and about what it would take.

    The prompts of a model are as long as its answers in the cache say, byte for byte; without such
    answers, four bytes are a token. Its answers are as long as those in the cache, else as the
    references.

    Args:
        suites: as of `run`.
        options: as of `run`.

    Returns:
        One estimate for each suite, split and model.

    Raises:
        EvalkitError: whatever would stop the run before it asks.
    """
    plan = make_plan(listed(suites), **options)
    loaded = load_suites(plan)
    prices = charges(plan.models, datetime.now(UTC).date())
    held = run_async(_held(plan, foreseen_jobs(plan, loaded)))
    references = dict(_references(loaded))
    rates = {
        model.name: _rate([pair for pair in held if pair[0].model == model.name])
        for model in plan.models
    }
    held.sort(key=_place)  # stable: places stay in the order in which they are asked first
    return tuple(
        _estimate(place, list(rows), rates[place[2]], prices.get(place[2]), references)
        for place, rows in groupby(held, key=_place)
    )


async def _held(plan: Plan, jobs: Sequence[Job]) -> list[tuple[Job, Answer | None]]:
    """Every question with its answer, if the cache holds one."""
    async with open_providers(plan.models) as providers:
        return list(zip(jobs, recalled(jobs, providers, plan.cache), strict=True))


def _place(pair: tuple[Job, object]) -> tuple[str, str, str]:
    request = pair[0].request
    return request.suite, request.split, pair[0].model


def _references(loaded: Loaded) -> Iterator[tuple[tuple[str, str, str], str]]:
    for suite in loaded.suites:
        validation = {VALIDATION: loaded.validation.get(suite.config.name, ())}
        for split, examples in {**validation, **suite.splits}.items():
            for example in examples:
                yield (suite.config.name, split, example.id), example.references[0]


def _rate(held: Held) -> _Rate:
    """What the answers of a model in the cache say about its tokens."""
    answers = [(job.request, answer) for job, answer in held if answer is not None]
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
    left = [job.request for job, answer in held if answer is None]
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
        most_cost=None if price is None else sum(most_of(request, price) for request in left),
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
    reference = references[request.suite, request.split, request.example_id]
    about = len(reference.encode(errors="replace")) / BYTES + 1
    return min(about, request.generation.max_tokens)


def _bytes(request: Request) -> int:
    texts = [*(message.content for message in request.messages), request.scored or ""]
    return sum(len(text.encode(errors="replace")) for text in texts)
