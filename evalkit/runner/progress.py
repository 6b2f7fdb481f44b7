"""Progress on stderr: bars on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalkit.runner.observer import Observer
from evalkit.schema import Answer, Failure

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

LINE_SECONDS = 10.0
"""How often a line is written where there is no terminal."""


def progress_observer() -> Observer:
    """Bars if stderr is a terminal, else a line every ten seconds."""
    return TerminalProgress() if sys.stderr.isatty() else LineProgress()


@dataclass(slots=True)
class _Standing:
    """How far the asking of one model is, or of all together."""

    total: int = 0
    cached: int = 0
    own: int = 0
    answered: int = 0
    failed: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    start: float = field(default_factory=time.monotonic)

    @property
    def had(self) -> int:
        """Answers that are there, whoever has asked for them and when."""
        return self.cached + self.own + self.answered

    @property
    def done(self) -> int:
        return self.had + self.failed

    def count(self, answer: Answer) -> None:
        self.answered += 1
        self.tokens += answer.completion_tokens or 0

    def rates(self, now: float) -> str:
        """`12.3/s, 240 tokens/s, 40 s left`, as far as there is something to say."""
        seconds = max(now - self.start, 1e-9)
        rate = (self.answered + self.failed) / seconds
        parts = [f"{rate:.1f}/s"]
        if self.tokens:
            parts.append(f"{self.tokens / seconds:.0f} tokens/s")
        if rate and self.done < self.total:
            parts.append(f"{duration((self.total - self.done) / rate)} left")
        return ", ".join(parts)

    def troubles(self) -> str:
        """`8 cached, 3 retries (2 rate_limit, 1 server), 1 missing`, or nothing."""
        retries = self.causes.total()
        parts = [f"{self.cached} cached"] if self.cached else []
        if retries:
            causes = ", ".join(f"{count} {kind}" for kind, count in self.causes.most_common())
            parts.append(f"{retries} {'retry' if retries == 1 else 'retries'} ({causes})")
        if self.failed:
            parts.append(f"{self.failed} missing")
        return ", ".join(parts)


class LineProgress:
    """One line about all models every ten seconds, and one at the end; see `Observer`."""

    def __init__(self, every: float = LINE_SECONDS) -> None:
        self._every = every
        self._standing = _Standing()
        self._written = time.monotonic()

    def started(
        self, jobs: Mapping[str, int], cached: Mapping[str, int], own: Mapping[str, int]
    ) -> None:
        """Begin to count."""
        self._standing = _Standing(sum(jobs.values()), sum(cached.values()), sum(own.values()))
        self._written = time.monotonic()

    def answered(self, model: str, answer: Answer) -> None:  # noqa: ARG002 - one line for all
        """Count an answer."""
        self._standing.count(answer)
        self._write_now_and_then()

    def failed(self, model: str, failure: Failure) -> None:  # noqa: ARG002 - one line for all
        """Count a missing answer."""
        self._standing.failed += 1
        self._write_now_and_then()

    def retrying(self, model: str, failure: Failure, delay: float) -> None:  # noqa: ARG002
        """Count a further attempt."""
        self._standing.causes[failure.kind] += 1
        self._write_now_and_then()

    def waiting(self, seconds: float) -> None:
        """Say so: otherwise it would look as if nothing went on."""
        say(resting(seconds))

    def outage(self, failure: Failure, seconds: float) -> None:
        """Say so, for the same reason."""
        say(nobody_there(failure, seconds))

    def others(self, jobs: int, processes: Sequence[int]) -> None:
        """Say so, for the same reason."""
        say(asked_elsewhere(jobs, processes))

    def finished(self) -> None:
        """Write the last line."""
        self._write(time.monotonic())

    def _write_now_and_then(self) -> None:
        now = time.monotonic()
        if now - self._written >= self._every:
            self._write(now)

    def _write(self, now: float) -> None:
        self._written = now
        parts = [f"{self._standing.had} of {self._standing.total} answered"]
        parts += [part for part in (self._standing.rates(now), self._standing.troubles()) if part]
        say(", ".join(parts))


class TerminalProgress:
    """A bar a model, drawn by rich; see `Observer`."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self._bars: Progress | None = None
        self._standings: dict[str, _Standing] = {}
        self._tasks: dict[str, int] = {}

    def started(
        self, jobs: Mapping[str, int], cached: Mapping[str, int], own: Mapping[str, int]
    ) -> None:
        """Draw a bar for every model."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[had]} of {task.total:.0f}"),
            TextColumn("{task.fields[rates]}", markup=False, style="cyan"),
            TextColumn("{task.fields[troubles]}", markup=False, style="yellow"),
            console=self._console or Console(stderr=True),
        )
        for model, total in jobs.items():
            standing = _Standing(total, cached.get(model, 0), own.get(model, 0))
            self._standings[model] = standing
            self._tasks[model] = self._bars.add_task(
                model,
                total=total,
                completed=standing.done,
                had=standing.had,
                rates="",
                troubles=standing.troubles(),
            )
        self._bars.start()

    def answered(self, model: str, answer: Answer) -> None:
        """Move the model's bar."""
        self._standings[model].count(answer)
        self._update(model)

    def failed(self, model: str, failure: Failure) -> None:  # noqa: ARG002 - shown in the report
        """Move the model's bar and count what is missing."""
        self._standings[model].failed += 1
        self._update(model)

    def retrying(self, model: str, failure: Failure, delay: float) -> None:  # noqa: ARG002
        """Count a further attempt."""
        self._standings[model].causes[failure.kind] += 1
        self._update(model)

    def waiting(self, seconds: float) -> None:
        """Say so above the bars."""
        self._say(resting(seconds))

    def outage(self, failure: Failure, seconds: float) -> None:
        """Say so above the bars."""
        self._say(nobody_there(failure, seconds))

    def others(self, jobs: int, processes: Sequence[int]) -> None:
        """Say so above the bars."""
        self._say(asked_elsewhere(jobs, processes))

    def finished(self) -> None:
        """Leave the bars as they stand."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _say(self, line: str) -> None:
        if self._bars is not None:
            self._bars.console.print(line, markup=False, highlight=False)

    def _update(self, model: str) -> None:
        from rich.progress import TaskID

        if self._bars is None:
            return
        standing = self._standings[model]
        self._bars.update(
            TaskID(self._tasks[model]),
            completed=standing.done,
            had=standing.had,
            rates=standing.rates(time.monotonic()),
            troubles=standing.troubles(),
        )


def say(line: str) -> None:
    """Write a line for people."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def resting(seconds: float) -> str:
    """What a person reads while the server wants to be left alone."""
    return f"the server's rate limit is used up; going on in {duration(seconds)}"


def nobody_there(failure: Failure, seconds: float) -> str:
    """What a person reads while a server that has answered is gone."""
    return (
        f"nobody answers any more: {failure.message}; waiting for the server, {duration(seconds)} "
        "more at most. What was answered is kept, also if you end this"
    )


def asked_elsewhere(jobs: int, processes: Sequence[int]) -> str:
    """What a person reads while another run asks what this one needs."""
    who = "another run" if len(processes) < 2 else "other runs"  # noqa: PLR2004 - more than one
    ids = ", ".join(str(process) for process in processes)
    named = f" (process {ids})" if ids else ""
    return (
        f"asked by {who}{named} at this moment: {jobs} of these answers; they are taken as they "
        "come. What stands still can be ended: what it has is kept, and the rest is asked here"
    )


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`: what a person wants to know of how long it takes."""
    if seconds < 90:  # noqa: PLR2004 - up to a minute and a half in seconds
        return f"{seconds:.0f} s"
    if seconds < 5400:  # noqa: PLR2004 - up to an hour and a half in minutes
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
