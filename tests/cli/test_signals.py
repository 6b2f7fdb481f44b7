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

BEFORE = "import signal; signal.signal(signal.{name}, signal.{wish}); "
"""What a process inherits: `nohup`, too, has it ignore a signal."""


def started(server: Server, folder: Path, *more: str, before: str = "") -> subprocess.Popen[str]:
    """A run in a process of its own."""
    rows = [{"prompt": f"question {i}", "completion": "yes"} for i in range(12)]
    write_jsonl(folder / "data.jsonl", rows)
    main = f"{before}from evalkit.cli import main; main()"
    words = [
        "run", "data.jsonl", "--base", f"openai:base@{server.url}", "--concurrency", "4",
        "--tuned", f"openai:tuned@{server.url}", "--allow-identical", *more,
    ]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", main, *words],
        cwd=folder,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(
    server: Server, folder: Path, wait: Callable[[], None], *names: str, before: str = ""
) -> tuple[int, str]:
    """Exit code and stderr of a run that is sent signals as soon as `wait` returns."""
    process = started(server, folder, "--quiet", before=before)
    wait()
    for name in names:
        process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=60)
    return process.returncode, err


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_it_ends_as_by_ctrl_c(name: str, tmp_path: Path) -> None:
    with Server(fault=lambda asked: "hang" if asked.number > 10 else None) as server:
        before = BEFORE.format(name=name, wish="SIG_DFL")
        code, err = ended(server, tmp_path, lambda: server.wait_for(14), name, before=before)
    assert code == 130
    assert "error: interrupted; 10 answers are kept in " in err
    assert "Traceback" not in err


def test_it_ends_where_ctrl_c_is_ignored(tmp_path: Path) -> None:
    with Server(fault=lambda _: "hang") as server:
        before = BEFORE.format(name="SIGINT", wish="SIG_IGN")
        code, err = ended(server, tmp_path, lambda: server.wait_for(4), "SIGTERM", before=before)
    assert code == 130
    assert "interrupted" in err


def test_what_was_to_be_ignored_stays_ignored(tmp_path: Path) -> None:
    with Server(latency=0.2) as server:
        before = BEFORE.format(name="SIGHUP", wish="SIG_IGN")
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


@pytest.mark.parametrize("more", [(), ("--debug",)])
def test_what_libraries_log_is_for_who_debugs(more: tuple[str, ...], tmp_path: Path) -> None:
    late = "logging.getLogger('asyncio').error('Unclosed connection')"
    before = f"import atexit, logging; atexit.register(lambda: {late}); "
    with Server() as server:
        done = started(server, tmp_path, "--quiet", *more, before=before)
        _, err = done.communicate(timeout=60)
    assert done.returncode == 0, err
    assert ("Unclosed connection" in err) == bool(more)


def test_a_run_that_stands_still_is_named_to_the_one_that_waits(tmp_path: Path) -> None:
    with Server(fault=lambda asked: "hang" if 10 < asked.number <= 14 else None) as server:
        still = started(server, tmp_path, "--out", "first", "--quiet")
        server.wait_for(14)
        still.send_signal(signal.SIGSTOP)
        waiting = started(server, tmp_path, "--out", "other")
        assert waiting.stderr is not None
        named = f"asked by another run (process {still.pid}) at this moment: "
        said = next(line for line in waiting.stderr if named in line)
        still.kill()
        still.communicate()
        _, err = waiting.communicate(timeout=60)
    assert "14 of these answers" in said
    assert "What stands still can be ended" in said
    assert waiting.returncode == 0, err
    assert len(server.asked) == 24 + 4
