"""A command that is ended from outside says what is kept, whoever ends it and whenever."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import clean_environment, write_jsonl
from tests.servers.openai_server import Server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends signals to a process")

BEFORE = "import signal; signal.signal(signal.{name}, signal.SIG_IGN); "


def ended(
    server: Server, folder: Path, wait: Callable[[], None], *names: str, before: str = ""
) -> tuple[int, str]:
    """Exit code and stderr of a run that is sent signals as soon as `wait` returns."""
    rows = [{"prompt": f"question {i}", "completion": "yes"} for i in range(12)]
    write_jsonl(folder / "data.jsonl", rows)
    main = f"{before}from evalkit.cli import main; main()"
    words = [
        "run", "data.jsonl", "--base", f"openai:base@{server.url}", "--out", "out", "--quiet",
        "--tuned", f"openai:tuned@{server.url}", "--concurrency", "4", "--allow-identical",
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", main, *words],
        cwd=folder,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    wait()
    for name in names:
        process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_it_ends_as_by_ctrl_c(name: str, tmp_path: Path) -> None:
    with Server(fault=lambda asked: "hang" if asked.number > 10 else None) as server:
        code, err = ended(server, tmp_path, lambda: server.wait_for(14), name)
    assert code == 130
    assert "error: interrupted; 10 answers are kept in " in err
    assert "Traceback" not in err


def test_it_ends_where_ctrl_c_is_ignored(tmp_path: Path) -> None:
    with Server(fault=lambda _: "hang") as server:
        before = BEFORE.format(name="SIGINT")
        code, err = ended(server, tmp_path, lambda: server.wait_for(4), "SIGTERM", before=before)
    assert code == 130
    assert "interrupted" in err


def test_what_was_to_be_ignored_stays_ignored(tmp_path: Path) -> None:
    with Server(latency=0.2) as server:
        before = BEFORE.format(name="SIGHUP")
        code, err = ended(server, tmp_path, lambda: server.wait_for(1), "SIGHUP", before=before)
    assert code == 0, err


def test_before_anything_is_asked_it_is_said_too(tmp_path: Path) -> None:
    with Server(probe_fault="hang") as server:

        def probed() -> None:
            while not server.probed:
                time.sleep(0.01)

        code, err = ended(server, tmp_path, probed, "SIGINT")
    assert code == 130
    assert err.startswith("error: interrupted while the models were looked at; ")
    assert "Traceback" not in err
