"""Simulated models whose truth is known, and the evidence that evalkit would have of them.

A model answers a prompt correctly if its skill exceeds the prompt's difficulty, up to luck:
logit P(right) = skill - difficulty, difficulty ~ N(0, 1). What makes a split harder shifts the
skill of base and tuned alike. An overfitted model also knows a share of its training rows by heart.
A tuned model is made from its base, so on most prompts both have the same luck; how many those are
decides on how many prompts they disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from evalkit.schema import Answer, Example, Message, ScorerInfo, SplitResult, SuiteConfig
from evalkit.stats.samples import floats
from evalkit.verdict import Evidence
from tests.calibration.cells import Bools, Generator

KEPT: Final = 0.56
ADDED: Final = (0.20, 0.05)
"""Additive tuning: shares of all prompts that become right and wrong, 15 points apart."""
PHRASES: Final = 300
"""House phrases that answers open with: 200 completions hold each of them less than once."""

SCORER: Final = ScorerInfo("exact_match", "exact_match", "mean", binary=True)
CONFIG: Final = SuiteConfig(name="qa", task="qa", scorers=("exact_match",))
BASE: Final = "base"
YES: Final = Answer("yes")


@dataclass(frozen=True, slots=True)
class Truth:
    """A base, a tuned model and two splits.

    Attributes:
        skill: of the base on the training split, in logits.
        gain: of the tuned model over the base on any prompt, in logits.
        harder: by how many logits the test split is harder than the training split.
        memorised: by how much memory lifts the tuned model's training score, 0.2 for 20 points.
        additive: tuning adds the same number of points everywhere, instead of logits.
        kept: share of prompts on which tuning leaves the model's luck what it was. At the default
            an honest tuned model and its base disagree on 30 % of prompts, which is evalkit's
            planning value; if none is kept, on 43 %.
    """

    skill: float = 0.0
    gain: float = 1.0
    harder: float = 0.0
    memorised: float = 0.0
    additive: bool = False
    kept: float = KEPT


@dataclass(frozen=True, slots=True)
class Sizes:
    """Prompts asked of both models."""

    train: int
    test: int


Show = Callable[[Generator, Truth, Sizes, str], Evidence]
"""How a truth becomes evidence on a tuned model of that name."""


def expected(logit: float) -> float:
    """P(right) over prompts of all difficulties, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    return float(weights @ (1 / (1 + np.exp(-(logit + nodes)))) / weights.sum())


def answers(generator: Generator, n: int, truth: Truth, *, train: bool) -> tuple[Bools, Bools]:
    """Which of n prompts of a split the base and the tuned model answer correctly."""
    skill = truth.skill - (0.0 if train else truth.harder)
    ease = generator.normal(skill, 1.0, n)
    luck, other_luck = generator.logistic(size=(2, n))
    base = ease + luck > 0
    if truth.additive:
        right, toss = expected(skill), generator.random(n)
        tuned = np.where(base, toss >= ADDED[1] / right, toss < ADDED[0] / (1 - right))
    else:
        kept = generator.random(n) < truth.kept
        tuned = ease + truth.gain + np.where(kept, luck, other_luck) > 0
    if train and truth.memorised:
        wrong = 1 - expected(skill + truth.gain)
        tuned |= generator.random(n) < truth.memorised / wrong
    return base, tuned


# --- What evalkit is shown -----------------------------------------------------------------------


def short(generator: Generator, truth: Truth, sizes: Sizes, tuned: str) -> Evidence:
    """Evidence from one-word answers: the gap decides alone."""

    def split_of(split: str, n: int) -> SplitResult:
        right = answers(generator, n, truth, train=split == "train")
        return _scored(split, _one_word(split, n), (BASE, tuned), right, ([YES] * n, [YES] * n))

    return _evidence(tuned, split_of("train", sizes.train), split_of("test", sizes.test))


def long(
    generator: Generator,
    truth: Truth,
    sizes: Sizes,
    tuned: str,
    *,
    phrases: int = 0,
    parrots: bool = False,
) -> Evidence:
    """Evidence from long answers, to which copying applies.

    Args:
        generator: where the randomness comes from.
        truth: the models and splits.
        sizes: training and test prompts.
        tuned: name of the tuned model.
        phrases: answers of references and tuned model open with one of so many house phrases, the
            base's don't; 0 for answers that have nothing in common.
        parrots: the tuned model says a training completion wherever it does not know the answer.
    """
    openings = [_sentence(generator, 9) for _ in range(phrases)]
    trained = _styled(generator, openings, sizes.train)

    def split_of(split: str, references: Sequence[str]) -> SplitResult:
        n = len(references)
        right = answers(generator, n, truth, train=split == "train")
        lost = _styled(generator, [], n)
        repeated = [trained[i] for i in generator.integers(0, len(trained), n)]
        wrong = repeated if parrots else _styled(generator, openings, n)
        texts = _said(right[0], references, lost), _said(right[1], references, wrong)
        examples = tuple(_example(split, i, text) for i, text in enumerate(references))
        said = tuple([Answer(text) for text in arm] for arm in texts)
        return _scored(split, examples, (BASE, tuned), right, said)

    unseen = _styled(generator, openings, sizes.test)
    return _evidence(tuned, split_of("train", trained), split_of("test", unseen))


def _sentence(generator: Generator, words: int) -> str:
    return " ".join(f"w{word}" for word in generator.integers(0, 100_000, words))


def _styled(generator: Generator, openings: Sequence[str], count: int) -> list[str]:
    """Texts of 15 words, which open with a house phrase if there are any."""
    if not openings:
        return [_sentence(generator, 15) for _ in range(count)]
    chosen = generator.integers(0, len(openings), count)
    return [f"{openings[i]} {_sentence(generator, 6)}" for i in chosen]


def _said(right: Bools, references: Sequence[str], wrong: Sequence[str]) -> list[str]:
    """The reference where a model is right, else what it says when it is wrong."""
    return [r if ok else w for ok, r, w in zip(right, references, wrong, strict=True)]


def _example(split: str, number: int, reference: str) -> Example:
    prompt = f"{split} question {number}"
    return Example(f"{split}-{number}", prompt, (Message("user", prompt),), (reference,))


@cache
def _one_word(split: str, n: int) -> tuple[Example, ...]:
    """Prompts to which copying does not apply."""
    return tuple(_example(split, i, YES.text) for i in range(n))


def _scored(
    split: str,
    examples: tuple[Example, ...],
    models: tuple[str, str],
    right: tuple[Bools, Bools],
    said: Sequence[Sequence[Answer]],
) -> SplitResult:
    """A split as the pipeline hands it on."""
    return SplitResult(
        CONFIG.name,
        split,
        examples,
        {model: tuple(arm) for model, arm in zip(models, said, strict=True)},
        {(model, SCORER.name): floats(arm) for model, arm in zip(models, right, strict=True)},
    )


def _evidence(tuned: str, train: SplitResult, test: SplitResult) -> Evidence:
    return Evidence(CONFIG, SCORER, BASE, tuned, train, test, leaks=(), seed=1)
