"""Oracle: rouge-score, with its own tokenizer on ASCII text, with ours on every script."""

from __future__ import annotations

import pytest
from rouge_score.rouge_scorer import RougeScorer

from evalkit.scorers.rouge import rouge1, rouge2, rouge_l, rouge_lsum, tokens

OURS = {"rouge1": rouge1, "rouge2": rouge2, "rougeL": rouge_l, "rougeLsum": rouge_lsum}
Pairs = list[tuple[str, list[str]]]


class OurTokenizer:
    def tokenize(self, text: str) -> list[str]:
        return tokens(text, stem=True)


@pytest.mark.parametrize("stem", [True, False])
def test_ascii_text_scores_as_in_rouge_score(english_pairs: Pairs, stem: bool) -> None:  # noqa: FBT001
    oracle = RougeScorer(list(OURS), use_stemmer=stem)
    for prediction, references in english_pairs:
        expected = oracle.score_multi(references, prediction)
        for name, ours in OURS.items():
            assert ours(prediction, references, stem=stem) == expected[name].fmeasure


def test_every_script_scores_as_rouge_score_would_with_our_words(mixed_pairs: Pairs) -> None:
    oracle = RougeScorer(list(OURS), tokenizer=OurTokenizer())
    for prediction, references in mixed_pairs:
        expected = oracle.score_multi(references, prediction)
        for name, ours in OURS.items():
            assert ours(prediction, references) == expected[name].fmeasure


@pytest.mark.parametrize(
    "text",
    [
        "Москва — столица",
        "北京是首都",
        "กรุงเทพ",
        "größte Häuser",
        "한국어 문장",
        "हिन्दी भाषा",
        "😀 😀",
    ],
)
def test_identical_text_scores_one_in_every_script(text: str) -> None:
    assert rouge1(text, [text]) == rouge_l(text, [text]) == rouge_lsum(text, [text]) == 1.0


def test_long_words_are_left_as_they_are() -> None:
    assert tokens("running " + "y" * 100_000 + "ing", stem=True) == ["run", "y" * 100_000 + "ing"]
