"""Whether two names are two models: asked before a run pays for comparing a model with itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from evalkit.errors import ModelError
from evalkit.models import Named, Provider
from evalkit.runner.ask import Ask
from evalkit.runner.job import AskStats, Job, aside
from evalkit.runner.stand_in import StandIn
from evalkit.schema import Answer, Failure, Request

HANDFUL = 8
"""Prompts asked first: answers that differ on any of them come from two models."""

MANY = 32
"""Prompts that must all have equal answers where a server gives no log-probabilities."""

COMPARED = 3
"""Prompts whose log-probabilities are compared."""

CLOSE = 1e-3
"""Log-probabilities (nats) nearer than this are equal: the same weights in another batch."""

APART = "its log-probabilities tell it from"
"""How a note begins on a model whose answers do not."""

LOGPROBS = -1
"""The repetition under which the cache keeps log-probabilities."""

Answers = Sequence[tuple[Answer, Answer]]
"""Of base and tuned, to the same prompts."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A tuned model and its base.

    Attributes:
        base: name of the arm.
        tuned: name of the arm.
        requests: what both will be asked in the run.
    """

    base: str
    tuned: str
    requests: tuple[Request, ...]


async def require_two_models(
    pairs: Sequence[Pair], providers: Mapping[str, Provider], ask: Ask
) -> tuple[list[dict[str, AskStats]], dict[str, str]]:
    """Stop if a tuned model turns out to be its base.

    Only models that a server tells apart by name are asked. They get the run's own first prompts;
    if no answers differ, the log-probabilities of a few of them decide. A server that gives none is
    asked more prompts. With too little to go by there is no verdict: two answers that are both
    empty, because they were cut off or filtered, say nothing about who gave them.

    Args:
        pairs: who is compared with whom.
        providers: model -> opened provider.
        ask: asks with the options of the run.

    Returns:
        How the asking went, one entry for each call of `ask`; and tuned model -> what a reader must
        know of it: that nothing but its log-probabilities told it from its base.

    Raises:
        ModelError: two names of one model.
    """
    went: list[dict[str, AskStats]] = []
    apart: dict[str, str] = {}
    for pair in pairs:
        base, tuned = providers[pair.base], providers[pair.tuned]
        if base.cacheable and (base.endpoint, base.identity) == (tuned.endpoint, tuned.identity):
            raise ModelError(_asked_as_one(pair, tuned))
        if not (isinstance(base, Named) and isinstance(tuned, Named)):
            continue
        first = await _ask_both(pair, HANDFUL, providers, ask, went)
        if not first or _differ(first):
            continue
        same = await _same_logprobs(pair, {pair.base: base, pair.tuned: tuned}, ask, went)
        if same:
            raise ModelError(_one_model(pair, tuned, _evidence(first, logprobs=True)))
        if same is False:
            apart[pair.tuned] = f"{APART} {pair.base}, although {_evidence(first, logprobs=False)}"
        if same is None:
            more = await _ask_both(pair, MANY, providers, ask, went)
            if len(_with_text(more)) >= HANDFUL and not _differ(more):
                raise ModelError(_one_model(pair, tuned, _evidence(more, logprobs=False)))
    return went, apart


async def _ask_both(
    pair: Pair,
    most: int,
    providers: Mapping[str, Provider],
    ask: Ask,
    went: list[dict[str, AskStats]],
) -> Answers:
    """The answers of a pair to the first prompts, where both have one."""
    models = (pair.base, pair.tuned)
    jobs = [Job(model, request) for request in pair.requests[:most] for model in models]
    outcomes, stats = await ask(jobs, {model: providers[model] for model in models})
    went.append(stats)
    return [
        (one, other)
        for one, other in zip(outcomes[::2], outcomes[1::2], strict=True)
        if isinstance(one, Answer) and isinstance(other, Answer)
    ]


def _with_text(answers: Answers) -> Answers:
    """Without those where neither says anything."""
    return [pair for pair in answers if any(answer.text.strip() for answer in pair)]


def _differ(answers: Answers) -> bool:
    return any(one.text != other.text for one, other in _with_text(answers))


async def _same_logprobs(
    pair: Pair, providers: Mapping[str, Named], ask: Ask, went: list[dict[str, AskStats]]
) -> bool | None:
    """Whether both answer these prompts with equal log-probabilities; None if that is not told."""
    models = (pair.base, pair.tuned)
    jobs = [Job(m, request, LOGPROBS) for request in pair.requests[:COMPARED] for m in models]
    outcomes, stats = await ask(
        jobs,
        {
            model: StandIn(provider, partial(_logprobs, provider), cacheable=True)
            for model, provider in providers.items()
        },
    )
    went.append(aside(stats))
    found = [json.loads(o.text) if isinstance(o, Answer) else [] for o in outcomes]
    pairs = [(a, b) for a, b in zip(found[::2], found[1::2], strict=True) if a and b]
    if not pairs:
        return None
    return all(
        len(a) == len(b) and all(abs(x - y) <= CLOSE for x, y in zip(a, b, strict=True))
        for a, b in pairs
    )


async def _logprobs(provider: Named, request: Request) -> Answer | Failure:
    """Log-probabilities as the text of an answer, which the cache keeps; none are an answer too."""
    found = await provider.logprobs(request)
    return found if isinstance(found, Failure) else Answer(json.dumps(found))


def _evidence(answers: Answers, *, logprobs: bool) -> str:
    also = ", with the same log-probabilities" if logprobs else ""
    told = _with_text(answers)
    kind = "the same" if told else "empty"
    return f"the first {len(told or answers)} test prompts have {kind} answers{also}"


def _asked_as_one(pair: Pair, tuned: Provider) -> str:
    if isinstance(tuned, Named):
        return _one_model(pair, tuned, "they are asked as one and the same")
    return (
        f"{pair.tuned!r} and its base {pair.base!r} are the same model: equal weights, tokenizers "
        "and settings. Name the folder of the tuned one; if it is meant, say --allow-identical"
    )


def _one_model(pair: Pair, tuned: Provider, why: str) -> str:
    return (
        f"{pair.tuned!r} and its base {pair.base!r} are one model at {tuned.endpoint}: {why}. "
        "Probably the adapter's name is wrong, or the server answers every name with what it has "
        "loaded; see docs/models.md. If it is meant, say --allow-identical"
    )
