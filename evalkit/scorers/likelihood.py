"""Scores of how probable a model finds given texts, instead of what it says.

Such a scorer names the texts whose log-probabilities it reads, example by example: the references,
or the labels. Everything after its statistics is as for any other scorer.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evalkit.errors import ScorerError
from evalkit.schema import Likelihood
from evalkit.scorers.base import Kind, Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.classes import decide
from evalkit.scorers.labels import Find, find_labels, finder
from evalkit.stats.samples import FloatArray

MOST_LABELS = 100
"""Every label is a question for each prompt and model; more of them are hardly meant."""

BINS = 15
"""Of confidence, equally wide, as in Guo et al. 2017."""


class LikelihoodScorer(Scorer):
    """Log-probabilities and references in, numbers out; all else is as in `Scorer`."""

    @abstractmethod
    def texts(self, references: Sequence[str]) -> tuple[str, ...]:
        """The texts whose log-probabilities are read, all different, none empty.

        Args:
            references: accepted answers, at least one.
        """

    @abstractmethod
    def likelihood_stats(
        self, likelihoods: Sequence[Likelihood], references: Sequence[str]
    ) -> tuple[float, ...]:
        """Statistics of one example: k numbers, the same k for every example.

        Args:
            likelihoods: of the texts, in their order; at least one.
            references: accepted answers, at least one.
        """

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """Refuse: a completion says nothing about log-probabilities.

        Raises:
            ScorerError: always.
        """
        del prediction, references
        raise ScorerError(f"scorer {self.name!r} reads log-probabilities; found a completion")


def score_likelihoods(
    scorer: LikelihoodScorer,
    likelihoods: Sequence[Mapping[str, Likelihood]],
    references: Sequence[Sequence[str]],
) -> FloatArray:
    """Statistics of every example, shape (n, k).

    Args:
        scorer: what is computed.
        likelihoods: n times text -> how probable it is.
        references: n lists of accepted answers, n >= 1.

    Returns:
        One row an example; NaN throughout where a text's log-probability is missing, or there is
        none to be had: an empty reference alone has no words to be surprised at.

    Raises:
        ScorerError: a reference is none of the labels.
    """
    rows: list[tuple[float, ...] | None] = []
    for known, accepted in zip(likelihoods, references, strict=True):
        texts = scorer.texts(accepted)
        complete = bool(texts) and all(text in known for text in texts)
        found = [known[text] for text in texts] if complete else []
        rows.append(scorer.likelihood_stats(found, accepted) if complete else None)
    width = next((len(row) for row in rows if row is not None), 2)
    return np.array([(np.nan,) * width if row is None else row for row in rows], dtype=np.float64)


@dataclass(frozen=True)
class Surprise(LikelihoodScorer):
    """Minus the log-probability of the likeliest reference, shared out over its units.

    Attributes:
        per_byte: whether the units are UTF-8 bytes and the logarithm is binary; else tokens.
    """

    name: str
    signature: str
    per_byte: bool
    unit: str
    better: int = field(default=-1, init=False)

    def texts(self, references: Sequence[str]) -> tuple[str, ...]:
        """All references that are not empty."""
        return tuple(dict.fromkeys(text for text in references if text.strip()))

    def likelihood_stats(
        self, likelihoods: Sequence[Likelihood], references: Sequence[str]
    ) -> tuple[float, ...]:
        """Surprise (nats, or bits) and units of the reference that surprises least a unit."""
        del references
        return min(map(self._stats, likelihoods), key=lambda pair: pair[0] / max(1.0, pair[1]))

    def _stats(self, likelihood: Likelihood) -> tuple[float, float]:
        if self.per_byte:
            size = len(likelihood.text.encode(errors="surrogatepass"))
            return -likelihood.logprob / math.log(2), float(size)
        return -likelihood.logprob, float(likelihood.tokens)

    def corpus(self, totals: FloatArray) -> FloatArray:
        """Bits a byte, or the exponential of nats a token; NaN where nothing was counted."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.asarray(totals[..., 0] / totals[..., 1], dtype=np.float64)
        return rate if self.per_byte else np.exp(rate)


@dataclass(frozen=True)
class LabelScorer(LikelihoodScorer):
    """What all scorers by label likelihood share: the labels and how probable each is.

    Probabilities are the softmax over the labels of their log-probabilities: how the model would
    choose if it had to answer with one of them.

    Attributes:
        labels: the L classes.
        find: text to the index of a label.
        per_token: whether log-probabilities are divided by tokens first, so that long labels are
            not at a disadvantage.
    """

    name: str
    signature: str
    labels: tuple[str, ...]
    find: Find
    per_token: bool

    def texts(self, references: Sequence[str]) -> tuple[str, ...]:
        """The labels, whatever the references are."""
        del references
        return self.labels

    def judged(
        self, likelihoods: Sequence[Likelihood], references: Sequence[str]
    ) -> tuple[FloatArray, int, int]:
        """Probabilities (L,), the index of the likeliest label, and that of the reference.

        Of several likeliest labels it is the first in the labels' order.
        """
        nats = np.array(
            [x.logprob / (max(1, x.tokens) if self.per_token else 1) for x in likelihoods]
        )
        shares = np.exp(nats - nats.max())
        chosen = int(nats.argmax())
        reference, _ = decide(self.labels[chosen], references, self.find, self.labels)
        return shares / shares.sum(), chosen, reference


@dataclass(frozen=True)
class LabelAccuracy(LabelScorer):
    """Share of examples whose right label is the likeliest."""

    kind: Kind = field(default="mean", init=False)
    binary: bool = field(default=True, init=False)

    def likelihood_stats(
        self, likelihoods: Sequence[Likelihood], references: Sequence[str]
    ) -> tuple[float, ...]:
        """Right or wrong, and a count of one."""
        _, chosen, reference = self.judged(likelihoods, references)
        return float(chosen == reference), 1.0

    def corpus(self, totals: FloatArray) -> FloatArray:
        """Sum of values over count."""
        return _mean(totals)


@dataclass(frozen=True)
class Brier(LabelScorer):
    """Half the squared distance of the probabilities from the truth (Brier 1950), in [0, 1]."""

    kind: Kind = field(default="mean", init=False)
    better: int = field(default=-1, init=False)

    def likelihood_stats(
        self, likelihoods: Sequence[Likelihood], references: Sequence[str]
    ) -> tuple[float, ...]:
        """The example's value and a count of one."""
        shares, _, reference = self.judged(likelihoods, references)
        truth = np.arange(len(self.labels)) == reference
        return min(1.0, float(((shares - truth) ** 2).sum()) / 2), 1.0

    def corpus(self, totals: FloatArray) -> FloatArray:
        """Sum of values over count."""
        return _mean(totals)


@dataclass(frozen=True)
class CalibrationError(LabelScorer):
    """Expected calibration error: how far confidence and accuracy are apart, bin by bin.

    Statistics of one example are its confidence minus its correctness, in the place of its bin of
    confidence, and a count of one. So sums of them are what a bin is over-confident by.

    Attributes:
        bins: how many; (0, 1/B], (1/B, 2/B], ...
    """

    bins: int
    better: int = field(default=-1, init=False)

    def likelihood_stats(
        self, likelihoods: Sequence[Likelihood], references: Sequence[str]
    ) -> tuple[float, ...]:
        """Excess of confidence in each bin (B), and a count of one."""
        shares, chosen, reference = self.judged(likelihoods, references)
        confidence = float(shares[chosen])
        row = [0.0] * self.bins + [1.0]
        row[min(self.bins - 1, math.ceil(confidence * self.bins) - 1)] = confidence - (
            chosen == reference
        )
        return tuple(row)

    def corpus(self, totals: FloatArray) -> FloatArray:
        """Sum over bins of |confidence - accuracy|, weighted by the examples in them."""
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.abs(totals[..., :-1]).sum(axis=-1) / totals[..., -1]
        return np.asarray(error, dtype=np.float64)


def _mean(totals: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(totals[..., 0] / totals[..., 1], dtype=np.float64)


@SuiteScorer
def perplexity(context: SuiteContext) -> Scorer:
    """How many tokens the model wavers between, on average, at each token of the reference."""
    del context
    signature = "perplexity|per:token|refs:likeliest|v1"
    return Surprise("perplexity", signature, per_byte=False, unit="perplexity")


@SuiteScorer
def bits_per_byte(context: SuiteContext) -> Scorer:
    """Surprise at the reference in a unit that no tokenizer has a say in."""
    del context
    signature = "bits_per_byte|per:byte|refs:likeliest|v1"
    return Surprise("bits_per_byte", signature, per_byte=True, unit="bits/byte")


@SuiteScorer
def label_accuracy(context: SuiteContext, *, per_token: bool = False) -> Scorer:
    """Share of examples whose right label is the likeliest."""
    name = named("label_accuracy", changed(label_accuracy, per_token=per_token))
    labels, end = _labels(context, per_token=per_token)
    return LabelAccuracy(name, f"label_accuracy|{end}", labels, finder(labels), per_token)


@SuiteScorer
def label_brier(context: SuiteContext, *, per_token: bool = False) -> Scorer:
    """Half the squared distance of the labels' probabilities from the truth."""
    name = named("label_brier", changed(label_brier, per_token=per_token))
    labels, end = _labels(context, per_token=per_token)
    return Brier(name, f"label_brier|{end}", labels, finder(labels), per_token)


@SuiteScorer
def label_ece(context: SuiteContext, *, per_token: bool = False, bins: int = BINS) -> Scorer:
    """Expected calibration error of the likeliest label."""
    if bins < 1:
        raise ScorerError(f"scorer 'label_ece': found bins={bins}, expected 1 or more")
    name = named("label_ece", changed(label_ece, per_token=per_token, bins=bins))
    labels, end = _labels(context, per_token=per_token)
    signature = f"label_ece|bins:{bins}|{end}"
    return CalibrationError(name, signature, labels, finder(labels), per_token, bins)


def _labels(context: SuiteContext, *, per_token: bool) -> tuple[tuple[str, ...], str]:
    """The labels, and the end of a signature that holds for them."""
    labels = find_labels(context.config, context.references)
    if len(labels) > MOST_LABELS:
        raise ScorerError(
            f"suite {context.config.name!r} has {len(labels)} labels, expected at most "
            f"{MOST_LABELS} where each is a question for every prompt and model; score what the "
            "models answer, with 'accuracy'"
        )
    return labels, f"per_token:{'yes' if per_token else 'no'}|labels:{len(labels)}|norm:softmax|v1"
