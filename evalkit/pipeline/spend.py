"""What the arms of a run cost, and what a tuned model saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from evalkit.errors import UsageError
from evalkit.models import price_of
from evalkit.models.prices import FREE
from evalkit.pipeline.plan import Plan
from evalkit.runner import Purse
from evalkit.schema import Answer, ModelSpec, Price, Saving, SplitResult, Usage

THOUSAND = 1000
"""Answers that a saving is told for: one costs too little to be read."""


def prices_of(models: Sequence[ModelSpec], on: date, *, batch: bool = False) -> dict[str, Price]:
    """Model -> price, for those whose price is known; of a batch, if they are asked by file."""
    found = {model.name: price_of(model, on, batch=batch) for model in models}
    return {name: price for name, price in found.items() if price is not None}


def charges(models: Sequence[ModelSpec], on: date, *, batch: bool = False) -> dict[str, Price]:
    """Model -> what asking it costs, where it is known: nothing for completions already made."""
    return prices_of(models, on, batch=batch) | _free(models)


def _free(models: Sequence[ModelSpec]) -> dict[str, Price]:
    return {model.name: FREE for model in models if model.provider == "file"}


def purse_of(
    plan: Plan, prices: Mapping[str, Price], judges: Sequence[ModelSpec] = ()
) -> Purse | None:
    """The money of a run; None if it has no limit.

    Args:
        plan: says what may be spent.
        prices: model -> price, where it is known.
        judges: who is asked besides the arms.

    Raises:
        UsageError: a model without a price, for which no limit can be kept.
    """
    if plan.max_cost is None:
        return None
    known = {**prices, **_free(plan.models)}
    unknown = [model for model in (*plan.models, *judges) if model.name not in known]
    if unknown:
        names = ", ".join(f"{model.name!r} ({model.provider}:{model.model})" for model in unknown)
        raise UsageError(
            f"--max-cost can only be kept where prices are known, and none is of {names}: give it "
            "`price: {input: X, output: Y}` in evalkit.yaml, dollars for a million tokens (0 for "
            "a server of your own)"
        )
    return Purse(plan.max_cost, known)


def priced(usage: Usage, price: Price | None) -> Usage:
    """A model's usage with what its counted tokens cost."""
    if price is None:
        return usage
    cost = price.of(usage.prompt_tokens, usage.completion_tokens)
    return replace(usage, price=price, cost=cost)


def savings_of(
    models: Sequence[ModelSpec], results: Sequence[SplitResult], prices: Mapping[str, Price]
) -> tuple[Saving, ...]:
    """What each tuned model's test answers take beside its base's, where both were counted."""
    found = []
    for model in models:
        base = model.tuned_from
        if base is None:
            continue
        rows = [
            (one.prompt_tokens, two.prompt_tokens, one.completion_tokens, two.completion_tokens)
            for result in results
            if result.split == "test"
            for one, two in zip(
                result.answers.get(base, ()), result.answers.get(model.name, ()), strict=False
            )
            if isinstance(one, Answer) and isinstance(two, Answer)
        ]
        counted = [[n for n in row if n is not None] for row in rows if None not in row]
        if counted:
            means = [sum(column) / len(counted) for column in zip(*counted, strict=True)]
            found.append(_saving(base, model.name, len(counted), means, prices))
    return tuple(found)


def _saving(
    base: str, tuned: str, n: int, means: Sequence[float], prices: Mapping[str, Price]
) -> Saving:
    prompt_base, prompt_tuned, completion_base, completion_tuned = means
    costs = [
        None if name not in prices else THOUSAND * prices[name].of(prompt, completion)
        for name, prompt, completion in (
            (base, prompt_base, completion_base),
            (tuned, prompt_tuned, completion_tuned),
        )
    ]
    return Saving(base, tuned, n, *means, *costs)
