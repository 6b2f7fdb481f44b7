"""Corpus BLEU as sacrebleu computes it, from statistics that add up.

Papineni et al. 2002; Post 2018 (arXiv:1804.08771) for what a signature has to say. Per example:
matches of 1- to 4-grams, their totals, length, and the closest reference's length. The counting is
ours, the tokenizers are sacrebleu's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal

import numpy as np

from evalkit.errors import ScorerError
from evalkit.scorers.base import Kind, Scorer, SuiteContext, SuiteScorer, named
from evalkit.scorers.text import UNSPACED, scripts
from evalkit.stats.samples import FloatArray

ORDER = 4
Tokenizer = Literal["auto", "13a", "intl", "zh", "char", "none", "ja-mecab", "ko-mecab"]
CHINESE = frozenset({"CJK", "BOPOMOFO", "IDEOGRAPHIC"})
KANA_SHARE = 0.1
"""Han characters with at least this share of kana among them are Japanese."""


@dataclass(frozen=True)
class Bleu(Scorer):
    """BLEU over a corpus; the value of one example is its sentence BLEU with effective order.

    Attributes:
        tokenize: text to words parted by spaces.
    """

    name: str
    signature: str
    tokenize: Callable[[str], str]
    kind: Kind = field(default="corpus", init=False)

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """Matches (4), totals (4), length of the prediction, length of the closest reference."""
        words = self._words(prediction)
        accepted = [self._words(reference) for reference in references]
        wanted = [_most(counts) for counts in zip(*map(_ngrams, accepted), strict=True)]
        said = _ngrams(words)
        matches = (_matches(*pair) for pair in zip(said, wanted, strict=True))
        totals = (max(len(words) - order, 0) for order in range(ORDER))
        closest = min((abs(len(words) - len(other)), len(other)) for other in accepted)[1]
        return *map(float, matches), *map(float, totals), float(len(words)), float(closest)

    def corpus(self, totals: FloatArray) -> FloatArray:
        """BLEU with exponential smoothing, in [0, 1]."""
        return bleu_score(totals, effective_order=False)

    def values(self, stats: FloatArray) -> FloatArray:
        """Sentence BLEU: short sentences are judged by the n-grams they are long enough for."""
        return bleu_score(stats, effective_order=True)

    def _words(self, text: str) -> list[str]:
        return self.tokenize(text.rstrip()).split()


def bleu_score(totals: FloatArray, *, effective_order: bool) -> FloatArray:
    """BLEU from summed statistics, shape (..., 10) to (...).

    An order without any match gets precision 1 / (2^k total) at the k-th such order (NIST's rule,
    method 3 of Chen & Cherry 2014). NaN where the statistics are.

    Args:
        totals: matches (4), totals (4), prediction length, reference length.
        effective_order: whether orders that no sentence is long enough for are left out, instead of
            making the score 0.
    """
    matches, counts = totals[..., :ORDER], totals[..., ORDER : 2 * ORDER]
    said, wanted = totals[..., 2 * ORDER], totals[..., 2 * ORDER + 1]
    smoothing = np.ones_like(said)
    logarithms = np.zeros_like(said)
    orders = np.zeros_like(said)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for order in range(ORDER):
            present = counts[..., order] > 0
            smoothing = np.where(matches[..., order] == 0, 2 * smoothing, smoothing)
            hits = np.where(matches[..., order] == 0, 1 / smoothing, matches[..., order])
            logarithms += np.where(present, np.log(hits / counts[..., order]), 0.0)
            orders += present
        brevity = np.where(said < wanted, np.exp(1 - wanted / said), 1.0)
        score = brevity * np.exp(logarithms / (orders if effective_order else ORDER))
    defined = (matches > 0).any(axis=-1) & (effective_order | (orders == ORDER))
    return np.where(np.isnan(said), np.nan, np.where(defined, score, 0.0))


@SuiteScorer
def bleu(context: SuiteContext, *, tokenize: Tokenizer = "auto") -> Scorer:
    """BLEU with the tokenizer that fits the script of the references, or the one asked for."""
    chosen = tokenize_for(context.references) if tokenize == "auto" else tokenize
    signature = "|".join(
        [
            "bleu",
            f"nrefs:{reference_count(context.references)}",
            "case:mixed",
            "eff:no",
            f"tok:{chosen}",
            "smooth:exp",
            f"version:{version('sacrebleu')}",
            "v1",
        ]
    )
    options = {} if tokenize == "auto" else {"tokenize": tokenize}
    return Bleu(named("bleu", options), signature, _tokenizer(chosen))


def tokenize_for(references: Iterable[Sequence[str]]) -> Tokenizer:
    """The tokenizer under which equal texts score 1, by the script of most letters.

    `13a`, sacrebleu's default, for scripts with spaces; `zh` for Chinese; `char` for Japanese, Thai
    and others without spaces, and for Korean, whose own tokenizer would need a download.
    """
    letters = scripts(text for accepted in references for text in accepted)
    total = letters.total()
    unspaced = sum(letters[name] for name in UNSPACED)
    chinese = sum(letters[name] for name in CHINESE)
    if 2 * unspaced > total:
        return "zh" if chinese >= (1 - KANA_SHARE) * unspaced else "char"
    return "char" if 2 * letters["HANGUL"] > total else "13a"


def reference_count(references: Iterable[Sequence[str]]) -> int | str:
    """How many references an example has, as signatures say it: a number, or `var`."""
    counts = {len(accepted) for accepted in references}
    return counts.pop() if len(counts) == 1 else "var"


def _tokenizer(name: Tokenizer) -> Callable[[str], str]:
    from sacrebleu.metrics import BLEU

    try:
        tokenizer: Callable[[str], str] = BLEU(tokenize=name).tokenizer
    except (ImportError, RuntimeError):
        extra = name.partition("-")[0]
        raise ScorerError(
            f"scorer 'bleu': the tokenizer {name!r} is not installed; "
            f"pip install 'sacrebleu[{extra}]', or use tokenize='char'"
        ) from None
    return tokenizer


def _ngrams(words: list[str]) -> list[Counter[Any]]:
    return [
        Counter(zip(*(words[start:] for start in range(order)), strict=False))
        for order in range(1, ORDER + 1)
    ]


def _most(counts: Sequence[Counter[Any]]) -> Counter[Any]:
    """The largest count of each n-gram in any of the references."""
    if len(counts) == 1:
        return counts[0]
    most = Counter(counts[0])
    for other in counts[1:]:
        most |= other
    return most


def _matches(said: Counter[Any], wanted: Counter[Any]) -> int:
    return sum(min(said[gram], wanted[gram]) for gram in said.keys() & wanted.keys())
