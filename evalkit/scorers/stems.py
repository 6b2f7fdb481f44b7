"""Porter's stemmer, each word once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from evalkit.schema import SuiteConfig

LONGEST_WORD = 100
"""Longer words are not stemmed: no English word is so long, and the stemmer is not linear."""
MOST_WORDS = 2**17
"""Distinct words that are remembered; some 20 MB."""


def stems_words(config: SuiteConfig) -> bool:
    """Whether words are reduced to stems where nothing is asked: unless they are not English."""
    return config.language is None or config.language.partition("-")[0] == "en"


@lru_cache(maxsize=MOST_WORDS)
def stem(word: str) -> str:
    """The stem of an English word, as nltk's Porter stemmer has it.

    Args:
        word: in lower case.
    """
    return word if len(word) > LONGEST_WORD else str(_stemmer().stem(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:  # noqa: ANN401 - nltk has no types
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()
