"""Output that no well-behaved model gives: it may score low, it may not break or stall a run."""

from __future__ import annotations

import random
import time

import pytest

from evalkit.schema import SuiteConfig
from evalkit.scorers import make_scorers, score_predictions
from tests.scorers.shipped import LIKELIHOOD, WRITTEN, examples

SECONDS = 20
"""Far above what any case takes (about a second), far below a stall."""
TEXTS = {
    "lone surrogates": "\ud800 x \udfff 7",
    "nul": "a\x00b 7\x00",
    "one long word": "y" * 100_000 + "ing",
    "long digits": "7" * 100_000,
    "grouped digits": "1,11" * 25_000,
    "open brackets": "[" * 100_000,
    "punctuation": "!?" * 50_000,
    "combining marks": "e" + "\u0301" * 50_000,
    "right to left": "\u202eabc\u202c 7",
    "many words": "the quick brown fox " * 5_000,
    "many lines": "a b c\n" * 400,
    "fences": "```" * 30_000,
    "lone fence": "```json\n" + "\n " * 50_000,
}


@pytest.mark.parametrize("name", [name for name in WRITTEN if name not in LIKELIHOOD])
@pytest.mark.parametrize("kind", TEXTS)
def test_hostile_predictions_are_scored(config: SuiteConfig, name: str, kind: str) -> None:
    references = [["7"], ["8", "7"]]
    (ours,) = make_scorers([WRITTEN[name]], config, references)
    start = time.perf_counter()
    stats = score_predictions(ours, [TEXTS[kind], "7"], references, examples=examples(references))
    assert time.perf_counter() - start < SECONDS
    assert ours.values(stats).shape == (2,)


@pytest.mark.parametrize(
    "name", ["f1", "rouge1", "rouge2", "rouge_l", "rouge_lsum", "bleu", "chrf", "ter", "meteor"]
)
def test_a_pair_of_twenty_thousand_words_ends(config: SuiteConfig, name: str) -> None:
    rng = random.Random(1)
    vocabulary = [f"w{n}" for n in range(5_000)]
    wanted = rng.choices(vocabulary, k=20_000)
    said = [word if rng.random() < 0.7 else rng.choice(vocabulary) for word in wanted]
    texts = ["\n".join(" ".join(words[at : at + 10]) for at in range(0, len(words), 10))
             for words in (said, wanted)]  # fmt: skip
    (ours,) = make_scorers([name], config, [texts[1:]])
    start = time.process_time()
    value = ours.values(score_predictions(ours, texts[:1], [texts[1:]]))[0]
    assert time.process_time() - start < SECONDS
    assert 0.2 < value < 0.9


@pytest.mark.parametrize("kind", ["many words", "many lines", "one long word"])
def test_long_references_too(config: SuiteConfig, kind: str) -> None:
    text = TEXTS[kind]
    names = ["f1", "contains", "rouge1", "rouge2", "rouge_l", "rouge_lsum", "bleu", "chrf"]
    start = time.perf_counter()
    for ours in make_scorers(names, config, [[text]]):
        stats = score_predictions(ours, [text + " end"], [[text]])
        assert kind == "one long word" or ours.values(stats)[0] > 0.9
    assert time.perf_counter() - start < SECONDS
