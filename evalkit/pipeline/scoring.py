"""From answers to conclusions: scores, comparisons, verdicts. Pure; also what re-scoring runs."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from evalkit.errors import ScorerError
from evalkit.pipeline.spend import priced, savings_of
from evalkit.pipeline.warnings import (
    failure_warnings,
    look_warnings,
    noise_warnings,
    repeat_warnings,
    usage_of,
    warnings_of,
)
from evalkit.schema import (
    ORIGINAL,
    PERTURBED,
    Answer,
    Checkpoint,
    Comparison,
    Confusion,
    Example,
    Failure,
    Leak,
    Looks,
    Loss,
    ModelSpec,
    OverfitVerdict,
    Price,
    Probe,
    RunInfo,
    RunRecord,
    Score,
    SplitResult,
    SuiteConfig,
)
from evalkit.scorers import (
    LikelihoodScorer,
    OnFailure,
    Scorer,
    count_confusions,
    info,
    leave_out,
    make_extractor,
    make_scorers,
    score_likelihoods,
    score_predictions,
)
from evalkit.stats.samples import mean_answered
from evalkit.verdict import (
    Evidence,
    adjust,
    arm_differences,
    chance_scores,
    compare_rows,
    gain_splits,
    gather,
    judge_of,
    noise_rows,
    overfit,
    overfit_levels,
    score_rows,
    slice_warnings,
    without_alike,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEASURING = (
    "numpy", "scipy", "rouge-score", "sacrebleu", "scikit-learn", "nltk", "rapidfuzz", "regex",
    "jsonschema",
)  # fmt: skip
"""Libraries whose version can change a number."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a conclusion needs besides the answers.

    Attributes:
        name: the run's name.
        models: the arms, bases first.
        suites: how each was asked and is scored.
        hashes: suite -> split -> hash of the data.
        training: (suite, tuned model) -> training split it is checked against.
        leaks: test rows that occur in training.
        seed: of every resample.
        limit: examples per split at most.
        scorers: instead of the suites' own; `default` stands for those.
        notes: model -> what must be known about how it was asked.
        prices: model -> price, where it is known.
        probes: what was found out about the models before they were asked.
        completions: (suite, training split) -> all its completions; empty when scoring again.
        earlier: verdicts of an earlier scoring of the same answers.
        clocks: what differs between equal runs.
        repeats: how often every test prompt was asked of every arm.
        allow_identical: whether arms may be one and the same model.
        looks: how often the run looked before it stopped; None if all was asked at once.
        perturb: test prompts of a suite that were drawn to be reworded, at most.
        losses: what the training jobs of the tuned models reported.
        checkpoints: among which checkpoints tuned models were chosen.
    """

    name: str
    models: tuple[ModelSpec, ...]
    suites: tuple[SuiteConfig, ...]
    hashes: Mapping[str, Mapping[str, str]]
    training: Mapping[tuple[str, str], str]
    leaks: tuple[Leak, ...]
    seed: int
    limit: int | None
    scorers: tuple[str, ...]
    notes: Mapping[str, tuple[str, ...]]
    clocks: Mapping[str, Any]
    probes: tuple[Probe, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    completions: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    earlier: tuple[OverfitVerdict, ...] = ()
    repeats: int = 1
    allow_identical: bool = False
    looks: Looks | None = None
    perturb: int = 0
    losses: tuple[Loss, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One split with its scores and the statistics they are made of.

    Attributes:
        result: answers and values.
        scorers: the primary scorer first.
        stats: (model, scorer) -> statistics (n, k); of several answers to one prompt their mean.
        layers: model -> statistics by the primary scorer, one array for each time it was asked;
            those of a second asking last.
        failures: (model, scorer) -> number of an example on which the scorer failed -> why.
    """

    result: SplitResult
    scorers: tuple[Scorer, ...]
    stats: Mapping[tuple[str, str], NDArray[np.float64]]
    layers: Mapping[str, Sequence[NDArray[np.float64]]]
    failures: Mapping[tuple[str, str], Mapping[int, str]]


def conclude(setup: Setup, results: Sequence[SplitResult]) -> RunRecord:
    """Score every answer and say what follows.

    Raises:
        ScorerError: a scorer that is unknown, doesn't fit its suite or fails on every row.
    """
    suites = tuple(replace(c, scorers=scorer_names(setup.scorers, c.scorers)) for c in setup.suites)
    scored = score_all(suites, results)
    evidence = [piece for config in suites for piece in _evidence(setup, config, scored)]
    usage = tuple(usage_of(model, results, suites) for model in setup.models)
    differences = arm_differences(
        setup.models,
        results,
        usages=usage,
        notes=setup.notes,
        allow_identical=setup.allow_identical,
    )
    verdicts = without_alike(overfit(evidence), setup.models, differences)
    comparisons = adjust([row for s in scored for row in _comparisons(setup, suites, s)])
    noise = tuple(
        row for s in scored for row in noise_rows(s.result, s.layers, s.scorers[0], seed=setup.seed)
    )
    warnings = (
        *warnings_of(usage, results, setup.leaks),
        *(warning for s in scored for warning in failure_warnings(s.result, s.failures)),
        *look_warnings(setup.looks, results),
        *repeat_warnings(setup.models, suites, setup.repeats),
        *noise_warnings(comparisons, noise),
    )
    return RunRecord(
        info=RunInfo(
            name=setup.name,
            versions=versions(),
            seed=setup.seed,
            limit=setup.limit,
            models=setup.models,
            suites=suites,
            scorers={s.result.suite: tuple(info(x) for x in s.scorers) for s in scored},
            hashes=setup.hashes,
            usage=tuple(priced(used, setup.prices.get(used.model)) for used in usage),
            probes=setup.probes,
            savings=savings_of(setup.models, results, setup.prices),
            gains=tuple(
                gain
                for s in scored
                if s.result.split != PERTURBED
                for gain in gain_splits(s.result, models=setup.models)
            ),
            overfit=verdicts,
            overfit_levels=overfit_levels(verdicts),
            warnings=(*warnings, *_slice_warnings(suites, scored), *_notes(setup)),
            clocks=setup.clocks,
            repeats=setup.repeats,
            noise=noise,
            notes=setup.notes,
            differences=differences,
            allow_identical=setup.allow_identical,
            perturb=setup.perturb,
            looks=setup.looks,
        ),
        splits=tuple(s.result for s in scored),
        scores=tuple(row for s in scored for row in _scores(setup, suites, s)),
        comparisons=comparisons,
        confusions=tuple(row for s in scored for row in _confusions(suites, s.result)),
        leaks=setup.leaks,
        losses=_of_the_arms(setup.losses, setup.models),
        checkpoints=setup.checkpoints,
    )


def _of_the_arms(losses: Sequence[Loss], models: Sequence[ModelSpec]) -> tuple[Loss, ...]:
    """The losses of those that were compared: of a training job that of the chosen checkpoint."""
    names = {model.name for model in models}
    return tuple(loss for loss in losses if loss.model in names)


def _notes(setup: Setup) -> list[str]:
    return [f"{model}: {note}" for model, notes in setup.notes.items() for note in notes]


def _evidence(setup: Setup, config: SuiteConfig, scored: Sequence[Scored]) -> list[Evidence]:
    mine = [s for s in scored if s.result.suite == config.name]
    return gather(
        config,
        {s.result.split: s.result for s in mine},
        mine[0].scorers,
        models=setup.models,
        training={m: s for (suite, m), s in setup.training.items() if suite == config.name},
        leaks=setup.leaks,
        seed=setup.seed,
        completions={s: t for (suite, s), t in setup.completions.items() if suite == config.name},
        earlier=setup.earlier,
        # Of a run that stopped early nobody knows how many of the prompts it asked were drawn.
        perturb=setup.perturb if setup.looks is None else 0,
        losses=setup.losses,
        chance=_chance(config, mine),
    )


def _chance(
    config: SuiteConfig, scored: Sequence[Scored]
) -> Mapping[str, NDArray[np.float64]] | None:
    """What the answers to reworded prompts would score by chance; None if they are not judged."""
    results = {s.result.split: s.result for s in scored}
    judge = judge_of(scored[0].scorers)
    if PERTURBED not in results or judge is None or isinstance(judge, LikelihoodScorer):
        return None
    if judge.needs_example:  # another prompt's references would not be all it looks at
        return None
    test, reworded = results["test"], results[PERTURBED]
    drawn = {example.fields[ORIGINAL] for example in reworded.examples}
    needed = [example.id in drawn for example in test.examples]
    references = [example.references for example in test.examples]
    return {
        model: chance_scores(
            judge,
            [
                text if wanted else None
                for text, wanted in zip(
                    predictions(config, test.answers[model]), needed, strict=True
                )
            ],
            references,
        )
        for model in reworded.answers
    }


def _scores(setup: Setup, suites: Sequence[SuiteConfig], scored: Scored) -> list[Score]:
    slices = _slices(suites, scored.result)
    return score_rows(
        scored.result,
        scored.stats,
        scored.scorers,
        slices=slices,
        seed=setup.seed,
        looks=setup.looks,
    )


def _comparisons(setup: Setup, suites: Sequence[SuiteConfig], scored: Scored) -> list[Comparison]:
    return compare_rows(
        scored.result,
        scored.stats,
        scored.scorers,
        models=setup.models,
        slices=_slices(suites, scored.result),
        seed=setup.seed,
        looks=setup.looks,
    )


def _slices(suites: Sequence[SuiteConfig], result: SplitResult) -> tuple[str, ...]:
    """The slices of a test split; training samples are too small a matter to be cut up."""
    config = next(c for c in suites if c.name == result.suite)
    return config.slices if result.split == "test" else ()


def _slice_warnings(suites: Sequence[SuiteConfig], scored: Sequence[Scored]) -> list[str]:
    return [
        warning
        for s in scored
        for warning in slice_warnings(s.result.suite, s.result.examples, _slices(suites, s.result))
    ]


def scorer_names(chosen: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """The scorers that are meant: those chosen, `default` replaced by the suite's own."""
    names = [n for name in chosen for n in (own if name == "default" else (name,))]
    return tuple(dict.fromkeys(names)) or tuple(own)


def suite_scorers(
    config: SuiteConfig, test: Sequence[Example], chosen: Sequence[str] = ()
) -> tuple[Scorer, ...]:
    """The scorers of a suite, ready to score.

    Args:
        config: the suite.
        test: its test split, whose references a scorer may look at.
        chosen: instead of the suite's own; `default` stands for those.

    Raises:
        ScorerError: a scorer that is unknown, cannot be loaded or doesn't fit the suite.
    """
    make_extractor(config)  # what a suite cannot extract must show before anything is asked
    names = scorer_names(chosen, config.scorers)
    return make_scorers(names, config, [example.references for example in test])


def score_all(suites: Sequence[SuiteConfig], results: Sequence[SplitResult]) -> tuple[Scored, ...]:
    """Score every split of every suite."""
    scored = []
    for config in suites:
        splits = [result for result in results if result.suite == config.name]
        test = next(result for result in splits if result.split == "test")
        scorers = suite_scorers(config, test.examples)
        mine = [score_split(config, split, scorers) for split in splits]
        for scorer in scorers:
            _refuse_broken(config, scorer, mine)
        scored += mine
    return tuple(scored)


def _refuse_broken(config: SuiteConfig, scorer: Scorer, scored: Sequence[Scored]) -> None:
    """A scorer that fails on some answers leaves them out; on all of a suite's it is broken."""
    values = [s.result.values[model, scorer.name] for s in scored for model in s.result.answers]
    reasons = [
        reason
        for s in scored
        for (_, name), failed in s.failures.items()
        if name == scorer.name
        for reason in failed.values()
    ]
    if reasons and all(map(math.isnan, (value for column in values for value in column))):
        raise ScorerError(
            f"suite {config.name!r}: the scorer {scorer.name!r} failed on every answer of every "
            f"model; on the first: {reasons[0]}"
        )


def score_split(config: SuiteConfig, split: SplitResult, scorers: Sequence[Scorer]) -> Scored:
    """Score every answer to one split of a suite."""
    stats: dict[tuple[str, str], NDArray[np.float64]] = {}
    values: dict[tuple[str, str], NDArray[np.float64]] = {}
    primary: dict[str, list[NDArray[np.float64]]] = {}
    failures: dict[tuple[str, str], dict[int, str]] = {}
    for model in split.answers:
        for scorer in scorers:
            failed = failures.setdefault((model, scorer.name), {})
            layers = layers_of(
                config, scorer, split.examples, split.asked(model), failed.setdefault
            )
            if isinstance(scorer, LikelihoodScorer):
                layers = [_likelihood_rows(scorer, split, model)]
            rows = mean_answered(layers)
            stats[model, scorer.name] = rows
            values[model, scorer.name] = scorer.values(rows)
            primary.setdefault(model, layers)
        primary[model] += layers_of(config, scorers[0], split.examples, split.again.get(model, ()))
    scored = (
        {model: tuple(predictions(config, answers)) for model, answers in split.answers.items()}
        if config.extract
        else {}
    )
    result = replace(split, values=values, scored=scored)
    return Scored(result, tuple(scorers), stats, primary, failures)


def layers_of(
    config: SuiteConfig,
    scorer: Scorer,
    examples: Sequence[Example],
    rows: Sequence[Sequence[Answer | Failure]],
    on_failure: OnFailure = leave_out,
) -> list[NDArray[np.float64]]:
    """Statistics of every example (n, k), a layer for each time that it was asked.

    Args:
        config: the suite.
        scorer: what is computed.
        examples: n >= 1 examples.
        rows: their outcomes, equally many of each.
        on_failure: is told of the examples on which the scorer failed.
    """
    if isinstance(scorer, LikelihoodScorer):  # these look at no completion
        return []
    references = [example.references for example in examples]
    return [
        score_predictions(
            scorer,
            texts_of(column) if scorer.whole else predictions(config, column),
            references,
            examples=examples,
            on_failure=on_failure,
        )
        for column in zip(*rows, strict=True)
    ]


def _likelihood_rows(
    scorer: LikelihoodScorer, split: SplitResult, model: str
) -> NDArray[np.float64]:
    """Statistics of every example (n, k); NaN where the model did not tell."""
    told = split.likelihoods.get(model) or [()] * len(split.examples)
    return score_likelihoods(
        scorer,
        [{likelihood.text: likelihood for likelihood in row} for row in told],
        [example.references for example in split.examples],
    )


def texts_of(outcomes: Sequence[Answer | Failure]) -> list[str | None]:
    """All that was said in each outcome; None where there is no answer."""
    return [None if isinstance(outcome, Failure) else outcome.text for outcome in outcomes]


def predictions(config: SuiteConfig, outcomes: Sequence[Answer | Failure]) -> list[str | None]:
    """What is scored of each outcome; None where there is no answer.

    An unparsable answer is scored as an empty one.
    """
    extract = make_extractor(config)
    return [None if text is None else extract(text) or "" for text in texts_of(outcomes)]


def _confusions(suites: Sequence[SuiteConfig], split: SplitResult) -> list[Confusion]:
    config = next(c for c in suites if c.name == split.suite)
    if config.task != "classification":
        return []
    references = [example.references for example in split.examples]
    found = []
    for model in split.answers:
        columns = list(zip(*split.asked(model), strict=True))
        texts = [text for column in columns for text in predictions(config, column)]
        counts = count_confusions(texts, references * len(columns), config.labels)
        found += [
            Confusion(config.name, split.split, model, reference, predicted, count)
            for (reference, predicted), count in counts.items()
        ]
    return found


def versions() -> dict[str, str]:
    """Versions of evalkit, Python and every library that can change a number."""
    return {
        "evalkit": version("evalkit"),
        "python": platform.python_version(),
        **{name: version(name) for name in MEASURING},
    }
