"""Scores of log-probabilities, against scikit-learn and against definitions written out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import ScorerError
from evalkit.schema import Likelihood, SuiteConfig
from evalkit.scorers import (
    LikelihoodScorer,
    make_scorers,
    score_likelihoods,
    score_predictions,
)
from evalkit.stats.samples import FloatArray

LABELS = ("cancel", "delivery", "refund")
CONFIG = SuiteConfig(name="intents", task="classification", labels=LABELS)


def make(spec: str, config: SuiteConfig = CONFIG) -> LikelihoodScorer:
    (found,) = make_scorers([spec], config, [["refund"]])
    assert isinstance(found, LikelihoodScorer)
    return found


def of_labels(nats: Sequence[float], tokens: Sequence[int] = (1, 1, 1)) -> dict[str, Likelihood]:
    return {
        label: Likelihood(label, nat, count)
        for label, nat, count in zip(LABELS, nats, tokens, strict=True)
    }


def total(scorer: LikelihoodScorer, rows: FloatArray) -> float:
    return float(scorer.corpus(rows.sum(axis=0)))


@pytest.fixture(scope="module")
def table() -> tuple[FloatArray, list[str]]:
    """Log-probabilities of 400 examples, and what is true: mostly the likeliest."""
    rng = np.random.default_rng(7)
    nats = -rng.exponential(2.0, (400, 3)) - 0.1
    truth = [LABELS[row.argmax() if rng.random() < 0.7 else rng.integers(3)] for row in nats]
    return nats, truth


def test_labels_against_scikit_learn(table: tuple[FloatArray, list[str]]) -> None:
    from sklearn.metrics import accuracy_score, brier_score_loss

    nats, truth = table
    found = [of_labels(row.tolist()) for row in nats]
    shares = np.exp(nats) / np.exp(nats).sum(axis=1, keepdims=True)
    references = [[label] for label in truth]
    chosen = [LABELS[i] for i in nats.argmax(axis=1)]
    rows = score_likelihoods(make("label_accuracy"), found, references)
    assert total(make("label_accuracy"), rows) == accuracy_score(truth, chosen)
    rows = score_likelihoods(make("label_brier"), found, references)
    oracle = brier_score_loss(truth, shares, labels=LABELS, scale_by_half=True)
    assert total(make("label_brier"), rows) == pytest.approx(oracle, abs=1e-12)


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_calibration_error_written_out(table: tuple[FloatArray, list[str]], bins: int) -> None:
    nats, truth = table
    scorer = make(f"label_ece(bins={bins})")
    rows = score_likelihoods(
        scorer, [of_labels(row.tolist()) for row in nats], [[t] for t in truth]
    )
    shares = np.exp(nats) / np.exp(nats).sum(axis=1, keepdims=True)
    confidence, right = shares.max(axis=1), np.array(LABELS)[nats.argmax(axis=1)] == np.array(truth)
    expected = 0.0
    for i in range(bins):
        inside = (confidence > i / bins) & (confidence <= (i + 1) / bins)
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert total(scorer, rows) == pytest.approx(expected, abs=1e-12)
    assert total(scorer, rows[:1]) == pytest.approx(abs(confidence[0] - right[0]))


def test_a_model_that_knows_how_sure_it_may_be_is_calibrated() -> None:
    rng = np.random.default_rng(3)
    nats = -rng.exponential(1.5, (20_000, 3))
    shares = np.exp(nats) / np.exp(nats).sum(axis=1, keepdims=True)
    truth = [[LABELS[rng.choice(3, p=p)]] for p in shares]
    rows = score_likelihoods(make("label_ece"), [of_labels(row.tolist()) for row in nats], truth)
    assert total(make("label_ece"), rows) < 0.02
    bold = score_likelihoods(
        make("label_ece"), [of_labels(row.tolist()) for row in 5 * nats], truth
    )
    assert total(make("label_ece"), bold) > 0.15


def test_long_labels_are_at_a_disadvantage_unless_tokens_are_counted() -> None:
    found = [of_labels((-2.0, -3.0, -9.0), tokens=(1, 3, 9))]
    summed, shared = make("label_accuracy"), make("label_accuracy(per_token=True)")
    assert shared.name == "label_accuracy(per_token=True)"
    assert score_likelihoods(summed, found, [["cancel"]])[0, 0] == 1
    assert score_likelihoods(shared, found, [["delivery"]])[0, 0] == 1


def test_of_several_right_labels_the_likeliest_counts() -> None:
    found = [of_labels((-1.0, -2.0, -3.0))]
    assert score_likelihoods(make("label_accuracy"), found, [["refund", "cancel"]])[0, 0] == 1
    assert score_likelihoods(make("label_accuracy"), found, [["Refund."]])[0, 0] == 0


def test_perplexity_written_out() -> None:
    found = [
        {"a": Likelihood("a", -2.0, 1), "bb": Likelihood("bb", -3.0, 3)},
        {"c": Likelihood("c", -5.0, 2)},
    ]
    references = [["a", "bb"], ["c"]]
    rows = score_likelihoods(make("perplexity"), found, references)
    assert rows.tolist() == [[3.0, 3.0], [5.0, 2.0]]  # of several references the likeliest a token
    assert total(make("perplexity"), rows) == pytest.approx(math.exp(8 / 5))
    np.testing.assert_allclose(make("perplexity").values(rows), np.exp([1.0, 2.5]))
    bits = score_likelihoods(make("bits_per_byte"), found, references)
    assert total(make("bits_per_byte"), bits) == pytest.approx((3 + 5) / math.log(2) / (2 + 1))
    umlaut = score_likelihoods(make("bits_per_byte"), [{"ü": Likelihood("ü", -1, 1)}], [["ü"]])
    assert umlaut[0, 1] == 2


def test_what_is_missing_or_empty_stays_out() -> None:
    found = [{"a": Likelihood("a", -2.0, 1)}, {}, {}]
    rows = score_likelihoods(make("perplexity"), found, [["a"], ["b"], [""]])
    assert np.isnan(rows).all(axis=1).tolist() == [False, True, True]
    rows = score_likelihoods(make("perplexity"), [{}], [["b"]])
    assert np.isnan(rows).all()
    assert np.isnan(make("perplexity").values(rows)).all()
    partly = of_labels((-1, -2, -3))
    del partly["delivery"]
    assert np.isnan(score_likelihoods(make("label_ece"), [partly], [["refund"]])).all()


def test_texts_that_are_asked() -> None:
    assert make("perplexity").texts(["a", "b", "a", " "]) == ("a", "b")
    assert make("label_brier").texts(["refund"]) == LABELS


def test_labels_come_from_the_references_where_the_suite_names_none() -> None:
    bare = SuiteConfig(name="intents", task="classification")
    assert make("label_accuracy", bare).texts(["x"]) == ("refund",)
    many = SuiteConfig(name="m", task="classification", labels=tuple(map(str, range(101))))
    with pytest.raises(ScorerError, match=r"'m' has 101 labels, expected at most 100"):
        make("label_accuracy", many)


def test_a_reference_that_is_no_label_is_an_error() -> None:
    with pytest.raises(ScorerError, match="'other' is none of the 3 labels"):
        score_likelihoods(make("label_brier"), [of_labels((-1, -2, -3))], [["other"]])


def test_the_suite_on_the_page_is_scored_as_it_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scorers.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- calibration: suite.yaml -->\n```yaml\n(.*?)```", page, re.DOTALL)
    assert block
    said = yaml.safe_load(block[1])
    config = SuiteConfig(name="page", task=said["task"], labels=tuple(said["labels"]))
    first, *others = make_scorers(said["scorers"], config, [["refund"]])
    assert not isinstance(first, LikelihoodScorer)
    assert all(isinstance(scorer, LikelihoodScorer) for scorer in others)
    assert [scorer.name for scorer in others] == ["label_accuracy", "label_brier", "label_ece"]


OWN = """
from evalkit.scorers import LikelihoodScorer

class Nats(LikelihoodScorer):
    name = "nats"
    signature = "nats|v1"
    unit = "nats"

    def texts(self, references):
        return (references[0], references[0].upper())

    def likelihood_stats(self, likelihoods, references):
        return likelihoods[0].logprob - likelihoods[1].logprob, 1.0

    def corpus(self, totals):
        return totals[..., 0] / totals[..., 1]
"""


def test_a_scorer_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    scorer = make(f"{tmp_path / 'mine.py'}:Nats")
    assert scorer.texts(["a"]) == ("a", "A")
    found = {"a": Likelihood("a", -1.0, 1), "A": Likelihood("A", -4.0, 1)}
    assert total(scorer, score_likelihoods(scorer, [found], [["a"]])) == 3.0


def test_bins_are_at_least_one() -> None:
    with pytest.raises(ScorerError, match="found bins=0, expected 1 or more"):
        make("label_ece(bins=0)")


def test_a_completion_tells_nothing_of_log_probabilities() -> None:
    with pytest.raises(ScorerError, match="reads log-probabilities; found a completion"):
        score_predictions(make("perplexity"), ["a"], [["a"]])


@given(st.lists(st.floats(-100, 0), min_size=3, max_size=3), st.sampled_from(LABELS))
def test_scores_lie_in_their_range(nats: list[float], truth: str) -> None:
    for name in ("label_accuracy", "label_brier", "label_ece"):
        scorer = make(name)
        value = total(scorer, score_likelihoods(scorer, [of_labels(nats)], [[truth]]))
        assert 0 <= value <= 1
    certain = of_labels([0.0 if label == truth else -100.0 for label in LABELS])
    for name, best in (("label_accuracy", 1.0), ("label_brier", 0.0), ("label_ece", 0.0)):
        rows = score_likelihoods(make(name), [certain], [[truth]])
        assert total(make(name), rows) == pytest.approx(best)
