"""What a reader must know before believing the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from evalkit.data import repeated_prompts
from evalkit.schema import (
    Answer,
    Comparison,
    Failure,
    Leak,
    Looks,
    ModelSpec,
    Noise,
    SplitResult,
    SuiteConfig,
    Usage,
)
from evalkit.scorers import make_extractor
from evalkit.verdict import emptiness, within_noise
from evalkit.verdict.wording import counted, listed, plural, points, share

NOTEWORTHY = 0.05
"""Share of answers cut off or empty from which on a reader is warned."""


def usage_of(
    model: ModelSpec, results: Sequence[SplitResult], suites: Sequence[SuiteConfig]
) -> Usage:
    """What one model consumed and how its answers ended."""
    used = counted_usage(
        model.name, _outcomes(model.name, results), _unparsable(model, results, suites)
    )
    told = [
        likelihood
        for result in results
        for row in result.likelihoods.get(model.name, ())
        for likelihood in row
    ]
    return replace(
        used,
        prompt_tokens=used.prompt_tokens + sum(one.prompt_tokens or 0 for one in told),
        uncounted=used.uncounted + sum(one.prompt_tokens is None for one in told),
        texts=len(told),
    )


def counted_usage(
    model: str, outcomes: Sequence[Answer | Failure], unparsable: Mapping[str, int]
) -> Usage:
    """What came of asking a model, be it an arm or a judge.

    Args:
        model: its name.
        outcomes: one for each request.
        unparsable: suite -> answers with nothing in them to score.
    """
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    said: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            said.setdefault(outcome.kind, Counter())[outcome.message] += 1
    return Usage(
        model=model,
        asked=len(outcomes),
        missing=len(outcomes) - len(answers),
        truncated=sum(a.finish_reason == "length" for a in answers),
        empty=sum(not a.text.strip() for a in answers),
        prompt_tokens=sum(a.prompt_tokens or 0 for a in answers),
        completion_tokens=sum(a.completion_tokens or 0 for a in answers),
        served_models=tuple(sorted({a.served_model for a in answers if a.served_model})),
        failures={kind: said[kind].total() for kind in sorted(said)},
        uncounted=sum(a.prompt_tokens is None or a.completion_tokens is None for a in answers),
        unparsable=dict(unparsable),
        reasons={kind: said[kind].most_common(1)[0][0] for kind in sorted(said)},
    )


def _outcomes(model: str, results: Sequence[SplitResult]) -> list[Answer | Failure]:
    """All that came of asking a model, however often."""
    return [
        outcome
        for result in results
        if model in result.answers
        for row in (*result.asked(model), *result.again.get(model, ()))
        for outcome in row
    ]


def _unparsable(
    model: ModelSpec, results: Sequence[SplitResult], suites: Sequence[SuiteConfig]
) -> dict[str, int]:
    """Suite -> answers with a text in which its extraction finds nothing."""
    found = {}
    for config in suites:
        extract = make_extractor(config)
        asked = _outcomes(model.name, [r for r in results if r.suite == config.name])
        texts = [outcome.text for outcome in asked if isinstance(outcome, Answer)]
        found[config.name] = sum(bool(text.strip()) and extract(text) is None for text in texts)
    return {suite: count for suite, count in found.items() if count}


def warnings_of(
    usages: Sequence[Usage], results: Sequence[SplitResult], leaks: Sequence[Leak]
) -> tuple[str, ...]:
    """One sentence for each thing that shakes what was measured, the gravest first."""
    return (
        *_missing(usages, results),
        *_truncated(usages),
        *_empty(usages, results),
        *_parsed(usages),
        *_leaked(results, leaks),
    )


def unit_warnings(results: Sequence[SplitResult]) -> list[str]:
    """Test rows that ask the same, and so count less than a reader of their number thinks."""
    told = {r.suite: repeated_prompts(r.examples) for r in results if r.split == "test"}
    return [f"{suite}: {sentence}." for suite, sentence in told.items() if sentence]


def judging_warnings(judging: Sequence[Usage]) -> list[str]:
    """Grades that could not be had, and replies that had no room for one."""
    missing = [
        f"{u.model}: {u.missing} of {u.asked} grades are missing ({counted(u.failures)}); "
        f"the same command asks only for them. An answer without a grade has no score.{_reasons(u)}"
        for u in judging
        if u.missing
    ]
    truncated = [
        f"{u.model}: {u.truncated} of {u.asked - u.missing} replies were cut off; raise "
        "`max_completions_tokens` in the grader's `sampling_params`."
        for u in judging
        if u.truncated > NOTEWORTHY * max(1, u.asked - u.missing)
    ]
    return [*missing, *truncated]


def failure_warnings(
    split: SplitResult, failures: Mapping[tuple[str, str], Mapping[int, str]]
) -> list[str]:
    """Examples of a split that have no score, because the scorer failed on them."""
    warnings = []
    for (model, scorer), reasons in failures.items():
        if reasons:
            row, reason = min(reasons.items())
            warnings.append(
                f"{split.suite} ({split.split}): the scorer {scorer} failed on {len(reasons)} of "
                f"{len(split.examples)} answers of {model}, which are left out of its score; the "
                f"first is example {split.examples[row].id!r}: {reason}"
            )
    return warnings


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


def look_warnings(looks: Looks | None, results: Sequence[SplitResult]) -> list[str]:
    """That a run looked before all was asked, what this does to its figures, and what it saved."""
    if looks is None:
        return []
    design = (
        "Intervals and p-values are repeated ones (O'Brien-Fleming): they hold at whichever look a "
        "run stops, and are wider than those of a run planned at this size"
    )
    if looks.taken == looks.declared:
        return [f"Looked {looks.declared} times, and all had to be asked. {design}."]
    asked, planned = (sum(counts.values()) for counts in (looks.asked, looks.planned))
    answers, tokens = _saved(looks, results)
    tokens_too = f" and about {tokens:,} tokens" if tokens else ""
    told = f"Stopped early, at look {looks.taken} of {looks.declared}: {share(asked, planned)}"
    saved = f"{plural(answers, 'answer')}{tokens_too}"
    return [f"{told} test prompts were asked, which saved {saved}. {design}."]


def _saved(looks: Looks, results: Sequence[SplitResult]) -> tuple[int, int]:
    """Answers that were not needed, and their tokens at the mean of those that were."""
    answers, tokens = 0, 0.0
    for result in results:
        if result.split != "test":
            continue
        left = looks.planned[result.suite] - looks.asked[result.suite]
        for model in result.answers:
            rows = (*result.asked(model), *result.again.get(model, ()))
            had = [outcome for row in rows for outcome in row]
            times = len(had) // len(result.examples)
            known = [o for o in had if isinstance(o, Answer)]
            spent = sum((o.prompt_tokens or 0) + (o.completion_tokens or 0) for o in known)
            answers += left * times
            tokens += left * times * spent / max(1, len(known))
    return answers, round(tokens)


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


def _missing(usages: Sequence[Usage], results: Sequence[SplitResult]) -> list[str]:
    return [
        f"{u.model}: {u.missing} of {u.asked} answers are missing ({counted(u.failures)}), "
        f"{_splits_of_missing(u.model, results)}; they are left out of both arms.{_reasons(u)}"
        for u in usages
        if u.missing
    ]


def _reasons(used: Usage) -> str:
    """What was said of each kind of failure."""
    return "".join(f" {kind}: {said.rstrip('.')}." for kind, said in used.reasons.items())


def _splits_of_missing(model: str, results: Sequence[SplitResult]) -> str:
    """`3 in test and 100 in train`."""
    found: Counter[str] = Counter()
    for result in results:
        lacking = sum(isinstance(o, Failure) for o in _outcomes(model, [result]))
        found.update({result.split: lacking} if lacking else {})
    return listed([f"{count} in {split}" for split, count in found.items()])


def _truncated(usages: Sequence[Usage]) -> list[str]:
    return [
        f"{u.model}: {u.truncated} of {u.asked - u.missing} answers were cut off by max_tokens; "
        "raise `generation.max_tokens` unless this model simply runs on."
        for u in usages
        if u.truncated > NOTEWORTHY * max(1, u.asked - u.missing)
    ]


def _empty(usages: Sequence[Usage], results: Sequence[SplitResult]) -> list[str]:
    answers = {u.model: _outcomes(u.model, results) for u in usages}
    return [
        f"{u.model}: {emptiness([o for o in answers[u.model] if isinstance(o, Answer)])}. An empty "
        "answer is scored as it is; raise `generation.max_tokens` if it was cut off."
        for u in usages
        if u.empty and u.empty >= NOTEWORTHY * (u.asked - u.missing)
    ]


def _parsed(usages: Sequence[Usage]) -> list[str]:
    return [
        f"{u.model}: {sum(u.unparsable.values())} of {u.asked - u.missing} answers are unparsable ("
        + ", ".join(f"{suite} {count}" for suite, count in u.unparsable.items())
        + "): the suite's `extract` finds nothing in them. They are scored as empty; whether "
        "their form or their content is wrong, the score does not tell."
        for u in usages
        if u.unparsable
    ]


def _leaked(results: Sequence[SplitResult], leaks: Sequence[Leak]) -> list[str]:
    sizes = {result.suite: len(result.examples) for result in results if result.split == "test"}
    found = Counter((leak.suite, leak.train_split) for leak in leaks)
    return [
        f"{suite}: {count} of {sizes.get(suite, 0)} test prompts occur in the training split "
        f"{split}; the overfitting check leaves them out."
        for (suite, split), count in sorted(found.items())
    ]
