"""Oracle: rouge-score, with its own tokenizer on ASCII text, with ours on every script."""

from __future__ import annotations

import pytest
from rouge_score.rouge_scorer import RougeScorer

from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, make_scorers
from evalkit.scorers.rouge import MOST_SENTENCES, tokens
from evalkit.scorers.sentences import sentences

TYPES = {"rouge1": "rouge1", "rouge2": "rouge2", "rouge_l": "rougeL", "rouge_lsum": "rougeLsum"}
Pairs = list[tuple[str, list[str]]]


class OurTokenizer:
    def tokenize(self, text: str) -> list[str]:
        return tokens(text, stem=True)


def build(*specs: str, language: str | None = None) -> tuple[Scorer, ...]:
    return make_scorers(specs, SuiteConfig(name="demo", task="qa", language=language), [["a"]])


def assert_equal(pairs: Pairs, oracle: RougeScorer, options: str = "") -> None:
    scorers = build(*(f"{name}{options}" for name in TYPES))
    for prediction, references in pairs:
        expected = oracle.score_multi(references, prediction)
        values = [scorer.stats(prediction, references)[0] for scorer in scorers]
        assert values == [expected[theirs].fmeasure for theirs in TYPES.values()]


@pytest.mark.parametrize("stem", [True, False])
def test_ascii_text_scores_as_in_rouge_score(english_pairs: Pairs, stem: bool) -> None:  # noqa: FBT001
    oracle = RougeScorer(list(TYPES.values()), use_stemmer=stem)
    assert_equal(english_pairs, oracle, f"(stem={stem})")


def test_every_script_scores_as_rouge_score_would_with_our_words(mixed_pairs: Pairs) -> None:
    assert_equal(mixed_pairs, RougeScorer(list(TYPES.values()), tokenizer=OurTokenizer()))


def test_summaries_by_sentences_score_as_rouge_score_does_by_lines(english_pairs: Pairs) -> None:
    oracle = RougeScorer(["rougeLsum"], use_stemmer=True)
    (ours,) = build("rouge_lsum(split='sentences')")
    assert "|split:sentences|" in ours.signature
    for prediction, references in english_pairs:
        lines = ["\n".join(sentences(text)) for text in (*references, prediction)]
        expected = oracle.score_multi(lines[:-1], lines[-1])["rougeLsum"].fmeasure
        assert ours.stats(prediction, references)[0] == expected


def test_more_lines_than_can_be_compared_are_joined() -> None:
    text = "\n".join(f"line number {n}" for n in range(4 * MOST_SENTENCES + 1))
    (ours,) = build("rouge_lsum")
    assert ours.stats(text, [text])[0] == 1.0
    assert 0.5 < ours.stats(text, [text.replace("1", "one")])[0] < 1


@pytest.mark.parametrize(
    ("language", "stems"), [(None, True), ("en", True), ("en-gb", True), ("de", False)]
)
def test_words_are_stemmed_unless_they_are_not_english(language: str | None, stems: bool) -> None:  # noqa: FBT001
    (ours,) = build("rouge1", language=language)
    assert (ours.name, ours.stats("running", ["runs"])[0]) == ("rouge1", float(stems))
    assert ours.signature == f"rouge1|stem:{'yes' if stems else 'no'}|f|tok:unicode|refs:max|v1"
    (told,) = build("rouge1(stem=True)", language=language)
    assert (told.name, told.stats("running", ["runs"])[0]) == ("rouge1(stem=True)", 1.0)


def test_long_words_are_left_as_they_are() -> None:
    assert tokens("running " + "y" * 100_000 + "ing", stem=True) == ["run", "y" * 100_000 + "ing"]
