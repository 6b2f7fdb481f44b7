from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.schema import SuiteConfig
from evalkit.scorers import make_scorers, score_predictions
from evalkit.scorers.builtin import BUILTIN
from tests.scorers.shipped import WRITTEN, examples

CONFIG = SuiteConfig(name="demo", task="qa")
SIMILARITY = (
    "exact_match", "exact_match_strict", "contains", "f1",
    "rouge1", "rouge2", "rouge_l", "rouge_lsum", "bleu", "chrf", "sentence_bleu", "gleu",
)  # fmt: skip
NOT_SUMMED = {
    "length", "repetition", "gsm8k",
    "label_accuracy", "label_brier", "label_ece", "perplexity", "bits_per_byte",
}  # fmt: skip
"""Descriptions, and what needs other references, or log-probabilities."""
TEXT = st.text(max_size=40) | st.text(alphabet="ab c.\n", max_size=40)
TEXTS = st.lists(TEXT, min_size=1, max_size=3)
WORDS = st.lists(
    st.sampled_from(["red", "blue", "кот", "北", "हिन्दी", "42"]), min_size=4, max_size=9
)


@pytest.mark.parametrize("name", [*SIMILARITY, "meteor", "json_valid", "repetition"])
@given(prediction=TEXT, references=TEXTS)
def test_scores_lie_in_zero_to_one(name: str, prediction: str, references: list[str]) -> None:
    (ours,) = make_scorers([name], CONFIG, [references])
    stats = score_predictions(ours, [prediction, "b a", ""], [references] * 3)
    for value in [*ours.values(stats), ours.corpus(stats.sum(axis=0))]:
        assert 0 <= value <= 1


@pytest.mark.parametrize("name", SIMILARITY)
@given(words=WORDS, others=TEXTS)
def test_a_perfect_answer_scores_one(name: str, words: list[str], others: list[str]) -> None:
    text = " ".join(words)
    references = [text] if "bleu" in name else [*others, text]
    (ours,) = make_scorers([name], CONFIG, [references])
    stats = score_predictions(ours, [text], [references])
    assert ours.values(stats)[0] == 1
    assert ours.corpus(stats.sum(axis=0)) == 1


@pytest.mark.parametrize("name", SIMILARITY)
@given(prediction=TEXT, references=TEXTS, data=st.data())
def test_the_order_of_references_is_irrelevant(
    name: str, prediction: str, references: list[str], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(references))
    (ours,) = make_scorers([name], CONFIG, [references])
    stats = score_predictions(ours, [prediction] * 2, [references, shuffled])
    one, other = ours.values(stats)
    assert one == pytest.approx(other, abs=1e-12)


NEARLY = st.text(alphabet="aA the.!—北", max_size=8)


@given(prediction=NEARLY, references=st.lists(NEARLY, min_size=1, max_size=3))
def test_whatever_matches_exactly_is_contained(prediction: str, references: list[str]) -> None:
    exact, contains = make_scorers(["exact_match", "contains"], CONFIG, [references])
    assert contains.stats(prediction, references) >= exact.stats(prediction, references)


@pytest.mark.parametrize("name", [name for name in BUILTIN if name not in NOT_SUMMED])
def test_sums_add_up_in_any_split_and_weights_repeat_examples(name: str) -> None:
    references = [["7"], ['"1 2 3 4"'], ["2", "7"], ['"5 6 7 8 9"'], ["7"]]
    predictions = ["7", '"1 2 3 5"', "2", '"5 6 7 8 9"', "8"]
    (ours,) = make_scorers([WRITTEN[name]], CONFIG, references)
    stats = score_predictions(ours, predictions, references, examples=examples(references))
    whole = ours.corpus(stats.sum(axis=0))
    assert whole == ours.corpus(stats[:2].sum(axis=0) + stats[2:].sum(axis=0))
    weights = np.array([[1, 1, 1, 1, 1], [2, 0, 1, 0, 3]], dtype=float)
    again = [0, 0, 2, 4, 4, 4]
    scores = ours.corpus(weights @ stats)
    assert scores[0] == whole
    assert scores[1] == pytest.approx(ours.corpus(stats[again].sum(axis=0)))
    if ours.kind == "mean":
        assert whole == pytest.approx(ours.values(stats).mean())
