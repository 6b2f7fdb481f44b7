"""What was handed in as a batch and is not collected yet: on disk before it happens.

A batch is planned before it is uploaded and named before it is made, so that whoever is killed in
between finds out what had happened: the batch is looked for by its tag before it is made again.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from evalkit.errors import UsageError, nearest
from evalkit.runner.database import connect, explained, locked

FILE = "batches.sqlite"
LOCK = "batches.lock"
FOLDER = "batches"
"""Files of requests on their way to a server."""

APPLICATION_ID = 0x65766B62
"""Marks the file as ours ("evkb")."""

TURN_SECONDS = 0.5
"""How often a run looks whether another one has finished handing in."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    tag TEXT PRIMARY KEY, model TEXT NOT NULL, file TEXT NOT NULL, lines INTEGER NOT NULL,
    file_id TEXT, tried INTEGER NOT NULL DEFAULT 0, batch_id TEXT
);
CREATE TABLE IF NOT EXISTS lines (
    tag TEXT NOT NULL, key TEXT NOT NULL, stop TEXT NOT NULL, PRIMARY KEY (tag, key)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that is not collected yet.

    Attributes:
        tag: our name for it.
        model: whose questions it holds (see `model_key`).
        file: its requests, until it is handed in.
        lines: how many requests it holds.
        file_id: of the uploaded file; None before.
        batch_id: the server's name for it; None before.
    """

    tag: str
    model: str
    file: Path
    lines: int
    file_id: str | None
    batch_id: str | None


class Ledger:
    """The open ledger; a context manager."""

    def __init__(self, cache: Path) -> None:
        """Open or make it in the folder of the cache.

        Raises:
            CacheError: the folder or file cannot be written, is damaged, or is not ours.
        """
        self.path = cache / FILE
        self.folder = cache / FOLDER
        self._lock = cache / LOCK
        self._connection = connect(self.path, _SCHEMA, APPLICATION_ID)

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._connection.close()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the right to hand in; one run at a time has it, and a killed one loses it."""
        while (lock := self._turn()) is None:  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(TURN_SECONDS)
        try:
            yield
        finally:
            lock.close()

    def open_batches(self, models: Iterable[str]) -> list[Batch]:
        """What of these models is not collected yet, in the order of planning."""
        wanted = set(models)
        return [batch for batch in self.all_batches() if batch.model in wanted]

    def all_batches(self) -> list[Batch]:
        """What is not collected yet, of whatever model, in the order of planning."""
        query = "SELECT tag, model, file, lines, file_id, batch_id FROM batches ORDER BY rowid"
        with explained(self.path):
            return [
                Batch(tag, model, self.folder / file, lines, file_id, batch_id)
                for tag, model, file, lines, file_id, batch_id in self._connection.execute(query)
            ]

    def lines(self, tag: str) -> dict[str, tuple[str, ...]]:
        """Cache key -> stop texts that were not sent, of every request of a batch."""
        with explained(self.path):
            rows = self._connection.execute("SELECT key, stop FROM lines WHERE tag = ?", (tag,))
            return {key: tuple(json.loads(stop)) for key, stop in rows}

    def waiting(self, model: str) -> set[str]:
        """Cache keys of all questions of a model that are in a batch."""
        query = "SELECT key FROM lines JOIN batches USING (tag) WHERE model = ?"
        with explained(self.path):
            return {key for (key,) in self._connection.execute(query, (model,))}

    def handed_in(self) -> set[str]:
        """Cache keys of all questions in batches that a server has, or may have."""
        query = "SELECT key FROM lines JOIN batches USING (tag) WHERE tried"
        with explained(self.path):
            return {key for (key,) in self._connection.execute(query)}

    def plan(self, model: str, batches: Mapping[Path, Sequence[tuple[str, Sequence[str]]]]) -> None:
        """Write down, all or none, what is about to be handed in: file -> (key, unsent stop)."""
        with explained(self.path), self._connection as connection:
            for file, lines in batches.items():
                tag = file.stem
                connection.execute(
                    "INSERT INTO batches (tag, model, file, lines) VALUES (?, ?, ?, ?)",
                    (tag, model, file.name, len(lines)),
                )
                connection.executemany(
                    "INSERT INTO lines VALUES (?, ?, ?)",
                    [(tag, key, json.dumps(list(stop))) for key, stop in lines],
                )

    def uploaded(self, tag: str, file_id: str) -> None:
        """The file of a batch is at the server."""
        self._set(tag, "file_id = ?", file_id)

    def tried(self, tag: str) -> bool:
        """Whether the server may have made the batch."""
        with explained(self.path):
            query = "SELECT tried FROM batches WHERE tag = ?"
            return any(tried for (tried,) in self._connection.execute(query, (tag,)))

    def trying(self, tag: str) -> None:
        """From here on the server may have made the batch."""
        self._set(tag, "tried = 1")

    def submitted(self, batch: Batch, batch_id: str) -> None:
        """The server has made the batch; its file is not needed any more."""
        self._set(batch.tag, "batch_id = ?", batch_id)
        batch.file.unlink(missing_ok=True)

    def drop(self, batch: Batch) -> None:
        """Nothing more is expected of a batch: it is collected, or will never be."""
        with explained(self.path), self._connection as connection:
            connection.execute("DELETE FROM lines WHERE tag = ?", (batch.tag,))
            connection.execute("DELETE FROM batches WHERE tag = ?", (batch.tag,))
        batch.file.unlink(missing_ok=True)

    def new_file(self) -> Path:
        """Where the requests of a new batch go; its name is the batch's tag."""
        self.folder.mkdir(exist_ok=True)
        return self.folder / f"evalkit-{secrets.token_hex(8)}.jsonl"

    def sweep(self) -> None:
        """Remove files that a killed run left behind before it planned what is in them.

        Only for who has the turn.
        """
        with explained(self.path):
            planned = {name for (name,) in self._connection.execute("SELECT file FROM batches")}
            for file in self.folder.glob("*.jsonl*"):
                if file.name not in planned:
                    file.unlink(missing_ok=True)

    def _set(self, tag: str, change: str, *values: str) -> None:
        with explained(self.path), self._connection as connection:
            connection.execute(f"UPDATE batches SET {change} WHERE tag = ?", (*values, tag))  # noqa: S608 - ours

    def _turn(self) -> sqlite3.Connection | None:
        with explained(self._lock):
            return locked(self._lock)


def forget_batch(name: str, cache: Path) -> int:
    """Expect nothing more of a batch; whoever needs its answers asks anew.

    Args:
        name: the server's for it, or ours.
        cache: folder of the completion cache.

    Returns:
        How many requests it held.

    Raises:
        UsageError: there is none of that name.
        CacheError: the ledger cannot be used.
    """
    batches: list[Batch] = []
    if (cache / FILE).is_file():
        with Ledger(cache) as ledger:
            batches = ledger.all_batches()
            for batch in batches:
                if name in {batch.batch_id, batch.tag}:
                    ledger.drop(batch)
                    return batch.lines
    known = [batch.batch_id or batch.tag for batch in batches]
    raise UsageError(f"no batch {name!r} is waited for in {cache}; {nearest(name, known)}")
