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
        handful = _Handful(pair, {pair.base: base, pair.tuned: tuned}, ask, went)
        if told := await handful.apart():
            apart[pair.tuned] = told
    return went, apart


@dataclass(frozen=True, slots=True)
class _Handful:
    """A few prompts that both models of a pair are asked.

    Attributes:
        pair: the models.
        providers: of both.
        ask: asks with the options of the run.
        went: gathers how the asking went.
    """

    pair: Pair
    providers: Mapping[str, Named]
    ask: Ask
    went: list[dict[str, AskStats]]

    async def apart(self) -> str | None:
        """By what two models were told apart whose answers are equal; None if these differ.

        Raises:
            ModelError: they are one.
        """
        first = await self._answers(HANDFUL)
        if not first or _differ(first):
            return None
        same = await self._same_logprobs()
        if same:
            raise ModelError(self._one_model(first, logprobs=True))
        if same is False:
            return f"{APART} {self.pair.base}, although {_evidence(first, logprobs=False)}"
        more = await self._answers(MANY)
        if len(_with_text(more)) >= HANDFUL and not _differ(more):
            raise ModelError(self._one_model(more, logprobs=False))
        return None

    async def _answers(self, most: int) -> Answers:
        """To the first prompts, where both have one."""
        outcomes, stats = await self.ask(self._jobs(most), self.providers)
        self.went.append(stats)
        return [
            (one, other)
            for one, other in zip(outcomes[::2], outcomes[1::2], strict=True)
            if isinstance(one, Answer) and isinstance(other, Answer)
        ]

    async def _same_logprobs(self) -> bool | None:
        """Whether both answer with equal log-probabilities; None if that is not told."""
        outcomes, stats = await self.ask(
            self._jobs(COMPARED, LOGPROBS),
            {
                model: StandIn(provider, partial(_logprobs, provider), cacheable=True)
                for model, provider in self.providers.items()
            },
        )
        self.went.append(aside(stats))
        found = [json.loads(o.text) if isinstance(o, Answer) else [] for o in outcomes]
        pairs = [(a, b) for a, b in zip(found[::2], found[1::2], strict=True) if a and b]
        return all(_close(a, b) for a, b in pairs) if pairs else None

    def _jobs(self, most: int, repeat: int = 0) -> list[Job]:
        requests = self.pair.requests[:most]
        return [Job(model, request, repeat) for request in requests for model in self.providers]

    def _one_model(self, answers: Answers, *, logprobs: bool) -> str:
        why = _evidence(answers, logprobs=logprobs)
        return _one_model(self.pair, self.providers[self.pair.tuned], why)


def _close(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = zip(one, other, strict=False)
    return len(one) == len(other) and all(abs(x - y) <= CLOSE for x, y in pairs)


def _with_text(answers: Answers) -> Answers:
    """Without those where neither says anything."""
    return [pair for pair in answers if any(answer.text.strip() for answer in pair)]


def _differ(answers: Answers) -> bool:
    return any(one.text != other.text for one, other in _with_text(answers))


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
