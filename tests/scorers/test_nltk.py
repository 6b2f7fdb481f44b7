"""Sentence BLEU, GLEU and METEOR. Oracle: nltk, given the same words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nltk.translate.bleu_score import SmoothingFunction
from nltk.translate.bleu_score import sentence_bleu as nltk_bleu
from nltk.translate.gleu_score import corpus_gleu
from nltk.translate.gleu_score import sentence_gleu as nltk_gleu
from nltk.translate.meteor_score import meteor_score as nltk_meteor

from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, make_scorers, score_predictions
from evalkit.scorers.base import SuiteContext
from evalkit.scorers.tokenizers import words_for

Pairs = list[tuple[str, list[str]]]
METHODS = {"none": "method0", "epsilon": "method1", "add-one": "method2", "nist": "method3"}


class NoWordNet:
    """A WordNet in which no word has synonyms."""

    def synsets(self, _: str) -> list[str]:
        return []


def build(config: SuiteConfig, spec: str) -> Scorer:
    return make_scorers([spec], config, [["a"]])[0]


@pytest.fixture(scope="module")
def cut(mixed_pairs: Pairs) -> list[tuple[list[str], list[list[str]]]]:
    """Words of the pairs, as the scorers cut them."""
    config = SuiteConfig(name="demo", task="qa")
    _, words = words_for(SuiteContext(config, [["a"]]), "auto", "demo")
    return [(words(p), [words(r) for r in refs]) for p, refs in mixed_pairs]


@pytest.mark.filterwarnings("ignore:\\nThe hypothesis contains 0 counts")
@pytest.mark.parametrize("smooth", METHODS)
def test_sentence_bleu(
    config: SuiteConfig,
    mixed_pairs: Pairs,
    cut: list[tuple[list[str], list[list[str]]]],
    smooth: str,
) -> None:
    ours = build(config, f"sentence_bleu(smooth={smooth!r})")
    method = getattr(SmoothingFunction(), METHODS[smooth])
    values = [ours.stats(prediction, references)[0] for prediction, references in mixed_pairs]
    expected = [nltk_bleu(refs, said, smoothing_function=method) for said, refs in cut]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


def test_gleu(
    config: SuiteConfig, mixed_pairs: Pairs, cut: list[tuple[list[str], list[list[str]]]]
) -> None:
    ours = build(config, "gleu")
    predictions, references = [p for p, _ in mixed_pairs], [r for _, r in mixed_pairs]
    stats = score_predictions(ours, predictions, references)
    expected = [nltk_gleu(refs, said) for said, refs in cut]
    np.testing.assert_allclose(ours.values(stats), expected, rtol=0, atol=1e-12)
    whole = corpus_gleu([refs for _, refs in cut], [said for said, _ in cut])
    assert ours.corpus(stats.sum(axis=0)) == pytest.approx(whole, abs=1e-12)


def test_meteor(
    config: SuiteConfig, mixed_pairs: Pairs, cut: list[tuple[list[str], list[list[str]]]]
) -> None:
    ours = build(config, "meteor")
    values = [ours.stats(prediction, references)[0] for prediction, references in mixed_pairs]
    expected = [nltk_meteor(refs, said, wordnet=NoWordNet()) for said, refs in cut]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-12)


def test_meteor_of_another_language_knows_no_english_stems() -> None:
    german = SuiteConfig(name="demo", task="qa", language="de")
    ours = build(german, "meteor")
    assert ours.signature == "meteor|match:exact|tok:13a|case:lc|refs:max|v1"
    assert ours.stats("running", ["runs"])[0] == 0
    assert build(SuiteConfig(name="demo", task="qa"), "meteor").stats("running", ["runs"])[0] > 0


def test_figures_that_nltk_documents(config: SuiteConfig) -> None:
    """From the docstrings of nltk 3.10 (`sentence_bleu`, `single_meteor_score`)."""
    said = (
        "It is a guide to action which ensures that the military always obeys the commands "
        "of the party"
    )
    first = (
        "It is a guide to action that ensures that the military will forever heed Party commands"
    )
    second = (
        "It is the guiding principle which guarantees the military forces always being under the "
        "command of the Party"
    )
    third = "It is the practical guide for the army always to heed the directions of the party"
    bleu = build(config, "sentence_bleu").stats(said, [first, second, third])[0]
    meteor = build(config, "meteor").stats(said, [first])[0]
    assert math.floor(bleu * 1e4) == 5045
    assert round(meteor, 4) == 0.6944
