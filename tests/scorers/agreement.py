"""How a scorer is held to its oracle: on 2,000 pairs or more, and all the kinds that go wrong."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from evalkit.schema import Example
from evalkit.scorers import Scorer, score_predictions
from evalkit.stats.samples import FloatArray

Pair = tuple[str, list[str]]
Pairs = Sequence[Pair]
Oracle = Callable[[str, list[str]], float]

FEWEST = 2_000
CLOSE = 1e-9
LONG = 5_000
"""Tokens of a long text."""
KINDS = frozenset(
    {"empty", "one token", "5,000 tokens", "mixed scripts", "equal", "permuted", "multi-reference"}
)


def kinds(pairs: Pairs) -> frozenset[str]:
    """Which of the hard kinds occur among some pairs."""
    return frozenset().union(*(_kinds(prediction, refs) for prediction, refs in pairs))


def _kinds(prediction: str, references: list[str]) -> set[str]:
    words = prediction.split()
    found = {
        "empty": not prediction or "" in references,
        "one token": len(words) == 1,
        "5,000 tokens": max(len(text.split()) for text in (prediction, *references)) >= LONG,
        "mixed scripts": _mixed(prediction[:1000]),
        "equal": bool(prediction) and prediction in references,
        "permuted": any(
            text.split() != words and sorted(text.split()) == sorted(words) for text in references
        ),
        "multi-reference": len(references) > 1,
    }
    return {kind for kind, is_one in found.items() if is_one}


def _mixed(text: str) -> bool:
    letters = (unicodedata.name(c, "").split(" ")[0] for c in set(text) if c.isalpha())
    return len(set(letters)) > 1


def require_hard(pairs: Pairs, *, without: frozenset[str] | set[str] = frozenset()) -> None:
    """Demand 2,000 pairs, and every hard kind that a scorer can meet."""
    assert len(pairs) >= FEWEST
    assert kinds(pairs) | without >= KINDS, KINDS - kinds(pairs) - without


def require_close(ours: FloatArray | Sequence[float], theirs: Sequence[float]) -> None:
    """Demand the same numbers but for rounding, one by one."""
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=CLOSE)


def agree(
    ours: Scorer, oracle: Oracle, pairs: Pairs, *, without: frozenset[str] | set[str] = frozenset()
) -> FloatArray:
    """Demand that a scorer gives every pair the value that its oracle does.

    Returns:
        The values, which are not all alike.
    """
    require_hard(pairs, without=without)
    predictions, references = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    rows = [Example(str(i), "", (), tuple(refs)) for i, refs in enumerate(references)]
    values = ours.values(score_predictions(ours, predictions, references, examples=rows))
    require_close(values, [oracle(*pair) for pair in pairs])
    assert len(np.unique(values)) > 1
    return values
