"""What a run may take at most: time and money."""

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
    with Server(latency=0.4) as server:
        done = run(server, folder, "--max-seconds", "4", "--concurrency", "1")
        assert done.code == 4, done.err
        assert "deadline" in done.err
        asked = len(server.asked)
        assert 0 < asked < 2 * ROWS
        server.latency = 0
        assert run(server, folder).code == 0
        assert len(server.asked) <= 2 * ROWS + 1


def test_a_folder_that_cannot_be_written_is_found_before_anything_is_asked(folder: Path) -> None:
    with Server() as server:
        done = run(server, folder, "--out", "/proc/runs/x")
        assert not server.asked
        assert not server.probed
    assert done.code == 2
    assert "error: --out /proc/runs/x: cannot be written to (" in done.err


def test_no_answer_in_time_is_an_incomplete_run_and_a_server_that_is_gone_an_error(
    folder: Path,
) -> None:
    with Server() as server:
        done = run(server, folder, "--max-seconds", "0.001", "--no-probe")
        assert (done.code, len(server.asked)) == (4, 0), done.err
        assert "run --retry-missing out` asks only for them" in " ".join(done.err.split())
        assert run(server, folder).code == 0
    gone = run(server, folder, "--cache", "empty")
    assert gone.code == 2
    assert "is the server running there?" in gone.err


@pytest.mark.parametrize("fault", ["quota", "401"])
def test_who_has_no_credit_or_no_key_any_more_hears_of_that_first(folder: Path, fault: str) -> None:
    with Server(fault=lambda asked: fault if asked.number > ROWS else None) as server:
        done = run(server, folder, "--no-probe", "--concurrency", "1")
    said = " ".join(done.err.split())
    assert done.code == 4, done.err
    assert f"{ROWS} {'auth' if fault == '401' else fault}" in said
    assert "the server answered 4" in said
    assert "once key and credit are in order, `evalkit run --retry-missing out` asks" in said


@pytest.mark.parametrize("option", ["--timeout", "--max-seconds"])
def test_no_time_is_no_limit_that_can_be_meant(folder: Path, option: str) -> None:
    with Server() as server:
        done = run(server, folder, option, "0")
    assert done.code == 2
    assert f"{option} is 0.0; expected seconds, more than 0" in done.err


PRICED = """
endpoints: {{here: {{base_url: "{url}"}}}}
models:
  base: {{model: base, endpoint: here, price: {{input: 1000, output: 3000}}}}
  tuned: {{model: tuned, endpoint: here, tuned_from: base, price: {{input: 1000, output: 3000}}}}
"""


def test_all_the_asking_may_cost_so_much(folder: Path) -> None:
    with Server() as server:
        (folder / "evalkit.yaml").write_text(PRICED.format(url=server.url))
        done = evalkit(
            "run", "data.jsonl", "--out", "out", "--max-cost", "1", "--no-probe", cwd=folder
        )
        assert done.code == 4, done.err
        assert "budget: --max-cost $1 does not pay for another request at its most" in done.err
        paid = len(server.asked)
        assert f"{paid} of {2 * ROWS} answered, " in done.err
        assert "cached" not in done.err  # what this run has asked for is no gift of an earlier one
        assert f"{2 * ROWS - paid} missing\n" in done.err
        assert 0 < paid < 2 * ROWS
        cost = paid * (2 * 1000 + 3 * 3000) / 1e6  # two words are asked, three are answered
        assert cost <= 1
        assert "spent now: $" in done.err
        again = evalkit("run", "data.jsonl", "--out", "out", cwd=folder)
        assert again.code == 0, again.err
        assert f"{2 * ROWS} of {2 * ROWS} answered, " in again.err
        assert f", {paid} cached\n" in again.err
        assert len(server.asked) == 2 * ROWS
    for words in (["run", "--retry-missing", "out"], ["report", "out"]):
        told = evalkit(*words, cwd=folder)
        assert "spent by that run: $" in told.err
        nothing = "out lacks nothing: nothing was asked; spent now: $0\n"
        assert told.err.count("spent now") == told.err.count(nothing) == (words[0] == "run")


def test_no_limit_is_kept_where_no_price_is_known(folder: Path) -> None:
    with Server() as server:
        done = run(server, folder, "--max-cost", "1")
        assert not server.asked
    assert done.code == 2
    assert "none is of 'base' (openai:base), 'tuned' (openai:tuned)" in done.err
    assert "price: {input: X, output: Y}" in done.err


def test_no_money_is_no_limit_that_can_be_meant(folder: Path) -> None:
    with Server() as server:
        done = run(server, folder, "--max-cost", "-1")
    assert done.code == 2
    assert "--max-cost is -1.0; expected dollars, more than 0" in done.err
