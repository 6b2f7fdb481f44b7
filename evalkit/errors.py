"""Every error a user can meet, and the exit code that each one ends in.

    EvalkitError                2   anything below, and whatever has no better place
    ├── UsageError              2   an option, a name or a model spec that cannot be meant
    ├── ConfigError             2   suite.yaml, evalkit.yaml: a field that is wrong
    ├── DataError               2   rows that cannot be read; carries every problem found
    ├── RunFolderError          2   a run folder that is missing, truncated or edited by hand
    ├── ComparabilityError      2   two runs that were not asked or scored alike
    ├── ModelError              2   a model that cannot be asked at all (key, name, checkpoint)
    ├── CacheError              2   a cache of completions that is damaged, read-only or full
    ├── ScorerError             2   a scorer that cannot be found or does not fit its suite
    ├── IncompleteRun           4   some answers could not be had; running again resumes
    └── Interrupted           130   Ctrl-C; running again resumes

A message says what was found, where, what was expected and what to do next. It never holds a key.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

SHOWN_PROBLEMS = 20
"""How many broken rows are listed one by one before the rest is only counted."""


class EvalkitError(Exception):
    """Root of the tree; `str(error)` is what the user reads."""

    exit_code: ClassVar[int] = 2


class UsageError(EvalkitError):
    """An option, a name or a model spec that cannot be meant."""


class ConfigError(EvalkitError):
    """A field of suite.yaml or evalkit.yaml that is missing, unknown or out of range."""


class RunFolderError(EvalkitError):
    """A run folder that is missing, truncated or edited by hand."""


class ComparabilityError(EvalkitError):
    """Two runs whose difference would say nothing: other data, prompts, decoding or scorers."""


class ModelError(EvalkitError):
    """A model that cannot be asked at all: key, name, checkpoint or missing extra."""


class CacheError(EvalkitError):
    """A cache of completions that is damaged, read-only, full or not one of ours."""


class ScorerError(EvalkitError):
    """A scorer that cannot be found, cannot be loaded or does not fit its suite."""


class IncompleteRun(EvalkitError):  # noqa: N818 - a state of the run, not a mistake
    """Some answers could not be had; what was paid for is kept and running again resumes."""

    exit_code = 4


class Interrupted(EvalkitError):  # noqa: N818 - the user's wish, not a mistake
    """Ctrl-C; what was paid for is kept and running again resumes."""

    exit_code = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one row of data.

    Attributes:
        where: `file:line` or `file`, as the user knows it.
        field: the field concerned, or an empty string for the whole row.
        found: what was there.
        expected: what should have been there.
    """

    where: str
    field: str
    found: str
    expected: str

    def __str__(self) -> str:
        """`data.jsonl:7: field 'completion': found null, expected text or a list of texts`."""
        field = f" field {self.field!r}:" if self.field else ""
        return f"{self.where}:{field} found {self.found}, expected {self.expected}"


class DataError(EvalkitError):
    """Rows that cannot be read: every problem at once, the first 20 shown, the rest counted."""

    def __init__(self, problems: Sequence[Problem], total: int | None = None) -> None:
        """Join the problems into one message.

        Args:
            problems: at least one; those beyond the first 20 are only counted.
            total: how many there were in all, where the caller stopped collecting.
        """
        self.problems = tuple(problems)
        self.total = len(self.problems) if total is None else total
        lines = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        if self.total > len(lines):
            lines.append(f"... and {self.total - len(lines)} more")
        noun = "problem" if self.total == 1 else "problems"
        super().__init__(f"{self.total} {noun} in the data:\n" + "\n".join(lines))


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest spelling, or all there are."""
    names = sorted(known)
    match = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if match:
        return f"did you mean {match[0]!r}?"
    return "known are: " + ", ".join(names) if names else "none are known here"
