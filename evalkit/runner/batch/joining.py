"""Results come back in any order, some twice, some not at all: joined by `custom_id`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from evalkit.models import parse_result
from evalkit.schema import Answer, Failure

Reader = Callable[[int, bytes], Answer | Failure]
"""(status, body) of a reply -> its outcome; see `Batched.read`."""


@dataclass(slots=True)
class Joined:
    """What files of results hold for the requests of one batch.

    Attributes:
        outcomes: cache key -> answer, or why there is none. A request that was never run has no
            outcome. An answer counts more than a failure, the first more than the second.
        results: lines that are results of requests of the batch.
        unreadable: lines that are no results.
        unknown: results of requests that the batch does not hold.
        twice: results of requests that have a result already.
    """

    outcomes: dict[str, Answer | Failure] = field(default_factory=dict)
    results: int = 0
    unreadable: int = 0
    unknown: int = 0
    twice: int = 0

    def take(self, line: bytes, readers: Mapping[str, Reader]) -> None:
        """Take in one line of a file of results; empty lines are nothing.

        Args:
            line: as it stands in the file.
            readers: cache key -> how its reply is read, for all requests of the batch.
        """
        if not line.strip():
            return
        result = parse_result(line)
        if result is None:
            self.unreadable += 1
            return
        if result.custom_id not in readers:
            self.unknown += 1
            return
        self.results += 1
        if result.status:
            read = readers[result.custom_id]
            self.add(result.custom_id, read(result.status, result.content))

    def add(self, key: str, outcome: Answer | Failure) -> None:
        """Count an outcome, unless there is one that counts more."""
        known = self.outcomes.get(key)
        self.twice += known is not None
        if known is None or (isinstance(known, Failure) and isinstance(outcome, Answer)):
            self.outcomes[key] = outcome

    def merge(self, other: Joined) -> None:
        """Take in what another file holds."""
        self.results += other.results
        self.unreadable += other.unreadable
        self.unknown += other.unknown
        self.twice += other.twice
        for key, outcome in other.outcomes.items():
            self.add(key, outcome)

    def of(self, keys: Iterable[str]) -> Joined:
        """The outcomes of some of the requests."""
        return Joined({key: self.outcomes[key] for key in keys if key in self.outcomes})

    @property
    def answers(self) -> list[tuple[str, Answer]]:
        """The requests that were answered."""
        return [(key, o) for key, o in self.outcomes.items() if isinstance(o, Answer)]

    def summary(self, requests: int) -> str:
        """`980 answers, 12 failed (10 rate_limit, 2 refused), 8 missing, 1 line unreadable`.

        Args:
            requests: how many the batch holds.
        """
        kinds = Counter(o.kind for o in self.outcomes.values() if isinstance(o, Failure))
        causes = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
        missing = requests - len(self.outcomes)
        parts = [
            f"{len(self.answers):,} answers",
            f"{kinds.total():,} failed ({causes})" if kinds else "",
            f"{missing:,} missing" if missing else "",
            self.oddities(),
        ]
        return ", ".join(part for part in parts if part)

    def oddities(self) -> str:
        """`1 line unreadable, 2 results given twice`, or nothing."""
        parts = [
            f"{_counted(self.unreadable, 'line')} unreadable" if self.unreadable else "",
            f"{_counted(self.unknown, 'result')} of unknown custom_id" if self.unknown else "",
            f"{_counted(self.twice, 'result')} given twice" if self.twice else "",
        ]
        return ", ".join(part for part in parts if part)


def _counted(number: int, noun: str) -> str:
    """`1 line`, `2,000 lines`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
