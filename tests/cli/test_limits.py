"""What a run may take at most: time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import Done, evalkit, write_jsonl
from tests.servers.openai_server import Asked, Server

ROWS = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [{"prompt": f"question {i}", "completion": "yes"} for i in range(ROWS)]
    write_jsonl(tmp_path / "data.jsonl", rows)
    return tmp_path


def run(server: Server, folder: Path, *more: str) -> Done:
    base, tuned = (f"openai:{name}@{server.url}" for name in ("base", "tuned"))
    return evalkit(
        "run", "data.jsonl", "--base", base, "--tuned", tuned, "--out", "out", *more, cwd=folder
    )


def test_a_request_may_take_so_long(folder: Path) -> None:
    late: list[str] = []

    def hang_once(asked: Asked) -> str | None:
        if asked.messages[0]["content"] != f"question {ROWS - 1}" or asked.model in late:
            return None
        late.append(asked.model)
        return "hang"

    with Server(fault=hang_once) as server:
        done = run(server, folder, "--timeout", "0.5")
    assert done.code == 0, done.err
    assert sorted(late) == ["base", "tuned"]
    assert "2 retries (2 timeout)" in done.err


def test_all_the_asking_may_take_so_long(folder: Path) -> None:
    with Server(latency=0.2) as server:
        done = run(server, folder, "--max-seconds", "0.7", "--concurrency", "1")
        assert done.code == 4, done.err
        assert "deadline" in done.err
        asked = len(server.asked)
        assert 0 < asked < 2 * ROWS
        server.latency = 0
        assert run(server, folder).code == 0
        assert len(server.asked) <= 2 * ROWS + 2


@pytest.mark.parametrize("option", ["--timeout", "--max-seconds"])
def test_no_time_is_no_limit_that_can_be_meant(folder: Path, option: str) -> None:
    with Server() as server:
        done = run(server, folder, option, "0")
    assert done.code == 2
    assert f"{option} is 0.0; expected seconds, more than 0" in done.err
