"""Running evalkit as a user does: another process, its exit code, what it wrote where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Done:
    """What a finished command left behind."""

    code: int
    out: str
    err: str


def evalkit(
    *words: str | Path, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 120
) -> Done:
    """`evalkit WORDS` in a folder."""
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
    """This environment without keys or addresses of real servers; warnings are errors."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OPENAI_")}
    return kept | {"PYTHONUTF8": "1"}


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
