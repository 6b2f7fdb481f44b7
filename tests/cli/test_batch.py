"""`evalkit run --batch`, killed and resumed, and `evalkit batch`, as a user types them."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import clean_environment, evalkit, evalkit_process, write_jsonl
from tests.servers.batch_api import Desk
from tests.servers.judge import JUDGE, SCORE, graded
from tests.servers.openai_server import Asked, Server


def arms(folder: Path, url: str) -> list[str]:
    rows = [{"prompt": f"Word {i}?", "completion": "amber"} for i in range(12)]
    write_jsonl(folder / "data.jsonl", rows)
    return [
        "data.jsonl", "--base", f"openai:base@{url}", "--tuned", f"openai:tuned@{url}",
        "--allow-identical",
    ]  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process")
def test_a_run_that_is_killed_while_it_waits_hands_in_nothing_again(tmp_path: Path) -> None:
    with Server(desk=(desk := Desk(looks=10**6))) as server:
        words = ["run", *arms(tmp_path, server.url), "--out", "out", "--batch"]
        first = subprocess.Popen(
            [sys.executable, "-m", "evalkit", *words],
            cwd=tmp_path, env=clean_environment(), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert first.stderr is not None
        said = (line for line in first.stderr if "a batch of 12 prompts is handed in" in line)
        assert len(list(itertools.islice(said, 2))) == 2
        first.kill()
        first.communicate()
        desk.looks = 1
        done = evalkit_process(*words, cwd=tmp_path)
        assert done.code == 0, done.err
    assert "batch-1 completed: 12 answers" in done.err
    assert "24 of 24 answered, " in done.err
    assert "cached" not in done.err
    assert len(desk.batches) == 2
    assert len({line["custom_id"] for line in desk.requests}) == len(desk.requests) == 24


def test_files_out_and_results_in(tmp_path: Path) -> None:
    with Server() as server:
        words = ["batch", "export", *arms(tmp_path, server.url), "--out", "asked"]
        done = evalkit(*words, cwd=tmp_path)
        assert done.code == 0, done.err
        assert done.out == "asked\n"
        assert "base: 12 requests in asked/base.jsonl" in done.err
        assert "evalkit batch import asked" in done.err
        for model, count in (("base", 12), ("tuned", 11)):
            asked = (tmp_path / "asked" / f"{model}.jsonl").read_text().splitlines()[:count]
            with (tmp_path / "asked" / f"{model}.results.jsonl").open("w") as file:
                for line in map(json.loads, asked):
                    body = server._answer(Asked(0, line["url"], line["body"], {}))
                    response = {"status_code": 200, "body": body}
                    file.write(json.dumps({**line, "response": response, "error": None}) + "\n")
        done = evalkit("batch", "import", "asked", cwd=tmp_path)
    assert done.code == 4
    assert "base: 12 answers\n" in done.err
    assert "tuned: 11 answers, 1 missing" in done.err
    assert "1 request has no answer" in done.err
    done = evalkit("batch", "import", "asked", "--json", cwd=tmp_path)
    assert [model["answers"] for model in json.loads(done.out)["models"]] == [12, 11]
    done = evalkit(*words[:-1], "rest", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["cached"], [file["requests"] for file in told["files"]]) == (23, [1])


def test_who_exports_hears_of_judges_before_a_run_asks_them(tmp_path: Path) -> None:
    (tmp_path / "g.json").write_text(json.dumps(SCORE))
    with Server(judges={JUDGE: graded}) as server:
        words = ["batch", "export", *arms(tmp_path, server.url), "--scorer", "g.json"]
        words += ["--judge", f"openai:{JUDGE}@{server.url}", "--no-perturb"]
        said = []
        for place in ("first", "second"):
            done = evalkit(*words, "--out", place, cwd=tmp_path)
            assert done.code == 0, done.err
            for path in (tmp_path / place).glob("*.jsonl"):
                lines = map(json.loads, path.read_text().splitlines())
                with path.with_suffix(".results.jsonl").open("w") as file:
                    for line in lines:
                        body = server._answer(Asked(0, line["url"], line["body"], {}))
                        response = {"status_code": 200, "body": body}
                        file.write(json.dumps({**line, "response": response}) + "\n")
            imported = evalkit("batch", "import", place, cwd=tmp_path)
            assert imported.code == 0, imported.err
            said.append((done.err, imported.err))
    (first, then), (second, at_last) = said
    assert "judge:judge is asked about the answers: once they are imported, export again" in first
    assert "judge:judge is not yet asked about these answers: export again" in then
    assert "judge:judge: 24 requests in second/judge-judge.jsonl" in second
    assert at_last == "judge:judge: 24 answers\n"


def test_a_batch_can_be_given_up(tmp_path: Path) -> None:
    with Server(desk=(desk := Desk(looks=10**6))) as server:
        words = ["run", *arms(tmp_path, server.url), "--out", "out", "--batch"]
        assert evalkit(*words, "--max-seconds", "1", cwd=tmp_path).code == 4
        first, _ = desk.batches
        done = evalkit("batch", "forget", first, cwd=tmp_path)
        assert done.code == 0, done.err
        assert f"{first} is forgotten: its 12 prompts will be handed in" in " ".join(
            done.err.split()
        )
        again = evalkit("batch", "forget", first, "--json", cwd=tmp_path)
        assert again.code == 2
        assert f"no batch '{first}' is waited for in .evalkit; did you mean" in again.err
        assert evalkit(*words, "--max-seconds", "1", cwd=tmp_path).code == 4
        assert len(desk.batches) == 3
