"""Who is asking what at this moment: two runs on one cache don't pay for one answer twice.

A run claims what it is about to ask; another run leaves that alone and waits for the answer. A
claim holds as long as the process that made it: each holds a lock on a file of its own, which the
operating system takes back however the process ends. So nothing has to be renewed, no clock is
asked, and what a killed run had claimed is free at once.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from evalkit.runner.database import connect, explained, locked

FILE = "claims.sqlite"
APPLICATION_ID = 0x65766B63
"""Marks the file as ours ("evkc")."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
"""


class Claims:
    """What one run has claimed; a context manager, whose end gives everything back."""

    def __init__(self, folder: Path) -> None:
        """Open or make the list of claims.

        Args:
            folder: of the completion cache.

        Raises:
            CacheError: the folder or file cannot be written, is damaged, or is not ours.
        """
        self.path = folder / FILE
        self._owner = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._connection = connect(self.path, _SCHEMA, APPLICATION_ID)
        with explained(self.path):
            self._lock = locked(self._lock_of(self._owner))

    def __enter__(self) -> Self:
        """Nothing is claimed yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give back what is claimed; if that fails, it ends with the lock all the same."""
        try:
            with explained(self.path), self._connection:
                self._connection.execute("DELETE FROM claims WHERE owner = ?", (self._owner,))
        finally:
            self._connection.close()
            if self._lock is not None:
                self._lock.close()
            self._lock_of(self._owner).unlink(missing_ok=True)

    def take(self, keys: Collection[str]) -> set[str]:
        """Claim what no living run has claimed; return all that is claimed by this run now.

        Raises:
            CacheError: the file cannot be used.
        """
        with explained(self.path), self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            held = dict(connection.execute("SELECT key, owner FROM claims"))
            for owner in set(held.values()) - {self._owner}:
                if not self._lives(owner):
                    connection.execute("DELETE FROM claims WHERE owner = ?", (owner,))
                    held = {key: other for key, other in held.items() if other != owner}
            free = [key for key in keys if held.get(key, self._owner) == self._owner]
            rows = [(key, self._owner) for key in free if key not in held]
            connection.executemany("INSERT INTO claims VALUES (?, ?)", rows)
        return set(free)

    def others(self) -> list[int]:
        """Ids of the processes that have claimed something, this one aside."""
        with explained(self.path):
            rows = self._connection.execute("SELECT DISTINCT owner FROM claims")
            owners = {owner for (owner,) in rows} - {self._owner}
        return sorted({int(owner.partition("-")[0]) for owner in owners})

    def _lives(self, owner: str) -> bool:
        """Whether the run that claimed something is still there."""
        path = self._lock_of(owner)
        if not path.exists():
            return False
        lock = locked(path)
        if lock is None:
            return True
        lock.close()
        path.unlink(missing_ok=True)
        return False

    def _lock_of(self, owner: str) -> Path:
        return self.path.parent / f"asking-{owner}.lock"
