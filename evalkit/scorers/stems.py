"""Porter's stemmer, each word once."""

from __future__ import annotations

from functools import lru_cache

from evalkit.schema import SuiteConfig
from evalkit.scorers.porter import porter

LONGEST_WORD = 100
"""Longer words are not stemmed: no English word is so long."""
MOST_WORDS = 2**17
"""Distinct words that are remembered; some 20 MB."""


def stems_words(config: SuiteConfig) -> bool:
    """Whether words are reduced to stems where nothing is asked: unless they are not English."""
    return config.language is None or config.language.partition("-")[0] == "en"


@lru_cache(maxsize=MOST_WORDS)
def stem(word: str) -> str:
    """The stem of an English word.

    Args:
        word: in lower case.
    """
    return word if len(word) > LONGEST_WORD else porter(word)
