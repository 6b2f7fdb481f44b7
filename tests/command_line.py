"""Running evalkit as a user does: words in, exit code out, what it wrote where."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main


@dataclass(frozen=True)
class Done:
    """What a finished command left behind."""

    code: int
    out: str
    err: str


def evalkit(*words: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Done:
    """`evalkit WORDS` in a folder: the real command line, without starting a process for it.

    A process spends more time on imports than most commands on their work; `evalkit_process` is
    for what only a process shows.
    """
    out, err = io.StringIO(), io.StringIO()
    wanted = clean_environment() | dict(env or {})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["evalkit", *map(str, words)])
        patch.setattr("evalkit.cli._spare_the_collector", lambda: None)  # this process goes on
        for key in os.environ.keys() - wanted.keys():
            patch.delenv(key)
        for key, value in wanted.items():
            patch.setenv(key, value)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _exit_code()
    return Done(code, out.getvalue(), err.getvalue())


def _exit_code() -> int:
    """What `main`, which never returns, ends the process with."""
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    assert isinstance(code, int)
    return code


def evalkit_process(
    *words: str | Path, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 120
) -> Done:
    """`evalkit WORDS` in a folder and in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "evalkit", *map(str, words)],
        cwd=cwd,
        env=clean_environment() | dict(env or {}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def clean_environment() -> dict[str, str]:
    """This environment without keys or addresses of real servers; text is UTF-8."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OPENAI_")}
    return kept | {"PYTHONUTF8": "1"}


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
