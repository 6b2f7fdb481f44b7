"""What a run would ask and cost: `--dry-run`. Nothing is sent, and no key is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Unpack

from evalkit.pipeline.arguments import checked
from evalkit.pipeline.foreseeing import Foreseen, examples_of, foresee
from evalkit.pipeline.judging import judges_asked
from evalkit.pipeline.loading import load_suites
from evalkit.pipeline.opening import run_async
from evalkit.pipeline.options import RunOptions, listed
from evalkit.pipeline.plan import make_plan
from evalkit.pipeline.resume import asked_again
from evalkit.pipeline.spend import charges
from evalkit.runner import most_cost
from evalkit.schema import Estimate, Price, Request

BYTES = 4
"""Bytes of UTF-8 that make about one token: of English text, and roughly of others."""

TURN = 4
"""Tokens that a chat template puts around a message, about."""

REPLY = 150
"""Tokens of a judge's reply with a few steps of reasoning, about."""


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
    _, held = run_async(foresee(plan, loaded, asked))
    references = {place: example.references[0] for place, example in examples_of(loaded)}
    rates = {
        model.name: _rate([one for one in held if one.job.model == model.name]) for model in asked
    }
    held.sort(key=_place)  # stable: places stay in the order in which they are asked first
    return tuple(
        _estimate(place, list(rows), rates[place[2]], prices.get(place[2]), references)
        for place, rows in groupby(held, key=_place)
    )


def _place(one: Foreseen) -> tuple[str, str, str]:
    request = one.job.request
    return request.suite, request.split, one.job.model


def _rate(held: Sequence[Foreseen]) -> _Rate:
    """What the answers of a model in the cache say about its tokens."""
    answers = [(one.job.request, one.answer) for one in held if one.answer is not None]
    counted = [(r.size, a.prompt_tokens) for r, a in answers if a.prompt_tokens is not None]
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
    held: Sequence[Foreseen],
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
        most_cost=None if price is None else sum(most_cost(one.worst, price) for one in unknown),
    )


def _prompt_tokens(request: Request, rate: _Rate) -> float:
    if rate.tokens_per_byte is not None:
        return rate.tokens_per_byte * request.size
    return request.size / BYTES + TURN * len(request.messages)


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
