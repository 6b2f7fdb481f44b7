"""A user's Python file, loaded as a module."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from evalkit.errors import ScorerError


def load_file(spec: str, path: Path) -> tuple[ModuleType, str]:
    """Run a Python file, once for each content.

    Args:
        spec: what the user wrote, for messages.
        path: the file, relative to the current folder or absolute.

    Returns:
        The module, and what a signature says about it: `from:file.py@` and a hash of its content.

    Raises:
        ScorerError: the file cannot be read, or fails while it runs; says in which line.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ScorerError(
            f"scorer {spec!r}: cannot read {path}: {error.strerror}; "
            "the path is relative to the current folder"
        ) from None
    digest = hashlib.sha256(source).hexdigest()
    name = f"evalkit_scorer_{path.stem}_{digest[:16]}"
    if name not in sys.modules:
        _run(spec, source, path.absolute(), name)
    return sys.modules[name], f"from:{path.name}@{digest[:8]}"


def _run(spec: str, source: bytes, path: Path, name: str) -> None:
    """Run source as a module, from the bytes that were hashed: no stale bytecode, none left."""
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look their own module up while it is still running
    try:
        with _importable(path.resolve().parent):
            code = compile(source, path, "exec", dont_inherit=True)
            exec(code, vars(module))  # noqa: S102 - the user named this file to be run
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ScorerError(f"scorer {spec!r}: {_where(error, path)}: {_what(error)}") from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let a user's file import its neighbours, as it could if it were run as a script."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _what(error: BaseException) -> str:
    """What went wrong; of a line that is no Python, what stands there."""
    if isinstance(error, SyntaxError):
        line = f": {error.text.strip()}" if error.text else ""
        return f"{type(error).__name__}: {error.msg}{line}"
    return repr(error)


def _where(error: BaseException, path: Path) -> str:
    """The line of the user's file in which it went wrong."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f"{path}:{error.lineno}"
    trace, line = error.__traceback__, None
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return str(path) if line is None else f"{path}:{line}"
