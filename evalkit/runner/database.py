"""SQLite files of ours: opened safely, shared by processes, and explained when they fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evalkit.errors import CacheError

BUSY_SECONDS = 60.0
"""How long another process may hold the file before that is an error."""

_DAMAGED = ("malformed", "not a", "decode")
_NO_ROOM = ("full", "disk I/O", "too large")
"""Words of SQLite and the system. A limit of a file's size is an error of input and output."""


def connect(path: Path, schema: str, application_id: int) -> sqlite3.Connection:
    """Open the file; make its folder and its tables where there are none.

    Args:
        path: of the file.
        schema: statements that make the tables where there are none.
        application_id: marks the file as ours, so that no other database is ever written into.

    Raises:
        CacheError: the folder or file cannot be written, is damaged, or is not ours.
    """
    with explained(path):
        _make_folder(path.parent)
        return _opened(path, schema, application_id)


def _opened(path: Path, schema: str, application_id: int) -> sqlite3.Connection:
    # A reading loop and a writing thread may share the connection; SQLite serialises them.
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        # Tables first: whoever else makes the file at this moment marks it before making tables.
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        if owner != application_id:
            _claim(connection, application_id, tables=tables)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(schema)
    except BaseException:
        connection.close()
        raise
    return connection


def locked(path: Path) -> sqlite3.Connection | None:
    """Lock a file until the connection is closed, or its process ends; None if another has it.

    A lock of SQLite's is one of the operating system's on every system.
    """
    lock = sqlite3.connect(path, timeout=0.0, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        if "locked" not in str(error):
            raise
        return None
    return lock


def _claim(connection: sqlite3.Connection, application_id: int, *, tables: int) -> None:
    """Mark a new file as ours; refuse anybody else's."""
    if tables:
        raise sqlite3.DatabaseError("it is not a file of evalkit's cache")
    connection.execute(f"PRAGMA application_id = {application_id}")


def _make_folder(folder: Path) -> None:
    """Make the folder, and keep it out of version control."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into what to do about it.

    Raises:
        CacheError: the file cannot be read, made or written.
    """
    try:
        yield
    except (sqlite3.Error, OSError, ValueError, TypeError) as error:
        raise cache_error(path, error) from error


def cache_error(path: Path, error: Exception) -> CacheError:
    """What a user can do about a file of the cache that cannot be used."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    advice = "choose another folder with --cache"
    if isinstance(error, (ValueError, TypeError)) or any(sign in reason for sign in _DAMAGED):
        advice = "it is damaged or not a cache of evalkit; move it away, or " + advice
    elif any(sign in reason for sign in _NO_ROOM):
        advice = (
            "what was stored before is safe; make room on the disk or in your quota and run again, "
            "or " + advice
        )
    return CacheError(f"the cache {path} cannot be used: {reason}; {advice}")
