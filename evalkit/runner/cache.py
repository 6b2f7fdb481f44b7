"""Completions on disk: what was paid for once is never asked again.

One SQLite file in WAL mode, shared safely by processes. An answer counts only after `Cache.put`
says it is on disk. Failures are never kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import queue
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evalkit.errors import CacheError
from evalkit.models import Provider
from evalkit.runner.database import cache_error, connect, explained
from evalkit.schema import Answer, Generation, Likelihood, Request

FILE = "completions.sqlite"
VERSION = 1
"""Part of every key: raised when answers of earlier versions must not be used any more."""

APPLICATION_ID = 0x65766B74
"""Marks the file as ours ("evkt"), so that no other database is ever written into."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS completions (key TEXT PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (model TEXT, note TEXT, PRIMARY KEY (model, note)) WITHOUT ROWID;
"""


def cache_key(provider: Provider, request: Request, repeat: int = 0) -> str:
    """SHA-256 over everything that can change an answer.

    That is: where it is asked, what answers there, the prompt as sent, every decoding parameter,
    the number of the repetition, the text whose log-probability is asked, if it is that, and the
    form that the answer should have and the effort it may take, if they are given. Not the
    example's id or suite: equal questions share an answer.
    """
    parts = [
        VERSION,
        provider.endpoint,
        provider.identity,
        provider.prompt_key(request),
        _generation(request.generation),
        repeat,
    ]
    if request.scored is not None:
        parts.append(request.scored)
    if request.schema is not None or request.effort is not None:
        parts.append([request.schema, request.effort])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def model_key(provider: Provider) -> str:
    """Endpoint and identity as one text: what notes are kept under."""
    return json.dumps([provider.endpoint, provider.identity])


@lru_cache(maxsize=256)
def _generation(generation: Generation) -> str:
    """Every decoding parameter; numbers that are equal look equal (0 and 0.0)."""
    values = asdict(generation)
    values |= {name: float(values[name]) for name in ("temperature", "top_p")}
    return json.dumps(values, sort_keys=True)


class Cache:
    """The open cache; use it as a context manager inside one event loop.

    A thread of its own writes: whatever has gathered while the last commit ran becomes the next, so
    the event loop never waits for the disk and a slow disk makes larger commits, not more.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the cache.

        Raises:
            CacheError: the folder or file cannot be written, is damaged, or is not ours.
        """
        self.path = folder / FILE
        self.stored = 0
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection = connect(self.path, _SCHEMA, APPLICATION_ID)

    def __enter__(self) -> Self:
        """Start the writer."""
        self._thread = threading.Thread(target=self._work, name="evalkit-cache", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until everything handed in is on disk, then close."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
        self._connection.close()

    def get(self, keys: Sequence[str]) -> dict[str, Answer]:
        """Key -> answer for those keys that are stored.

        Raises:
            CacheError: the file is damaged.
        """
        found: dict[str, Answer] = {}
        with explained(self.path):
            for start in range(0, len(keys), 500):
                part = keys[start : start + 500]
                places = ",".join("?" * len(part))
                query = f"SELECT key, answer FROM completions WHERE key IN ({places})"  # noqa: S608 - question marks only
                for key, stored in self._connection.execute(query, part):
                    found[key] = _parse(stored)
        return found

    def forget(self, key: str) -> None:
        """Drop what must not be used any more."""
        with explained(self.path), self._connection:
            self._connection.execute("DELETE FROM completions WHERE key = ?", (key,))

    def notes(self, model: str) -> list[str]:
        """Notes of earlier runs on this model (see `model_key`)."""
        with explained(self.path):
            rows = self._connection.execute("SELECT note FROM notes WHERE model = ?", (model,))
            return [note for (note,) in rows]

    async def put(
        self, answers: Iterable[tuple[str, Answer]], notes: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Return when the answers and notes are on disk; those that are there already stay.

        If the caller is cancelled while it waits, they are stored nevertheless.

        Raises:
            CacheError: they cannot be stored: disk full, file gone or damaged.
        """
        write = _Write([(key, _text(answer)) for key, answer in answers], list(notes))
        self._queue.put(write)
        await write.done

    def _work(self) -> None:
        """The writer thread: everything that waits in one transaction, until told to stop."""
        while writes := self._take():
            self._commit(writes)

    def _take(self) -> list[_Write]:
        """Wait for a write and gather all that wait behind it; empty at the end."""
        first = self._queue.get()
        if first is None:
            return []
        writes = [first]
        while not self._queue.empty():
            following = self._queue.get()
            if following is None:
                self._queue.put(None)
                break
            writes.append(following)
        return writes

    def _commit(self, writes: list[_Write]) -> None:
        answers = [row for write in writes for row in write.answers]
        notes = [row for write in writes for row in write.notes]
        try:
            with self._connection as connection:
                connection.executemany("INSERT OR IGNORE INTO completions VALUES (?, ?)", answers)
                connection.executemany("INSERT OR IGNORE INTO notes VALUES (?, ?)", notes)
        except sqlite3.Error as error:
            _resolve(writes, cache_error(self.path, error))
        else:
            self.stored += len(answers)
            _resolve(writes, None)


class _Write:
    """Rows on their way to the disk, and who waits for them."""

    __slots__ = ("answers", "done", "loop", "notes")

    def __init__(self, answers: list[tuple[str, str]], notes: list[tuple[str, str]]) -> None:
        self.answers = answers
        self.notes = notes
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()


def _resolve(writes: Sequence[_Write], error: CacheError | None) -> None:
    """Wake up everybody who waits, with one call into the event loop."""

    def wake() -> None:
        for write in writes:
            if write.done.done():
                continue
            if error is None:
                write.done.set_result(None)
            else:
                write.done.set_exception(error)

    writes[0].loop.call_soon_threadsafe(wake)


def _text(answer: Answer) -> str:
    return json.dumps({name: value for name, value in asdict(answer).items() if value is not None})


def _parse(stored: str) -> Answer:
    values: dict[str, Any] = json.loads(stored)
    if "likelihood" in values:
        values["likelihood"] = Likelihood(**values["likelihood"])
    return Answer(**values)
