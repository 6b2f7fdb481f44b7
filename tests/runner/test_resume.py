"""Runs that are interrupted, in processes of their own, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.openai_server import Server

PROGRAM = """
import asyncio, dataclasses, json, sys
from pathlib import Path
from evalkit.errors import EvalkitError
from tests.runner.asking import asked, make_jobs

url, count, cache, concurrency = sys.argv[1:]
try:
    outcomes, _ = asyncio.run(
        asked(url, make_jobs(int(count)), Path(cache), concurrency=int(concurrency))
    )
except EvalkitError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
for outcome in outcomes:
    shown = dataclasses.asdict(outcome)
    shown.pop("seconds")
    print(json.dumps(shown))
"""
ROOT = Path(__file__).parents[2]


def start(url: str, count: int, cache: Path, concurrency: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(count), str(cache), str(concurrency)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process")
def test_interrupted_after_a_third_it_asks_only_for_the_rest(tmp_path: Path) -> None:
    with Server(latency=0.005) as server:
        undisturbed = finish(start(server.url, 60, tmp_path / "whole", 6))[1]
        server.asked.clear()
        server.fault = lambda asked: "hang" if asked.number > 40 else None  # it cannot end first
        first = start(server.url, 60, tmp_path / "cache", 6)
        server.wait_for(41)
        first.send_signal(signal.SIGINT)
        code, out, err = finish(first)
        assert (code, out) == (130, "")
        assert "interrupted" in err
        assert "Traceback" not in err
        kept = int(err.split("; ")[1].split()[0])
        interrupted = len(server.asked)
        server.fault = lambda _: None
        assert interrupted - 6 <= kept <= interrupted
        code, out, _ = finish(start(server.url, 60, tmp_path / "cache", 6))
    assert code == 0
    assert out == undisturbed
    assert len(server.asked) == 120 + interrupted - kept
