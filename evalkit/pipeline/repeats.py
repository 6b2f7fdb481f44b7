"""Asking a prompt several times: which question is which repetition, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.pipeline.plan import Plan
from evalkit.schema import Answer, Example, Failure, Generation, ModelSpec, SplitResult

Outcome = Answer | Failure
Rows = tuple[tuple[Outcome, ...], ...]
"""One row of outcomes for each example."""


def times_asked(plan: Plan, model: ModelSpec, split: str) -> int:
    """How often every prompt of a split is asked of an arm.

    `repeats` times on test, and as often again of a base whose noise floor is wanted. Completions
    already made are the same however often they are looked up.
    """
    if split != "test" or model.provider == "file":
        return 1
    return plan.repeats * (2 if plan.noise_floor and model.role == "base" else 1)


def reseeded(generation: Generation, repeat: int) -> Generation:
    """The decoding of a repetition: with one seed, sampling would only repeat itself."""
    if not repeat or generation.seed is None:
        return generation
    return replace(generation, seed=generation.seed + repeat)


def split_result(
    plan: Plan,
    suite: str,
    split: str,
    examples: tuple[Example, ...],
    outcomes: dict[str, Sequence[Outcome]],
) -> SplitResult:
    """The outcomes of a split, sorted by example and repetition.

    Args:
        plan: says what was asked how often.
        suite: name of the suite.
        split: name of the split.
        examples: n examples.
        outcomes: model -> outcomes, example by example, the repetitions of each together.
    """
    answers, repeats, again = dict[str, tuple[Outcome, ...]](), dict[str, Rows](), dict[str, Rows]()
    for model in plan.models:
        if model.name not in outcomes:
            continue
        rows = _rows(outcomes[model.name], times_asked(plan, model, split))
        first = tuple(row[: plan.repeats] for row in rows)
        answers[model.name] = tuple(map(first_answer, first))
        if any(len(row) > 1 for row in first):
            repeats[model.name] = first
        if any(len(row) > plan.repeats for row in rows):
            again[model.name] = tuple(row[plan.repeats :] for row in rows)
    return SplitResult(suite, split, examples, answers, {}, repeats, again)


def first_answer(row: Sequence[Outcome]) -> Outcome:
    """The first repetition that was answered; the first failure if none was."""
    return next((outcome for outcome in row if isinstance(outcome, Answer)), row[0])


def _rows(outcomes: Sequence[Outcome], times: int) -> Rows:
    return tuple(tuple(outcomes[i : i + times]) for i in range(0, len(outcomes), times))
