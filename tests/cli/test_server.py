"""The shipped suites against an OpenAI-compatible server, over a real socket."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalkit import embedded
from evalkit.data import load_suite
from tests.command_line import clean_environment, evalkit, evalkit_process
from tests.servers.openai_server import Server, faults_at

SUITES = tuple(embedded.suite_folders())
RIGHT = {"org/base-7b": 0.35, "support-adapter": 0.85}
KEY = "sk-evalkit-test-0123456789"


@cache
def references() -> Mapping[str, str]:
    """Prompt -> first reference, of every row of every shipped suite."""
    return {
        example.messages[-1].content: example.references[0]
        for folder in embedded.suite_folders().values()
        for examples in load_suite(folder).splits.values()
        for example in examples
    }


def reply(model: str, messages: list[dict[str, Any]]) -> str:
    """Right as often as `RIGHT` says, by a hash of model and prompt; otherwise a wrong sentence."""
    prompt = str(messages[-1]["content"])
    chance = int(hashlib.sha256(f"{model}/{prompt}".encode()).hexdigest()[:8], 16) / 16**8
    return references()[prompt] if chance < RIGHT[model] else "I could not say."


def arms(server: Server, *more: str, suites: Sequence[str] = SUITES[:2]) -> list[str]:
    return [
        "run", *suites, "--limit", "20", "--no-perturb",
        "--base", f"openai:org/base-7b@{server.url}",
        "--tuned", f"support=openai:support-adapter@{server.url}",
        "--out", "out", *more,
    ]  # fmt: skip


def test_the_shipped_suites_and_the_report_names_both_arms(tmp_path: Path) -> None:
    with Server(reply=reply) as server:
        words = arms(server, suites=SUITES)
        done = evalkit(*words, cwd=tmp_path, env={"OPENAI_API_KEY": KEY})
        assert done.code == 0, done.err
        decoding = {
            (str(a.body["temperature"]), str(a.body["top_p"]), a.body["seed"]) for a in server.asked
        }
    # All decoding parameters are sent, and alike to both arms.
    assert decoding == {("0.0", "1.0", 0)}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for name in ("base-7b", "support", "org/base-7b", "support-adapter", server.url):
        assert name in page
    comparison = pd.read_csv(tmp_path / "out" / "comparison.csv", keep_default_na=False)
    whole = comparison[(comparison.split == "test") & (comparison.family == "primary")]
    assert set(whole.suite) == set(SUITES)
    assert set(whole.base) == {"base-7b"}
    assert set(whole.tuned) == {"support"}
    assert (whole.delta.astype(float) > 0).all()


def test_a_key_is_never_written(tmp_path: Path) -> None:
    with Server(reply=reply, fault=faults_at({"401": 1.0})) as server:
        done = evalkit_process(*arms(server, "--debug"), cwd=tmp_path, env={"OPENAI_API_KEY": KEY})
    assert done.code == 2
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert KEY not in done.out + done.err
    assert not any(KEY.encode() in data for data in files)


def test_a_troubled_server_loses_nothing(tmp_path: Path) -> None:
    trouble = {"429-after-ms": 0.1, "500": 0.05, "reset": 0.03, "html": 0.02, "choices-null": 0.02}
    with Server(reply=reply) as server:
        assert evalkit(*arms(server), cwd=tmp_path).code == 0
    calm = (tmp_path / "out" / "examples.csv").read_bytes()
    with Server(reply=reply, fault=faults_at(trouble, seed=3)) as server:
        done = evalkit(*arms(server, "--cache", "other"), cwd=tmp_path)
    assert done.code == 0, done.err
    assert (tmp_path / "out" / "examples.csv").read_bytes() == calm


def test_no_server(tmp_path: Path) -> None:
    with Server(reply=reply) as server:
        gone = server
    done = evalkit(*arms(gone, "--limit", "1"), cwd=tmp_path)
    assert done.code in {2, 4}
    assert "Traceback" not in done.err
    assert "connect" in done.err.lower()


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process")
def test_interrupted_after_a_third_and_resumed(tmp_path: Path) -> None:
    with Server(reply=reply) as server:
        words = arms(server, "--concurrency", "8")
        assert evalkit(*words, "--cache", "whole", cwd=tmp_path).code == 0
        whole = run_files(tmp_path / "out")
        total = len(server.asked)
        server.asked.clear()
        third = total // 3
        server.fault = lambda asked: "hang" if asked.number > third else None
        first = subprocess.Popen(
            [sys.executable, "-m", "evalkit", *words],
            cwd=tmp_path,
            env=clean_environment(),
            stderr=subprocess.PIPE,
        )
        server.wait_for(third + 1)
        first.send_signal(signal.SIGINT)
        _, err = first.communicate(timeout=60)
        assert first.returncode == 130, err
        assert b"Traceback" not in err
        assert len(server.asked) < total
        server.fault = lambda _: None
        resumed = evalkit_process(*words, cwd=tmp_path)
        assert resumed.code == 0, resumed.err
        # What was in flight when Ctrl-C came may be asked twice, nothing else.
        assert total <= len(server.asked) <= total + 8
        assert run_files(tmp_path / "out") == whole


def run_files(folder: Path) -> dict[str, object]:
    """Every file of a run folder, without its clocks."""
    found: dict[str, object] = {}
    for path in sorted(folder.iterdir()):
        text = path.read_text(encoding="utf-8")
        found[path.name] = text
        if path.name == "run.json":
            body = json.loads(text)
            del body["run"]["clocks"], body["sha256"]
            found[path.name] = body
        elif path.name == "report.html":
            found[path.name] = re.sub(r"<p data-clock.*?</p>", "", text, flags=re.DOTALL)
    return found
