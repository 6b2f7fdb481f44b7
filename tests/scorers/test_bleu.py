"""Oracle: sacrebleu."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from evalkit.errors import ScorerError
from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, make_scorers, score_predictions
from evalkit.scorers.bleu import bleu_score
from evalkit.scorers.tokenizers import WORDS_13A, tokenize_for

Pairs = list[tuple[str, list[str]]]


def build(config: SuiteConfig, references: list[list[str]], spec: str = "bleu") -> Scorer:
    return make_scorers([spec], config, references)[0]


def streams(references: list[list[str]]) -> list[list[str | None]]:
    most = max(map(len, references))
    return [[r[i] if i < len(r) else None for r in references] for i in range(most)]


@pytest.mark.parametrize("tokenize", ["13a", "zh", "char", "intl", "none"])
def test_corpus_and_sentences_score_as_in_sacrebleu(
    config: SuiteConfig, mixed_pairs: Pairs, tokenize: str
) -> None:
    predictions = [prediction for prediction, _ in mixed_pairs]
    references = [accepted for _, accepted in mixed_pairs]
    ours = build(config, references, f"bleu(tokenize={tokenize!r})")
    oracle = BLEU(tokenize=tokenize)
    expected = oracle.corpus_score(predictions, streams(references)).score / 100
    stats = score_predictions(ours, predictions, references)
    assert ours.corpus(stats.sum(axis=0)) == pytest.approx(expected, abs=1e-12)
    assert ours.signature == f"bleu|{oracle.get_signature()}|v1"
    sentences = [
        sacrebleu.sentence_bleu(p, r, tokenize=tokenize).score / 100 for p, r in mixed_pairs
    ]
    np.testing.assert_allclose(ours.values(stats), sentences, rtol=0, atol=1e-12)


def test_vector_v7_of_the_statistics() -> None:
    first = np.array(
        [
            [6, 4, 3, 2, 7, 6, 5, 4, 7, 7],
            [5, 3, 1, 0, 8, 7, 6, 5, 8, 9],
            [9, 7, 5, 4, 10, 9, 8, 7, 10, 9],
        ],
        dtype=float,
    )
    second = np.array(
        [
            [5, 3, 2, 1, 7, 6, 5, 4, 7, 7],
            [6, 4, 2, 1, 8, 7, 6, 5, 8, 9],
            [7, 5, 3, 2, 10, 9, 8, 7, 10, 9],
        ],
        dtype=float,
    )
    totals = np.stack([first.sum(axis=0), second.sum(axis=0)])
    scores = bleu_score(totals, effective_order=False)
    assert scores == pytest.approx([0.548377, 0.436108], abs=5e-7)


def test_missing_examples_stay_missing(config: SuiteConfig) -> None:
    references = [["one two three four five"], ["six"]]
    ours = build(config, references)
    stats = score_predictions(ours, ["one two three four five", None], references)
    assert ours.values(stats)[0] == 1.0
    assert np.isnan(ours.values(stats)[1])
    assert np.isnan(ours.corpus(stats.sum(axis=0)))


@pytest.mark.parametrize(
    ("text", "tokenizer"),
    [
        ("The quick brown fox jumps over the dog.", "13a"),
        ("Съешь же ещё этих мягких французских булок", "13a"),
        ("صباح الخير يا صديقي العزيز", "13a"),
        ("नमस्ते आप कैसे हैं मेरे दोस्त", "13a"),
        ("北京是中华人民共和国的首都。", "zh"),
        ("東京は日本の首都です。", "char"),
        ("กรุงเทพมหานครเป็นเมืองหลวง", "char"),
        ("서울은 대한민국의 수도이다", "char"),
        ("រាជធានីភ្នំពេញ", "char"),
        ("", "13a"),
    ],
)
def test_the_tokenizer_follows_the_script(config: SuiteConfig, text: str, tokenizer: str) -> None:
    assert tokenize_for([[text]]) == tokenizer
    ours = build(config, [[text]])
    assert f"|tok:{tokenizer}|" in ours.signature
    if text:
        assert ours.corpus(np.array(ours.stats(text, [text]))) == 1.0


def test_a_tokenizer_that_is_not_installed_says_so(config: SuiteConfig) -> None:
    with pytest.raises(ScorerError, match=r"'ja-mecab' is not installed.*sacrebleu\[ja\]"):
        build(config, [["a"]], "bleu(tokenize='ja-mecab')")


def test_an_unknown_tokenizer_is_refused(config: SuiteConfig) -> None:
    with pytest.raises(ScorerError, match=r"option 'tokenize': found 'moses': .*'13a'"):
        build(config, [["a"]], "bleu(tokenize='moses')")


SIGNS = "aZ5٣é,.-'_&;<>\"(/ \n\t\x1c\x85\xa0!"


@given(
    st.lists(
        st.sampled_from([*SIGNS, "&amp;", "&lt;", "<skipped>", "<ski", "pped>", "-\n"]), max_size=12
    )
)
def test_words_of_13a_are_those_of_sacrebleu(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert WORDS_13A(text) == Tokenizer13a()(text.rstrip()).split()
