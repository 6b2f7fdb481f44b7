"""The section on judges in docs/scorers.md, done as it says, over real sockets."""

from __future__ import annotations

import json
import re
import shlex
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from evalkit import pipeline
from evalkit.scorers.model_graders import MAX_TOKENS
from evalkit.scorers.readings import _NAMED, _REASONS, read_label, read_score
from tests.command_line import evalkit, write_jsonl
from tests.servers.judge import graded
from tests.servers.openai_server import Server

SECTION = (
    (Path(__file__).parents[2] / "docs" / "scorers.md")
    .read_text(encoding="utf-8")
    .partition("\n## Judges\n")[2]
)
FLAT = " ".join(SECTION.split())
JUDGE = "Qwen/Qwen3-32B"
N = 10


def block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", SECTION, re.DOTALL)
    assert found
    return found[1]


def say(model: str, messages: list[dict[str, Any]]) -> str:
    number = int(messages[-1]["content"].split()[-1])
    if model == "adapter" or number % 5 == 0:
        return f"Your parcel number {number} is here."
    return f"Your parcel number {number} is lost."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tone.json").write_text(block("json"), encoding="utf-8")
    support = tmp_path / "support"
    support.mkdir()
    rows = [
        {"prompt": f"Where is parcel {i}", "completion": f"Your parcel number {i} is here."}
        for i in range(N)
    ]
    write_jsonl(support / "test.jsonl", rows)
    (support / "suite.yaml").write_text("test: test.jsonl\n")
    return tmp_path


def words(arms: Server, judges: Server) -> list[str]:
    line = block("sh").replace("\\\n", " ")
    line = line.replace("http://localhost:8000/v1", arms.url)
    line = line.replace("http://localhost:8001/v1", judges.url)
    return shlex.split(line)[1:]


def test_its_command_does_what_it_says(folder: Path) -> None:
    judge = partial(graded, high=5)
    with Server(reply=say) as arms, Server(judges={JUDGE: judge}) as judges:
        done = evalkit(*words(arms, judges), cwd=folder)
        assert done.code == 0, done.err
        different = len({say(m, [{"content": f"{i}"}]) for i in range(N) for m in ("a", "adapter")})
        assert len(judges.asked) == different == 18
        for asked in judges.asked:
            sent = json.dumps(asked.body)
            assert asked.model == JUDGE
            assert asked.body["max_tokens"] == MAX_TOKENS
            assert (asked.body["temperature"], asked.body["seed"]) == (0, 1)
            assert "response_format" in asked.body
            assert "adapter" not in sent
        scored = evalkit("score", "reports/judged", "--scorer", "tone.json", cwd=folder)
        assert scored.code == 0, scored.err
        assert len(judges.asked) == different
    run = pipeline.load(folder / "reports" / "judged")
    scores = run.summary.set_index(["model", "scorer"])["score"]
    assert scores["adapter", "tone"] == 1
    assert 0.8 < scores["base", "tone"] < 1
    (kept,) = (split.judgements for split in run.record.splits)
    assert sum(map(len, kept)) == different
    page = (folder / "reports" / "judged" / "report.html").read_text(encoding="utf-8")
    assert re.search(r"judged, tone</span></p><pre [^>]*>5 of 0 to 5\nwords of the ref", page)


def test_its_project_file_names_the_judge(folder: Path) -> None:
    (yaml,) = re.findall(r"<!-- judge: evalkit.yaml -->\n```yaml\n(.*?)```", SECTION, re.DOTALL)
    judge = partial(graded, high=5)
    with Server(reply=say) as arms, Server(judges={JUDGE: judge}) as judges:
        text = yaml.replace("http://localhost:8001/v1", judges.url)
        (folder / "evalkit.yaml").write_text(text, encoding="utf-8")
        given = words(arms, judges)
        at = given.index("--judge")
        done = evalkit(*given[:at], *given[at + 2 :], cwd=folder)
        assert done.code == 0, done.err
        assert {asked.model for asked in judges.asked} == {JUDGE}
    run = pipeline.load(folder / "reports" / "judged")
    (usage,) = run.record.info.judging
    assert usage.cost == 0


def test_its_words_are_those_that_are_looked_for() -> None:
    for name in ("score", "result", "grade", "rating"):
        assert read_score(f"1 of 3. {name}: 4. 2 more", 0, 5).value == 4
    for name in ("label", "result", "answer", "verdict", "grade"):
        assert f"`{name}`" in FLAT
        assert name in _NAMED.pattern
        assert read_label(f"Well.\n{name}: good", ("good", "bad"), ()).shown == "good"
    assert f"at most {MAX_TOKENS} tokens" in FLAT
    assert _REASONS
