"""What other files hold to libraries on 2,000 pairs, here on the longest; and weighted means."""

from __future__ import annotations

import random

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer

from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, make_scorers, score_predictions
from tests.scorers.agreement import CLOSE, Pairs, agree, require_hard
from tests.scorers.conftest import ASCII_WORDS

TYPES = {"rouge1": "rouge1", "rouge2": "rouge2", "rouge_l": "rougeL", "rouge_lsum": "rougeLsum"}


def made(*specs: str) -> tuple[Scorer, ...]:
    return make_scorers(specs, SuiteConfig(name="demo", task="qa"), [["a"]])


def test_the_pairs_of_other_files_hold_all_that_is_hard(
    english_pairs: Pairs, mixed_pairs: Pairs
) -> None:
    require_hard(english_pairs, without={"mixed scripts"})
    require_hard(mixed_pairs)


@pytest.mark.parametrize("stem", [True, False])
@pytest.mark.parametrize("length", [300, pytest.param(5000, marks=pytest.mark.slow)])
def test_rouge_of_five_thousand_words(length: int, stem: bool) -> None:  # noqa: FBT001
    """rouge-score fills a table of 5,000 by 5,000 in Python, which takes it a minute."""
    random_ = random.Random(81)
    vocabulary = [*ASCII_WORDS, *(f"word{n}s" for n in range(500))]
    wanted = random_.choices(vocabulary, k=length)
    said = [word if random_.random() < 0.6 else random_.choice(vocabulary) for word in wanted]
    said += random_.choices(vocabulary, k=5000 - length)
    texts = [" ".join(words) + "\n" for words in (said, wanted)]
    oracle = RougeScorer(list(TYPES.values()), use_stemmer=stem)
    expected = oracle.score(texts[1], texts[0])
    for name, theirs in TYPES.items():
        (ours,) = made(f"{name}(stem={stem})")
        value = ours.stats(texts[0], texts[1:])[0]
        assert value == pytest.approx(expected[theirs].fmeasure, abs=CLOSE, rel=0)
        assert 0.01 < value < 1


@pytest.mark.parametrize(
    ("spec", "weights"),
    [
        ("composite(exact_match=2, rouge_l=1)", {"exact_match": 2.0, "rouge_l": 1.0}),
        ("composite(repetition=0.5, loop=3)", {"repetition": 0.5, "loop": 3.0}),
        ("composite(gleu=3, f1=1, contains=0.25)", {"gleu": 3.0, "f1": 1.0, "contains": 0.25}),
    ],
)
def test_composite(mixed_pairs: Pairs, spec: str, weights: dict[str, float]) -> None:
    """Its parts are computed one by one, and weighed by hand."""
    parts = made(*weights)
    said, references = [p for p, _ in mixed_pairs], [r for _, r in mixed_pairs]
    stats = [score_predictions(part, said, references) for part in parts]

    def weigh(values: list[float]) -> float:
        turned = [v if part.better > 0 else 1 - v for v, part in zip(values, parts, strict=True)]
        weighted = (w * v for w, v in zip(weights.values(), turned, strict=True))
        return sum(weighted) / sum(weights.values())

    each = np.transpose([part.values(rows) for part, rows in zip(parts, stats, strict=True)])
    known = dict(zip(map(str, mixed_pairs), map(weigh, each.tolist()), strict=True))
    (ours,) = made(spec)
    agree(ours, lambda text, refs: known[str((text, refs))], mixed_pairs)
    rows = score_predictions(ours, said, references)
    whole = [float(part.corpus(s.sum(axis=0))) for part, s in zip(parts, stats, strict=True)]
    assert ours.corpus(rows.sum(axis=0)) == pytest.approx(weigh(whole), abs=CLOSE, rel=0)
