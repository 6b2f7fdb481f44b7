"""What a reader must know before believing the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from evalkit.schema import (
    Answer,
    Comparison,
    Failure,
    Leak,
    ModelSpec,
    Noise,
    SplitResult,
    SuiteConfig,
    Usage,
)
from evalkit.verdict import within_noise
from evalkit.verdict.wording import listed, points, share

NOTEWORTHY = 0.05
"""Share of answers missing or cut off from which on a reader is warned."""


def usage_of(model: ModelSpec, results: Sequence[SplitResult]) -> Usage:
    """What one model consumed and how its answers ended."""
    outcomes = [
        outcome
        for result in results
        if model.name in result.answers
        for row in (*result.asked(model.name), *result.again.get(model.name, ()))
        for outcome in row
    ]
    answers = [o for o in outcomes if isinstance(o, Answer)]
    failures = Counter(o.kind for o in outcomes if isinstance(o, Failure))
    return Usage(
        model=model.name,
        asked=len(outcomes),
        missing=len(outcomes) - len(answers),
        truncated=sum(a.finish_reason == "length" for a in answers),
        empty=sum(not a.text.strip() for a in answers),
        prompt_tokens=sum(a.prompt_tokens or 0 for a in answers),
        completion_tokens=sum(a.completion_tokens or 0 for a in answers),
        served_models=tuple(sorted({a.served_model for a in answers if a.served_model})),
        failures=dict(sorted(failures.items())),
        uncounted=sum(a.prompt_tokens is None or a.completion_tokens is None for a in answers),
    )


def warnings_of(
    models: Sequence[ModelSpec],
    usages: Sequence[Usage],
    results: Sequence[SplitResult],
    leaks: Sequence[Leak],
) -> tuple[str, ...]:
    """One sentence for each thing that shakes a comparison, the gravest first."""
    return (
        *_identical(models, results),
        *_served_alike(models, usages),
        *_missing(usages),
        *_truncated(usages),
        *_leaked(results, leaks),
    )


def repeat_warnings(
    models: Sequence[ModelSpec], suites: Sequence[SuiteConfig], repeats: int
) -> list[str]:
    """Repetitions that cannot show what a model would say another time."""
    if repeats == 1:
        return []
    warnings = []
    greedy = [suite.name for suite in suites if suite.generation.temperature == 0]
    if greedy:
        warnings.append(
            f"{listed(greedy)}: {repeats} answers a prompt at temperature 0 differ only by what "
            "the server does with them; to see how a model varies, set `generation.temperature`."
        )
    made = [model.name for model in models if model.provider == "file"]
    if made:
        warnings.append(
            f"{listed(made)}: completions already made are one answer a prompt, however often "
            "they are looked up."
        )
    return warnings


def noise_warnings(comparisons: Sequence[Comparison], noise: Sequence[Noise]) -> list[str]:
    """Changes against the base that are no larger than what asking it twice makes."""
    rows = {(row.suite, row.model): row for row in noise}
    return [
        f"{change.suite}: the change of {change.tuned}, {points(change.delta or 0.0)} points, is "
        f"inside the noise floor: asked twice, {change.base} answers "
        f"{share(row.differing, row.n)} prompts differently, and its own score moves by up to "
        f"{points(row.floor or 0.0).lstrip('+')} points."
        for change in within_noise(comparisons, noise)
        for row in [rows[change.suite, change.base]]
    ]


def _identical(models: Sequence[ModelSpec], results: Sequence[SplitResult]) -> list[str]:
    found = []
    for model in models:
        pairs = [
            (base, tuned)
            for result in results
            if model.tuned_from is not None
            if model.tuned_from in result.answers and model.name in result.answers
            for base, tuned in zip(
                result.answers[model.tuned_from], result.answers[model.name], strict=True
            )
            if isinstance(base, Answer) and isinstance(tuned, Answer)
        ]
        if pairs and all(base.text == tuned.text for base, tuned in pairs):
            found.append(
                f"{model.name} and {model.tuned_from} gave the same answer to all {len(pairs)} "
                "prompts: probably one model under two names (wrong adapter name, or a server "
                "that ignores the name)."
            )
    return found


def _served_alike(models: Sequence[ModelSpec], usages: Sequence[Usage]) -> list[str]:
    served = {usage.model: usage.served_models for usage in usages}
    return [
        f"the server says that {model.name} and {model.tuned_from} were both answered by "
        f"{served[model.name][0]!r}."
        for model in models
        if model.tuned_from
        and served[model.name]
        and served[model.name] == served[model.tuned_from]
    ]


def _missing(usages: Sequence[Usage]) -> list[str]:
    return [
        f"{u.model}: {u.missing} of {u.asked} answers are missing ("
        + ", ".join(f"{count} {kind}" for kind, count in u.failures.items())
        + "); they are left out of both arms."
        for u in usages
        if u.missing
    ]


def _truncated(usages: Sequence[Usage]) -> list[str]:
    return [
        f"{u.model}: {u.truncated} of {u.asked - u.missing} answers were cut off by max_tokens; "
        "raise `generation.max_tokens` if that is not its own habit."
        for u in usages
        if u.truncated > NOTEWORTHY * max(1, u.asked - u.missing)
    ]


def _leaked(results: Sequence[SplitResult], leaks: Sequence[Leak]) -> list[str]:
    sizes = {result.suite: len(result.examples) for result in results if result.split == "test"}
    found = Counter((leak.suite, leak.train_split) for leak in leaks)
    return [
        f"{suite}: {count} of {sizes.get(suite, 0)} test prompts occur in the training split "
        f"{split}; the overfitting check leaves them out."
        for (suite, split), count in sorted(found.items())
    ]
