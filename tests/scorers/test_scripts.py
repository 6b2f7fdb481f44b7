"""Identical text scores 1, unrelated text of the same script next to nothing, in every script."""

from __future__ import annotations

from itertools import permutations

import pytest

from evalkit.schema import SuiteConfig
from evalkit.scorers import make_scorers, score_predictions
from evalkit.scorers.text import script
from tests.scorers.scripts import SENTENCES

CONFIG = SuiteConfig(name="demo", task="qa")
SIMILARITY = ("f1", "rouge1", "rouge2", "rouge_l", "rouge_lsum", "chrf", "bleu")
EXACT = ("exact_match", "contains", "sentence_bleu", "gleu")
UNRELATED = 0.2
SIGNS = {
    "emoji": "\U0001f600 \U0001f469\u200d\U0001f680 ❤\ufe0f \U0001f44d\U0001f3fd",
    "combining marks": "e\u0301te\u0301 a\u0323 o\u0308 n\u0303",
    "vowel points": "שָׁלוֹם עוֹלָם טוֹב מְאֹד",
    "harakat": "كِتَابٌ جَدِيدٌ فِي ٱلْبَيْتِ",
    "mixed": "GPT-4 是 модель ภาษา 42 नमस्ते",
}


def scores(name: str, pairs: list[tuple[str, str]]) -> list[float]:
    references = [[reference] for _, reference in pairs]
    (ours,) = make_scorers([name], CONFIG, references)
    stats = score_predictions(ours, [prediction for prediction, _ in pairs], references)
    return [*ours.values(stats).tolist(), float(ours.corpus(stats.sum(axis=0)))]


def test_there_are_nineteen_scripts() -> None:
    found = {script(text[0][0]) for text in SENTENCES.values()}
    assert len(SENTENCES) == 19
    assert len(found) >= 18  # Chinese and Japanese may begin alike


@pytest.mark.parametrize("name", [*SIMILARITY, *EXACT])
@pytest.mark.parametrize("texts", SENTENCES.values(), ids=SENTENCES)
def test_identical_text_scores_one(name: str, texts: tuple[str, ...]) -> None:
    assert scores(name, [(text, text) for text in texts]) == pytest.approx([1.0] * 4)


@pytest.mark.parametrize("name", SIMILARITY)
@pytest.mark.parametrize("texts", SENTENCES.values(), ids=SENTENCES)
def test_unrelated_text_scores_next_to_nothing(name: str, texts: tuple[str, ...]) -> None:
    assert max(scores(name, list(permutations(texts, 2)))) < UNRELATED


@pytest.mark.parametrize("name", SIMILARITY)
@pytest.mark.parametrize("texts", SENTENCES.values(), ids=SENTENCES)
def test_a_text_that_holds_another_scores_in_between(name: str, texts: tuple[str, ...]) -> None:
    value, _ = scores(name, [(f"{texts[0]} {texts[1]}", texts[0])])
    assert UNRELATED < value < 1


@pytest.mark.parametrize("name", [*SIMILARITY, *EXACT])
@pytest.mark.parametrize("text", SIGNS.values(), ids=SIGNS)
def test_signs_of_all_kinds_equal_themselves(name: str, text: str) -> None:
    assert scores(name, [(text, text)]) == pytest.approx([1.0] * 2)


def test_the_language_of_a_suite_overrides_the_script_of_its_references() -> None:
    text = "東京都北区"
    for language, tokenizer in [(None, "zh"), ("ja", "char"), ("zh-hant", "zh"), ("en", "13a")]:
        config = SuiteConfig(name="demo", task="qa", language=language)
        for ours in make_scorers(["bleu", "gleu", "sentence_bleu", "meteor"], config, [[text]]):
            assert f"tok:{tokenizer}" in ours.signature.split("|")
        (told,) = make_scorers(["bleu(tokenize='intl')"], config, [[text]])
        assert "tok:intl" in told.signature.split("|")
