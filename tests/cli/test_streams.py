"""Output that nobody can take costs neither the work nor the exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import clean_environment, write_jsonl

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="by a shell and /dev/full")

RUN = "run data.jsonl --base file:base.jsonl --tuned file:tuned.jsonl --out out"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"id": f"{i}", "prompt": f"q{i}", "completion": f"a{i}"} for i in range(30)]
    write_jsonl(tmp_path / "data.jsonl", rows)
    write_jsonl(tmp_path / "base.jsonl", rows)
    write_jsonl(tmp_path / "tuned.jsonl", [{**row, "completion": "wrong"} for row in rows])
    return tmp_path


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line of the shell, in which `evalkit` is this one; the code is its first command's."""
    command = f"{sys.executable} -m evalkit"
    return subprocess.run(
        ["bash", "-c", f"{line.replace('evalkit', command, 1)}; exit ${{PIPESTATUS[0]}}"],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("redirection", "code"),
    [
        ("2> /dev/full", 0),
        ("2>&1 | head -1", 0),
        ("| true", 0),
        ("2>&-", 0),
        (">&-", 0),
        ("<&- >&- 2>&-", 0),
        ("> /dev/full", 2),
    ],
)
def test_a_run_is_made_whatever_becomes_of_its_words(
    redirection: str, code: int, folder: Path
) -> None:
    done = shell(f"evalkit {RUN} {redirection}", folder)
    assert done.returncode == code, done.stderr
    assert (folder / "out" / "report.html").is_file()
    assert "Traceback" not in done.stderr
    if code:
        assert "error: the output cannot be written: No space left on device" in done.stderr


@pytest.mark.parametrize(
    "redirection", ["", "2> /dev/full", "> /dev/full", "| true", "2>&1 | true"]
)
def test_the_gate_keeps_its_word(redirection: str, folder: Path) -> None:
    assert shell(f"evalkit {RUN}", folder).returncode == 0
    assert shell(f"evalkit gate out {redirection}", folder).returncode == 1
