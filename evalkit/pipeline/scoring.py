"""From answers to scores: every answer of every split by every scorer of its suite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalkit.errors import ScorerError
from evalkit.schema import Answer, Confusion, Example, Failure, SplitResult, SuiteConfig
from evalkit.scorers import (
    JudgedScorer,
    LikelihoodScorer,
    OnFailure,
    Replies,
    Scorer,
    count_confusions,
    leave_out,
    make_extractor,
    make_scorers,
    remark_on,
    score_judged,
    score_likelihoods,
    score_predictions,
)
from evalkit.stats.samples import mean_answered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
            _refuse_unjudged(config, scorer, splits)
            _refuse_broken(config, scorer, mine)
        scored += mine
    return tuple(scored)


def _refuse_unjudged(config: SuiteConfig, scorer: Scorer, splits: Sequence[SplitResult]) -> None:
    """Scoring again asks nobody: a judge that this run never asked has no word in it."""
    if not isinstance(scorer, JudgedScorer):
        return
    wanted = known = 0
    for split in splits:
        replies = replies_of(split)
        for model, answers in split.answers.items():
            del model
            for example, text in zip(split.examples, seen_by(scorer, config, answers), strict=True):
                keys = [] if text is None else _keys(scorer, text, example)
                wanted += len(keys)
                known += sum(key in replies for key in keys)
    if wanted and not known:
        raise ScorerError(
            f"suite {config.name!r}: {scorer.name!r} asks a judge, and none of its questions was "
            "asked in this run: its prompt, its decoding or its judge is another. Scoring again "
            "asks nobody; `evalkit run` with this scorer asks the judge, and has the completions "
            "from the cache"
        )


def _keys(scorer: JudgedScorer, text: str, example: Example) -> list[str]:
    try:
        return [question.key for question in scorer.questions(text, example)]
    except ValueError:
        return []


def replies_of(split: SplitResult) -> Replies:
    """Key of a question -> what came of it, of all that judges were asked in a split."""
    return {judged.question: judged.reply for row in split.judgements for judged in row}


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
    replies = replies_of(split)
    for model in split.answers:
        for scorer in scorers:
            failed = failures.setdefault((model, scorer.name), {})
            layers = layers_of(
                config, scorer, split.examples, split.asked(model), failed.setdefault, replies
            )
            if isinstance(scorer, LikelihoodScorer):
                layers = [_likelihood_rows(scorer, split, model)]
            rows = mean_answered(layers)
            stats[model, scorer.name] = rows
            values[model, scorer.name] = scorer.values(rows)
            primary.setdefault(model, layers)
        again = split.again.get(model, ())
        primary[model] += layers_of(config, scorers[0], split.examples, again, leave_out, replies)
    scored = (
        {model: tuple(predictions(config, answers)) for model, answers in split.answers.items()}
        if config.extract
        else {}
    )
    remarks = {
        (model, scorer.name): _remarks(config, scorer, split, model)
        for model in split.answers
        for scorer in scorers
        if isinstance(scorer, JudgedScorer)
    }
    result = replace(split, values=values, scored=scored, remarks=remarks)
    return Scored(result, tuple(scorers), stats, primary, failures)


def layers_of(
    config: SuiteConfig,
    scorer: Scorer,
    examples: Sequence[Example],
    rows: Sequence[Sequence[Answer | Failure]],
    on_failure: OnFailure = leave_out,
    replies: Replies | None = None,
) -> list[NDArray[np.float64]]:
    """Statistics of every example (n, k), a layer for each time that it was asked.

    Args:
        config: the suite.
        scorer: what is computed.
        examples: n >= 1 examples.
        rows: their outcomes, equally many of each.
        on_failure: is told of the examples on which the scorer failed.
        replies: what judges said.
    """
    if isinstance(scorer, LikelihoodScorer):  # these look at no completion
        return []
    columns = [seen_by(scorer, config, column) for column in zip(*rows, strict=True)]
    if isinstance(scorer, JudgedScorer):
        return [
            score_judged(scorer, texts, examples, replies or {}, on_failure=on_failure)
            for texts in columns
        ]
    references = [example.references for example in examples]
    return [
        score_predictions(scorer, texts, references, examples=examples, on_failure=on_failure)
        for texts in columns
    ]


def _remarks(
    config: SuiteConfig, scorer: JudgedScorer, split: SplitResult, model: str
) -> tuple[str, ...]:
    """What judges said about each answer of a model."""
    replies = replies_of(split)
    texts = seen_by(scorer, config, split.answers[model])
    return tuple(
        "" if text is None else remark_on(scorer, text, example, replies)
        for example, text in zip(split.examples, texts, strict=True)
    )


def seen_by(
    scorer: Scorer, config: SuiteConfig, outcomes: Sequence[Answer | Failure]
) -> list[str | None]:
    """What a scorer is given of each outcome; None where there is no answer."""
    return texts_of(outcomes) if scorer.whole else predictions(config, outcomes)


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


def confusions_of(config: SuiteConfig, split: SplitResult) -> list[Confusion]:
    """How often each class was answered with each; nothing where the task is no classification."""
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
