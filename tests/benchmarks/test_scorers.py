"""`pytest -m benchmark -s tests/benchmarks/test_scorers.py`: our scorers beside the official ones.

Ratios of process time in one run, on generated pairs in which seven words of ten are right. Nothing
is warm: every text is new to either side, and what either remembers of words it learns on the way.
"""

from __future__ import annotations

import gc
import random
import re
import string
import time
from collections import Counter
from collections.abc import Callable

import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU

from evalkit.data import DEFAULT_SCORERS
from evalkit.schema import SuiteConfig
from evalkit.scorers import make_scorers, score_predictions

pytestmark = pytest.mark.benchmark

SAMPLE = 500
"""Pairs that the slow side is timed on; ours is timed on all."""
CONFIG = SuiteConfig(name="demo", task="qa")
Pairs = list[tuple[str, str]]


def write_pairs(seed: int, count: int, length: int) -> Pairs:
    """Pairs of a prediction and its reference, with words as frequent as in a language."""
    rng = random.Random(seed)
    vocabulary = [
        "".join(rng.choices("etaoinshrdlucmfwyp", k=rng.randint(2, 9)))
        + rng.choice(["", "ing", "s"])
        for _ in range(20_000)
    ]
    frequency = [1 / (rank + 10) for rank in range(len(vocabulary))]
    pool = rng.choices(vocabulary, frequency, k=500_000)
    endings = ["", "", "", "", "", "", "", ",", ".", "!"]

    def text() -> list[str]:
        size = rng.randint(length * 2 // 3, length * 4 // 3)
        return [rng.choice(pool) + rng.choice(endings) for _ in range(size)]

    pairs = []
    for _ in range(count):
        reference = text()
        said = [word if rng.random() < 0.7 else rng.choice(pool) for word in reference]
        pairs.append((" ".join(said), " ".join(reference)))
    return pairs


def seconds(function: Callable[[], object]) -> float:
    """Processor time of one call: the machine may have other work, and this test its own heap."""
    gc.collect()
    gc.freeze()
    started = time.process_time()
    function()
    return time.process_time() - started


def ours(pairs: Pairs, names: list[str]) -> float:
    """Seconds a pair."""
    predictions, references = [p for p, _ in pairs], [[r] for _, r in pairs]
    scorers = make_scorers(names, CONFIG, references)
    for scorer in scorers:  # what is imported on first use is not what is measured
        score_predictions(scorer, ["warming up"], [["warmer, up"]])
    taken = seconds(lambda: [score_predictions(s, predictions, references) for s in scorers])
    return taken / len(pairs)


def show(what: str, mine: float, theirs: float, wanted: float | None = None) -> None:
    print(
        f"\n{what}: {1 / mine:,.0f} pairs a second, official {1 / theirs:,.0f}, "
        f"ratio {theirs / mine:.1f}" + (f" (wanted {wanted:g})" if wanted else "")
    )


@pytest.mark.parametrize(
    ("stem", "length", "count", "wanted"),
    [(True, 60, 10_000, 25), (False, 60, 10_000, 14), (True, 300, 1_000, 60)],
)
def test_rouge(stem: bool, length: int, count: int, wanted: float) -> None:  # noqa: FBT001
    pairs = write_pairs(1, count, length)
    mine = ours(pairs, [f"{name}(stem={stem})" for name in ("rouge1", "rouge2", "rouge_l")])
    oracle = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=stem)
    sample = pairs[: SAMPLE if length < 100 else 50]
    theirs = seconds(lambda: [oracle.score(r, p) for p, r in sample]) / len(sample)
    stems = "with" if stem else "without"
    show(f"ROUGE-1/2/L, {length} words, {stems} stems", mine, theirs, wanted)


def test_bleu() -> None:
    pairs = write_pairs(2, 10_000, 60)
    mine = ours(pairs, ["bleu"])
    oracle = BLEU(effective_order=True)
    sample = pairs[: SAMPLE * 4]
    theirs = seconds(lambda: [oracle.sentence_score(p, [r]) for p, r in sample]) / len(sample)
    show("BLEU, sentence scores", mine, theirs, 5)
    corpus = BLEU()
    predictions, references = (
        [p for p, _ in write_pairs(3, SAMPLE * 4, 60)],
        [r for _, r in write_pairs(3, SAMPLE * 4, 60)],
    )
    theirs = seconds(lambda: corpus.corpus_score(predictions, [references])) / len(predictions)
    show("BLEU, corpus score", mine, theirs)


def squad(prediction: str, reference: str) -> tuple[float, float]:
    """Exact match and F1, written down from the published definition, step by step as there."""

    def normalise(text: str) -> str:
        punctuation = set(string.punctuation)
        kept = "".join(character for character in text.lower() if character not in punctuation)
        return " ".join(re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", kept).split())

    def words(text: str) -> list[str]:
        return normalise(text).split() if text else []

    exact = float(normalise(reference) == normalise(prediction))
    said, wanted = words(prediction), words(reference)
    same = sum((Counter(wanted) & Counter(said)).values())
    if not same:
        return exact, 0.0
    precision, recall = same / len(said), same / len(wanted)
    return exact, 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize(("length", "wanted"), [(60, 4), (4, None)])
def test_exact_match_and_f1(length: int, wanted: float | None) -> None:
    pairs = write_pairs(4, 10_000, length)
    mine = ours(pairs, ["exact_match", "f1"])
    theirs = seconds(lambda: [squad(p, r) for p, r in pairs]) / len(pairs)
    show(f"exact match and F1, {length} words", mine, theirs, wanted)


def test_a_classification_suite() -> None:
    rows, labels = 50_000, ["refund", "delivery", "invoice", "complaint", "other"]
    rng = random.Random(5)
    references = [[rng.choice(labels)] for _ in range(rows)]
    frames = ["{}", "{}.", "Label: {}", "I would say this is {}, case {}", "**{}**", ""]
    predictions = [
        rng.choice(frames).format(rng.choice(labels), rng.randrange(10**6)) for _ in range(rows)
    ]
    config = SuiteConfig(name="demo", task="classification", labels=tuple(labels))
    scorers = make_scorers(DEFAULT_SCORERS["classification"], config, references)
    taken = seconds(lambda: [score_predictions(s, predictions, references) for s in scorers])
    names = ", ".join(scorer.name for scorer in scorers)
    print(f"\n{rows:,} rows of a classification suite by {names}: {taken:.2f} s (wanted: under 5)")
