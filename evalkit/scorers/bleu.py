"""Corpus BLEU as sacrebleu computes it, from statistics that add up.

Papineni et al. 2002; Post 2018 (arXiv:1804.08771) for what a signature has to say. Per example:
matches of 1- to 4-grams, their totals, length, and the closest reference's length. The counting is
ours, the tokenizers are sacrebleu's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

import numpy as np

from evalkit.scorers.base import Kind, Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.batches import BatchScorer
from evalkit.scorers.ngrams import Batch, closest_lengths, lengths, matches, totals
from evalkit.scorers.spelling import Speller
from evalkit.scorers.tokenizers import Tokenizer, speller_for
from evalkit.stats.samples import FloatArray

ORDER = 4


@dataclass(frozen=True)
class Bleu(BatchScorer):
    """BLEU over a corpus; the value of one example is its sentence BLEU with effective order.

    Attributes:
        speller: what cuts texts into words.
    """

    name: str
    signature: str
    speller: Speller
    kind: Kind = field(default="corpus", init=False)

    def table(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> FloatArray:
        """Matches (4), totals (4), length of the prediction, length of the closest reference."""
        return statistics(self.speller.batch(predictions, references))

    def corpus(self, totals: FloatArray) -> FloatArray:
        """BLEU with exponential smoothing, in [0, 1]."""
        return bleu_score(totals, effective_order=False)

    def values(self, stats: FloatArray) -> FloatArray:
        """Sentence BLEU: short sentences are judged by the n-grams they are long enough for."""
        return bleu_score(stats, effective_order=True)


def statistics(batch: Batch) -> FloatArray:
    """The summands of BLEU, shape (n, 10): matches (4), totals (4), and the two lengths."""
    return np.column_stack(
        (
            matches(batch, ORDER),
            totals(batch.said, ORDER),
            lengths(batch.said),
            closest_lengths(batch),
        )
    ).astype(np.float64)


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
def bleu(context: SuiteContext, *, tokenize: Tokenizer = "auto", lowercase: bool = False) -> Scorer:
    """BLEU with the tokenizer that fits the script of the references, or the one asked for."""
    tokenizer, speller = speller_for(context, tokenize, "bleu", lowercase=lowercase)
    signature = "|".join(
        [
            "bleu",
            f"nrefs:{reference_count(context.references)}",
            f"case:{'lc' if lowercase else 'mixed'}",
            "eff:no",
            f"tok:{tokenizer}",
            "smooth:exp",
            f"version:{version('sacrebleu')}",
            "v1",
        ]
    )
    name = named("bleu", changed(bleu, tokenize=tokenize, lowercase=lowercase))
    return Bleu(name, signature, speller)


def reference_count(references: Iterable[Sequence[str]]) -> int | str:
    """How many references an example has, as signatures say it: a number, or `var`."""
    counts = {len(accepted) for accepted in references}
    return counts.pop() if len(counts) == 1 else "var"
