"""Oracle: sacrebleu."""

from __future__ import annotations

import random

import pytest
from sacrebleu.metrics import TER

from evalkit.schema import SuiteConfig
from evalkit.scorers import info, make_scorers, score_predictions
from evalkit.scorers.ter import MOST_WORDS

Pairs = list[tuple[str, list[str]]]


@pytest.mark.parametrize("lowercase", [True, False])
def test_corpus_and_sentences_score_as_in_sacrebleu(
    config: SuiteConfig,
    short_pairs: Pairs,
    lowercase: bool,  # noqa: FBT001
) -> None:
    predictions = [prediction for prediction, _ in short_pairs]
    references = [accepted for _, accepted in short_pairs]
    spec = "ter" if lowercase else "ter(lowercase=False)"
    (ours,) = make_scorers([spec], config, references)
    oracle = TER(case_sensitive=not lowercase)
    streams = [[r[i] if i < len(r) else None for r in references] for i in range(3)]
    stats = score_predictions(ours, predictions, references)
    expected = oracle.corpus_score(predictions, streams).score / 100
    assert ours.corpus(stats.sum(axis=0)) == pytest.approx(expected, abs=1e-12)
    theirs = str(oracle.get_signature()).rpartition("|version:")[0]
    assert ours.signature == f"ter|{theirs}|shifts:{MOST_WORDS}|v1"
    assert (info(ours).name, info(ours).better) == (spec, -1)


def test_long_texts_are_compared_without_shifts(config: SuiteConfig) -> None:
    (ours,) = make_scorers(["ter"], config, [["a"]])
    words = [f"w{n}" for n in range(MOST_WORDS + 1)]
    moved = words[3:] + words[:3]
    edits, length = ours.stats(" ".join(moved), [" ".join(words)])
    assert (edits, length) == (6, MOST_WORDS + 1)
    assert ours.stats(" ".join(moved[:-1]), [" ".join(sorted(moved[:-1]))])[0] > 0
    random.Random(1).shuffle(moved)
    assert ours.stats(" ".join(words * 100), [" ".join(moved * 100)])[0] <= 100 * len(words)


def test_nothing_to_compare_with(config: SuiteConfig) -> None:
    (ours,) = make_scorers(["ter"], config, [["a"]])
    values = ours.values(score_predictions(ours, ["", "a b", None], [[""], [""], ["a"]]))
    assert values[:2].tolist() == [0, 1]
