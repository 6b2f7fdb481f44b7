"""docs/comparable.md, done: its commands in their order, over a real socket."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalkit import store
from evalkit.verdict import placed
from tests.command_line import Done, evalkit, write_jsonl
from tests.servers.openai_server import error_reply
from tests.servers.sampling_server import SamplingServer

if TYPE_CHECKING:
    from aiohttp import web

PAGE = (Path(__file__).parents[2] / "docs" / "comparable.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```console\n\$ evalkit (.*?)\n```", PAGE)
N = 40


def picky(_: web.Request, body: dict[str, object]) -> web.Response | None:
    """The adapter does not take a seed."""
    if body["model"] == "adapter" and "seed" in body:
        return error_reply(400, "Unsupported parameter: 'seed'", "unsupported_parameter")
    return None


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sequence[Done]]:
    folder = tmp_path_factory.mktemp("comparable")
    suite = folder / "support"
    suite.mkdir()
    rows = [{"id": f"{i}", "prompt": f"q{i}", "completion": f"a{i}"} for i in range(N)]
    write_jsonl(suite / "test.jsonl", rows)
    (suite / "suite.yaml").write_text(
        "name: support\ntask: qa\ntest: test.jsonl\nscorers: [exact_match]\n"
        "generation: {temperature: 0.8, seed: 3}\n"
    )
    with SamplingServer(base=0.4, adapter=0.7) as server:
        server.refuse = picky
        words = [command.replace("http://localhost:8000/v1", server.url) for command in COMMANDS]
        return folder, [
            evalkit(*line.split(), cwd=folder, env={"COLUMNS": "160"}) for line in words
        ]


def test_the_commands_of_the_page_work(done: tuple[Path, Sequence[Done]]) -> None:
    _, (repeated, noisy, compared) = done
    assert [one.code for one in (repeated, noisy, compared)] == [0, 0, 0], done
    assert "answers a prompt" in repeated.err
    assert "itself again" in noisy.err
    assert "two against one" in compared.err
    assert "with care: repeats: 3 → 1" in compared.err


def test_the_files_hold_what_the_page_says(done: tuple[Path, Sequence[Done]]) -> None:
    folder, _ = done
    one, two = (store.read(folder / "runs" / name) for name in ("one", "two"))
    assert {row.model: (row.times, row.floor) for row in one.info.noise} == {
        "base": (3, None), "adapter": (3, None)
    }  # fmt: skip
    (row,) = two.info.noise
    assert (row.model, row.times) == ("base", 2)
    assert row.floor is not None
    assert {c.method for c in one.comparisons if c.family == "primary"} == {"t/sign-flip"}
    assert {c.method for c in two.comparisons if c.family == "primary"} == {"tango/mcnemar-midp"}
    lines = (folder / "runs" / "one" / "completions.jsonl").read_text().splitlines()
    assert [len(json.loads(line)["repeats"]["base"]) for line in lines] == [3] * N


def test_a_parameter_that_one_arm_does_not_take_is_named(done: tuple[Path, Sequence[Done]]) -> None:
    folder, (repeated, *_) = done
    (found,) = store.read(folder / "runs" / "one").info.differences
    assert placed(found).startswith("adapter: decoding: the server took every parameter → the ")
    assert "with care" in repeated.err
    judged = evalkit("gate", "runs/two", "--against", "runs/one", cwd=folder)
    assert "with care     adapter: decoding" in judged.err


def test_everything_is_in_the_json(done: tuple[Path, Sequence[Done]]) -> None:
    folder, _ = done
    told = evalkit("compare", "runs/one", "runs/two", "--json", cwd=folder)
    found = json.loads(told.out)
    assert {row["tuned"] for row in found["comparisons"]} == {"base", "adapter"}
    assert {"earlier": "one", "later": "two"}.items() <= found.items()
    assert all(flip["kind"] in {"fixed", "broke"} for flip in found["flips"])


def test_two_runs_that_have_nothing_in_common_end_in_2(done: tuple[Path, Sequence[Done]]) -> None:
    folder, _ = done
    same = evalkit("compare", "runs/one", "runs/one", cwd=folder)
    assert (same.code, "one and the same run" in same.err) == (2, True)
    gone = evalkit("compare", "runs/one", "runs/nowhere", cwd=folder)
    assert (gone.code, "Traceback" in gone.err) == (2, False)
