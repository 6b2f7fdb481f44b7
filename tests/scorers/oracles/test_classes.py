"""Oracles of classification and calibration: scikit-learn, and labels known by construction."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    classification_report,
    precision_recall_fscore_support,
)

from evalkit.schema import Likelihood, SuiteConfig
from evalkit.scorers import (
    LikelihoodScorer,
    Scorer,
    class_report,
    make_scorers,
    score_likelihoods,
    score_predictions,
)
from evalkit.scorers.classes import AVERAGES
from evalkit.stats.samples import FloatArray
from tests.scorers.agreement import CLOSE, FEWEST, Pair, Pairs, agree, require_close, require_hard

LABELS = ("refund", "money back", "доставка", "退款", "C++", "C", "never asked", "Ελλάδα x")
CONFIG = SuiteConfig(name="demo", task="classification", labels=LABELS)
NONE = "<none>"


def made(spec: str, config: SuiteConfig = CONFIG) -> Scorer:
    return make_scorers([spec], config, [["refund"]])[0]


class Answers:
    """Answers to a classification suite.

    Attributes:
        pairs: what was said, and the accepted labels.
        said: the label that each answer was made from, or `<none>`.
        truth: the accepted label that counts: the one that was said, or the first of the labels.
    """

    def __init__(self) -> None:
        random_ = random.Random(51)
        spellings = ["{}", "{}", "{}.", ' "{}" ', "**{}**", "«{}»!", "\n{}\n", "({})"]
        asked = [label for label in LABELS if label != "never asked"]
        others = ["", "no idea", "refund or money back", "back money", "!?", "refund " * 5000]
        self.pairs: list[Pair] = []
        self.said: list[str] = []
        for _ in range(2500):
            accepted = random_.sample(asked, random_.choice([1, 1, 1, 2]))
            label = random_.choice([accepted[0], accepted[-1], random_.choice(LABELS), NONE])
            text = random_.choice(others) if label == NONE else random_.choice(spellings)
            cased = random_.choice([label, label.upper(), label.title()])
            self.pairs.append((text.format(cased), accepted))
            self.said.append(label)
        self.pairs += [("back money", ["money back"]), ("x Ελλάδα", ["Ελλάδα x"])]
        self.said += [NONE, NONE]
        self.truth = [
            said if said in accepted else min(accepted, key=LABELS.index)
            for said, (_, accepted) in zip(self.said, self.pairs, strict=True)
        ]

    @property
    def present(self) -> list[str]:
        return [label for label in LABELS if label in self.said or label in self.truth]


@pytest.fixture(scope="module")
def answers() -> Answers:
    found = Answers()
    require_hard(found.pairs)
    return found


def totals(scorer: Scorer, pairs: Pairs) -> FloatArray:
    rows = score_predictions(scorer, [said for said, _ in pairs], [refs for _, refs in pairs])
    return np.asarray(rows.sum(axis=0))


@pytest.mark.parametrize("name", AVERAGES)
def test_averages(answers: Answers, name: str) -> None:
    average, _, measure = name.partition("_")
    expected = precision_recall_fscore_support(
        answers.truth, answers.said, labels=answers.present, average=average, zero_division=0
    )[["precision", "recall", "f1"].index(measure)]
    ours = made(name)
    assert ours.corpus(totals(ours, answers.pairs)) == pytest.approx(expected, abs=CLOSE, rel=0)


def test_every_class_as_in_the_classification_report(answers: Answers) -> None:
    ours = class_report(totals(made("macro_f1"), answers.pairs), LABELS)
    theirs = classification_report(
        answers.truth, answers.said, labels=LABELS, output_dict=True, zero_division=0
    )
    for index, label in enumerate(LABELS):
        row = [ours.precision[index], ours.recall[index], ours.f1[index], ours.support[index]]
        require_close(row, list(theirs[label].values()))


def test_accuracy(answers: Answers) -> None:
    right = dict(zip(map(str, answers.pairs), answers.said, strict=True))
    values = agree(
        made("accuracy"), lambda said, refs: right[str((said, refs))] in refs, answers.pairs
    )
    expected = accuracy_score(answers.truth, answers.said)
    assert values.mean() == pytest.approx(expected, abs=CLOSE, rel=0)


@pytest.mark.parametrize("strict", [False, True])
def test_label_valid(answers: Answers, strict: bool) -> None:  # noqa: FBT001
    named = dict(zip((said for said, _ in answers.pairs), answers.said, strict=True))

    def valid(said: str, _: list[str]) -> bool:
        return any(said.encode() == label.encode() for label in LABELS) if strict else (
            named[said] != NONE
        )  # fmt: skip

    agree(made(f"label_valid(strict={strict})"), valid, answers.pairs)


class Surprises:
    """Log-probabilities of labels for 2,500 examples, sure and unsure, right and wrong.

    Attributes:
        nats: of every example and label.
        tokens: the length of every label.
        references: the accepted labels of every example.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(52)
        self.nats = -rng.exponential(rng.choice([0.1, 2.0, 30.0], (2500, 1)), (2500, len(LABELS)))
        self.nats[:20] = -1.0  # all alike
        self.nats[20:40, 1:] = -800.0  # beyond what a probability can say
        self.nats[40:80] = [-1.0, -1.0] + [-800.0] * (len(LABELS) - 2)  # on the edge of a bin
        self.tokens = np.arange(1, len(LABELS) + 1)
        likeliest = self.nats.argmax(axis=1)
        others = rng.integers(len(LABELS), size=2500)
        truth = np.where(rng.random(2500) < 0.6, likeliest, others)
        truth[40:80], others[40:80] = 2, 3  # wrong, as those below the edge are not
        self.references = [
            [LABELS[one]] if rng.random() < 0.7 else [LABELS[one], LABELS[other]]
            for one, other in zip(truth, others, strict=True)
        ]
        self.found = [
            {
                label: Likelihood(label, float(nats), int(tokens))
                for label, nats, tokens in zip(LABELS, row, self.tokens, strict=True)
            }
            for row in self.nats
        ]

    def judged(self, *, per_token: bool) -> tuple[FloatArray, list[str], list[str]]:
        """Probabilities, likeliest labels, and the labels that are true."""
        nats = self.nats / self.tokens if per_token else self.nats
        shares = np.exp(nats - nats.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        chosen = [LABELS[i] for i in nats.argmax(axis=1)]
        truth = [
            said if said in refs else min(refs, key=LABELS.index)
            for said, refs in zip(chosen, self.references, strict=True)
        ]
        return shares, chosen, truth


@pytest.fixture(scope="module")
def surprises() -> Surprises:
    return Surprises()


def stats(spec: str, found: Sequence[dict[str, Likelihood]], refs: list[list[str]]) -> FloatArray:
    scorer = made(spec)
    assert isinstance(scorer, LikelihoodScorer)
    assert len(refs) >= FEWEST
    return score_likelihoods(scorer, found, refs)


@pytest.mark.parametrize("per_token", [False, True])
def test_label_accuracy(surprises: Surprises, per_token: bool) -> None:  # noqa: FBT001
    spec = f"label_accuracy(per_token={per_token})"
    rows = stats(spec, surprises.found, surprises.references)
    _, chosen, truth = surprises.judged(per_token=per_token)
    expected = accuracy_score(truth, chosen)
    assert made(spec).corpus(rows.sum(axis=0)) == pytest.approx(expected, abs=CLOSE, rel=0)


@pytest.mark.parametrize("per_token", [False, True])
def test_label_brier(surprises: Surprises, per_token: bool) -> None:  # noqa: FBT001
    spec = f"label_brier(per_token={per_token})"
    rows = stats(spec, surprises.found, surprises.references)
    shares, _, truth = surprises.judged(per_token=per_token)
    order = sorted(range(len(LABELS)), key=LABELS.__getitem__)  # scikit-learn's own
    expected = brier_score_loss(
        truth, shares[:, order], labels=[LABELS[i] for i in order], scale_by_half=True
    )
    assert made(spec).corpus(rows.sum(axis=0)) == pytest.approx(expected, abs=CLOSE, rel=0)
    each = [
        sum((share - (label == right)) ** 2 for share, label in zip(row, LABELS, strict=True)) / 2
        for row, right in zip(shares.tolist(), truth, strict=True)
    ]
    require_close(made(spec).values(rows), each)


@pytest.mark.parametrize("bins", [1, 4, 15])
@pytest.mark.parametrize("per_token", [False, True])
def test_label_ece(surprises: Surprises, bins: int, per_token: bool) -> None:  # noqa: FBT001
    spec = f"label_ece(per_token={per_token}, bins={bins})"
    rows = stats(spec, surprises.found, surprises.references)
    shares, chosen, truth = surprises.judged(per_token=per_token)
    confidence, right = shares.max(axis=1), np.array(chosen) == np.array(truth)
    accuracies, confidences = calibration_curve(right, confidence, n_bins=bins)
    edges = np.linspace(0, 1, bins + 1)
    inside = [
        ((confidence > low) & (confidence <= high)).sum() for low, high in itertools.pairwise(edges)
    ]
    sizes = np.array([size for size in inside if size])
    expected = (sizes * np.abs(accuracies - confidences)).sum() / sizes.sum()
    assert made(spec).corpus(rows.sum(axis=0)) == pytest.approx(expected, abs=CLOSE, rel=0)


class Passages:
    """Log-probabilities of references from one token to 5,000, in many scripts."""

    def __init__(self) -> None:
        random_ = random.Random(53)
        words = ["a", "ü", "Москва", "北京", "😀", "word"]
        self.references = [
            [
                " ".join(random_.choices(words, k=random_.choice([0, 1, 3, 20])))
                for _ in range(random_.choice([1, 1, 3]))
            ]
            for _ in range(2500)
        ]
        self.references += [["word " * 5000], ["北 京"], ["京 北", "北 京"]]
        self.found = [
            {
                text: Likelihood(text, -random_.expovariate(0.1), random_.randint(1, 30))
                for text in references
                if text
            }
            for references in self.references
        ]


@pytest.mark.parametrize("name", ["perplexity", "bits_per_byte"])
def test_surprise(name: str) -> None:
    """Of the references the one that surprises least a unit; sums over sums."""
    passages = Passages()
    rows = stats(name, passages.found, passages.references)
    surprise, units, each = [], [], []
    for known in passages.found:
        if not known:
            each.append(math.nan)
            continue
        if name == "perplexity":
            costs = [(-one.logprob, one.tokens) for one in known.values()]
        else:
            costs = [
                (-one.logprob / math.log(2), len(one.text.encode("utf-8")))
                for one in known.values()
            ]
        least = min(costs, key=lambda cost: cost[0] / cost[1])
        surprise.append(least[0])
        units.append(least[1])
        each.append(least[0] / least[1])
    expected = math.fsum(surprise) / math.fsum(units)
    end = math.exp if name == "perplexity" else float
    seen = ~np.isnan(rows).any(axis=1)
    assert made(name).corpus(rows[seen].sum(axis=0)) == pytest.approx(end(expected), abs=1e-9)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(made(name).values(rows), [end(x) for x in each], rtol=1e-12)
