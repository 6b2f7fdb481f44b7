"""Oracle: sacrebleu."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics import CHRF

from evalkit.schema import SuiteConfig
from evalkit.scorers import make_scorers, score_predictions

Pairs = list[tuple[str, list[str]]]


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        ("chrf", {}),
        ("chrf(word_order=2)", {"word_order": 2}),
        ("chrf(char_order=4, lowercase=True)", {"char_order": 4, "lowercase": True}),
    ],
)
def test_corpus_and_sentences_score_as_in_sacrebleu(
    config: SuiteConfig, mixed_pairs: Pairs, spec: str, options: dict[str, Any]
) -> None:
    predictions = [prediction for prediction, _ in mixed_pairs]
    references = [accepted for _, accepted in mixed_pairs]
    (ours,) = make_scorers([spec], config, references)
    assert ours.name == spec
    oracle = CHRF(**options)
    streams = [[r[i] if i < len(r) else None for r in references] for i in range(3)]
    expected = oracle.corpus_score(predictions, streams).score / 100
    stats = score_predictions(ours, predictions, references)
    assert ours.corpus(stats.sum(axis=0)) == pytest.approx(expected, abs=1e-12)
    theirs = str(oracle.get_signature()).rpartition("|version:")[0]
    assert ours.signature == f"chrf|{theirs}|v1"
    sentences = [oracle.sentence_score(p, r).score / 100 for p, r in mixed_pairs]
    np.testing.assert_allclose(ours.values(stats), sentences, rtol=0, atol=1e-12)


def test_recall_can_weigh_otherwise(config: SuiteConfig) -> None:
    (ours,) = make_scorers(["chrf(beta=3)"], config, [["a"]])
    pair = ("the cat sat", ["the cat sat on the mat"])
    expected = CHRF(beta=3).sentence_score(*pair).score / 100
    assert ours.values(score_predictions(ours, [pair[0]], [pair[1]]))[0] == pytest.approx(expected)
    assert ours.signature == "chrf|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|beta:3|v1"


def test_missing_examples_stay_missing(config: SuiteConfig) -> None:
    (ours,) = make_scorers(["chrf"], config, [["a"]])
    values = ours.values(score_predictions(ours, [None, "a"], [["a"], ["a"]]))
    assert np.isnan(values[0])
    assert values[1] == 1.0
