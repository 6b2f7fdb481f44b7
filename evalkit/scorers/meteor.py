"""METEOR by exact words and stems, as nltk computes it, but for synonyms.

Banerjee and Lavie 2005; the formula and its constants are those of Lavie and Agarwal 2007. Synonyms
would need WordNet, which has to be downloaded: the numbers are those of nltk with an empty one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from evalkit.scorers.base import MeanScorer, Scorer, SuiteContext, SuiteScorer, changed, named
from evalkit.scorers.stems import stem, stems_words
from evalkit.scorers.tokenizers import Tokenizer, words_for

RECALL = 0.9
"""Weight of recall in the harmonic mean (alpha)."""
STEEPNESS = 3.0
"""How fast the penalty grows with fragmentation (beta)."""
PENALTY = 0.5
"""The penalty of words that all stand apart (gamma)."""

Place = tuple[int, str]
Match = tuple[int, int]


@SuiteScorer
def meteor(context: SuiteContext, *, tokenize: Tokenizer = "auto") -> Scorer:
    """METEOR over the words that BLEU counts, in lower case; best over references.

    Stems are English: a suite in another language is compared by exact words.
    """
    tokenizer, words = words_for(context, tokenize, "meteor")
    stems = stems_words(context.config)

    def score(prediction: str, references: Sequence[str]) -> float:
        said = words(prediction)
        return max(score_words(said, words(reference), stems=stems) for reference in references)

    return MeanScorer(
        name=named("meteor", changed(meteor, tokenize=tokenize)),
        signature=f"meteor|match:exact{'+stem' * stems}|tok:{tokenizer}|case:lc|refs:max|v1",
        function=score,
    )


def score_words(said: Sequence[str], wanted: Sequence[str], *, stems: bool = True) -> float:
    """METEOR of words against one reference, in [0, 1); 0 if no word is matched."""
    matches = align(said, wanted, stems=stems)
    if not matches:
        return 0.0
    precision, recall = len(matches) / len(said), len(matches) / len(wanted)
    mean = precision * recall / (RECALL * precision + (1 - RECALL) * recall)
    fragmentation = _chunks(matches) / len(matches)
    return float((1 - PENALTY * fragmentation**STEEPNESS) * mean)


def align(said: Sequence[str], wanted: Sequence[str], *, stems: bool = True) -> list[Match]:
    """Which word of the prediction is which of the reference: by exact word, then by stem.

    Each word, from the last to the first, takes the last one that is left.
    """
    words = [word.lower() for word in said]
    others = [word.lower() for word in wanted]
    exact, words_left, others_left = _match(list(enumerate(words)), list(enumerate(others)))
    if not stems:
        return sorted(exact)
    by_stem, *_ = _match(
        [(at, stem(word)) for at, word in words_left],
        [(at, stem(word)) for at, word in others_left],
    )
    return sorted(exact + by_stem)


def _match(said: list[Place], wanted: list[Place]) -> tuple[list[Match], list[Place], list[Place]]:
    """Matches, and what is left on either side."""
    places: dict[str, list[int]] = {}
    for at, word in wanted:
        places.setdefault(word, []).append(at)
    found = [(at, places[word].pop()) for at, word in reversed(said) if places.get(word)]
    mine, theirs = {at for at, _ in found}, {at for _, at in found}
    return (
        found,
        [place for place in said if place[0] not in mine],
        [place for place in wanted if place[0] not in theirs],
    )


def _chunks(matches: Sequence[Match]) -> int:
    """Runs of matches that are neighbours on both sides."""
    return 1 + sum((at + 1, other + 1) != following for (at, other), following in pairwise(matches))
