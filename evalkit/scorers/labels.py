"""The classes of a classification suite, and which of them a text names."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from evalkit.errors import ScorerError
from evalkit.schema import SuiteConfig

Find = Callable[[str], int | None]

MOST_FOUND = 500
"""More distinct references than this are free text, not classes, unless the suite declares them."""
MOST_PEELED = 16
MOST_EXPANDED = 3
"""So many characters, at most, fold or compose into one; a longer text than that names nothing."""
PEEL = frozenset("PSZC")
"""Unicode's categories of what may surround a label: punctuation, symbols, spaces, controls."""


def find_labels(config: SuiteConfig, references: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The classes of a suite: those it declares, else the distinct references, sorted.

    Raises:
        ScorerError: nothing is declared and the references are too many to be classes.
    """
    return config.labels or distinct_labels(references)


def distinct_labels(references: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The distinct references, sorted; those that differ in case or outer space only are one.

    Raises:
        ScorerError: they are too many to be classes, or one is empty.
    """
    spelled: dict[str, str] = {}
    for text in sorted({text.strip() for accepted in references for text in accepted}):
        spelled.setdefault(fold(text), text)
    if "" in spelled:
        raise ScorerError(
            "found an empty reference, which is no class; name it, as in 'none', or list the "
            "classes under 'labels' of the suite"
        )
    if len(spelled) > MOST_FOUND:
        raise ScorerError(
            f"{len(spelled)} different references are too many to be classes (at most {MOST_FOUND} "
            "unless declared); list the classes under 'labels' of the suite, or score free text "
            "with 'exact_match'"
        )
    return tuple(spelled.values())


def finder(labels: Sequence[str]) -> Find:
    """A function from a text to the index of the label it gives, None if it gives none.

    Compared as it stands, then without regard to case, then without more and more of the signs
    around it. Labels that differ in case only have to be given exactly.
    """
    exact = {label: index for index, label in enumerate(labels)}
    spellings = Counter(map(fold, labels))
    folded = {fold(label): index for label, index in exact.items() if spellings[fold(label)] == 1}

    longest = MOST_EXPANDED * max(map(len, labels), default=0) + 2 * MOST_PEELED

    @lru_cache(maxsize=4096)
    def find(text: str) -> int | None:
        if text in exact:
            return exact[text]
        if len(text.strip()) > longest:
            return None
        for candidate in _peelings(text):
            index = exact.get(candidate, folded.get(fold(candidate)))
            if index is not None and candidate:
                return index
        return None

    return find


def _peelings(text: str) -> Iterator[str]:
    """The text without 0, 1, 2, ... of the signs around it, the longest first."""
    text = text.strip()
    most = min(MOST_PEELED, len(text))
    head = next((at for at in range(most) if not _peels(text[at])), most)
    tail = next((at for at in range(most) if not _peels(text[-1 - at])), most)
    for removed in range(head + tail + 1):
        for left in range(max(0, removed - tail), min(head, removed) + 1):
            yield text[left : len(text) - (removed - left)].strip()


def _peels(character: str) -> bool:
    return unicodedata.category(character)[0] in PEEL


def fold(text: str) -> str:
    """How labels are compared: lower case, no outer space, composed letters spelled in one way."""
    return unicodedata.normalize("NFC", text.strip().casefold())
