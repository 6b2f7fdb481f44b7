"""What an overfitting signal may look at: one tuned model on one suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evalkit.schema import (
    PERTURBED,
    Answer,
    Leak,
    Loss,
    ModelSpec,
    OverfitVerdict,
    ScorerInfo,
    Signal,
    SplitResult,
    SuiteConfig,
)
from evalkit.scorers import Scorer, info
from evalkit.stats.gaps import Paired
from evalkit.verdict.parts import clusters_of, subset

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """One tuned model, its base, and what both answered on training and on unseen prompts.

    Attributes:
        config: the suite.
        scorer: the scorer the suite is judged by; per-example values of it exist.
        base: name of the base.
        tuned: name of the tuned model.
        train: the sample of training rows that both were asked.
        test: the test split.
        leaks: test rows that occur in this training split.
        seed: of every resample.
        completions: every training completion, of which `train` is a sample; empty where only the
            run folder is left.
        earlier: the signals of an earlier scoring of the same answers, by name.
        perturbed: rewordings of test prompts; None if none were asked.
        drawn: test prompts that were drawn to be reworded.
        losses: what the training job of the tuned model reported, by step.
        chance: model -> what its answer to each test prompt would score on other prompts'
            references, NaN where nobody needs to know.
    """

    config: SuiteConfig
    scorer: ScorerInfo
    base: str
    tuned: str
    train: SplitResult
    test: SplitResult
    leaks: tuple[Leak, ...]
    seed: int
    completions: Sequence[str] = ()
    earlier: Mapping[str, Signal] = field(default_factory=dict)
    perturbed: SplitResult | None = None
    drawn: int = 0
    losses: tuple[Loss, ...] = ()
    chance: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def clean(self) -> Mask:
        """Which test rows do not occur in training."""
        leaked = {leak.test_id for leak in self.leaks}
        return np.array([example.id not in leaked for example in self.test.examples], dtype=bool)

    def answered(self, split: SplitResult) -> Mask:
        """Which rows of a split both models answered."""
        arms = split.answers[self.base], split.answers[self.tuned]
        return np.array(
            [isinstance(b, Answer) and isinstance(t, Answer) for b, t in zip(*arms, strict=True)],
            dtype=bool,
        )

    def pairs(self, split: SplitResult, rows: Mask | None = None) -> Paired:
        """Values of tuned and base on the rows that both answered, such that more is better.

        Args:
            split: the train or test split of this evidence.
            rows: only these rows.
        """
        new, ref = self.turned(split, self.tuned), self.turned(split, self.base)
        kept = ~(np.isnan(new) | np.isnan(ref))
        chosen = np.flatnonzero(kept if rows is None else kept & rows)
        return Paired(new[chosen], ref[chosen], subset(clusters_of(split.examples), chosen))

    def turned(self, split: SplitResult, model: str) -> NDArray[np.float64]:
        """Values of one model on a split, such that more is better; NaN where it has none."""
        return self._turned(split.values[model, self.scorer.name])

    def by_chance(self, model: str) -> NDArray[np.float64]:
        """What a model's answers to the test prompts score by chance, such that more is better."""
        return self._turned(self.chance[model])

    def _turned(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values if self.scorer.better > 0 else 1.0 - values


def gather(  # noqa: PLR0913 - one argument a source of evidence
    config: SuiteConfig,
    splits: Mapping[str, SplitResult],
    scorers: Sequence[Scorer],
    *,
    models: Sequence[ModelSpec],
    training: Mapping[str, str],
    leaks: Sequence[Leak],
    seed: int,
    completions: Mapping[str, Sequence[str]] | None = None,
    earlier: Sequence[OverfitVerdict] = (),
    perturb: int = 0,
    losses: Sequence[Loss] = (),
    chance: Mapping[str, NDArray[np.float64]] | None = None,
) -> list[Evidence]:
    """The evidence on one suite: one piece for each tuned model whose training rows were asked.

    Judged by `judge_of` the suite; of a score that is no mean (BLEU, macro-F1) by its per-example
    values.

    Args:
        config: the suite.
        splits: split name -> answers and values.
        scorers: the suite's scorers, the primary one first.
        models: the arms.
        training: tuned model -> its training split.
        leaks: test rows that occur in training, of any suite and split.
        seed: of every resample.
        completions: training split -> all its completions, where they are at hand.
        earlier: verdicts of an earlier scoring of the same answers, of any suite.
        perturb: test prompts that were drawn to be reworded, at most.
        losses: what training jobs reported, of any model.
        chance: model -> what its answers to the test prompts score by chance.
    """
    before = {(v.suite, v.tuned): {s.name: s for s in v.signals} for v in earlier}
    judge = judge_of(scorers)
    test = splits.get("test")
    if judge is None or test is None:
        return []
    return [
        Evidence(
            config=config,
            scorer=info(judge),
            base=model.tuned_from,
            tuned=model.name,
            train=train,
            test=test,
            leaks=tuple(k for k in leaks if (k.suite, k.train_split) == (config.name, train.split)),
            seed=seed,
            completions=(completions or {}).get(train.split, ()),
            earlier=before.get((config.name, model.name), {}),
            perturbed=splits.get(PERTURBED),
            drawn=min(perturb, len(test.examples)),
            losses=tuple(loss for loss in losses if _until(loss, model)),
            chance=chance or {},
        )
        for model in models
        if model.tuned_from is not None and model.name in training
        for train in [splits.get(training[model.name])]
        if train is not None
        if all(arm in s.answers for arm in (model.tuned_from, model.name) for s in (train, test))
    ]


def judge_of(scorers: Sequence[Scorer]) -> Scorer | None:
    """The scorer that overfitting is judged by: the first that measures quality in [0, 1]."""
    return next((s for s in scorers if s.unit == "score" and s.better != 0), None)


def _until(loss: Loss, model: ModelSpec) -> bool:
    """Whether a loss was reported on the way to a model: what its job did later is not its own."""
    return loss.model == model.name and (model.step is None or loss.step <= model.step)
