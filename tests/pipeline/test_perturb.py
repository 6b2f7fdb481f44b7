"""Rewordings from the plan to the verdict, with models over a real socket."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit import pipeline
from evalkit.errors import UsageError
from tests.command_line import evalkit as command
from tests.command_line import write_jsonl
from tests.servers.openai_server import Server

N = 40
TRAINED = 500
"""The number of the first training row."""
RIGHT = {"org/base": 30, "adapter": 38}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite, and a base that answers whatever the wording, as the server below does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    asked = {"test": "Which symbol has number {}?", "train": "Say the code of drawer {}."}
    for split, start in (("test", 0), ("train", TRAINED)):
        rows = [
            {"id": f"{i}", "prompt": asked[split].format(start + i), "completion": f"{start + i}!"}
            for i in range(N)
        ]
        write_jsonl(tmp_path / f"{split}.jsonl", rows)
    (tmp_path / "suite.yaml").write_text(
        "name: symbols\ntask: qa\nscorers: exact_match\ntest: test.jsonl\ntrain: train.jsonl\n"
    )
    return tmp_path


def reply(model: str, messages: list[dict[str, Any]]) -> str:
    """The adapter knows prompts word for word, its base by their number."""
    prompt = str(messages[-1]["content"])
    number = int(prompt.rstrip("?.").split()[-1])
    as_worded = (f"Which symbol has number {number}?", f"Say the code of drawer {number}.")
    known = model == "org/base" or prompt in as_worded
    return f"{number}!" if known and number % TRAINED < RIGHT[model] else "I could not say."


def run(server: Server, **options: Any) -> pipeline.Run:
    return evalkit.run(
        "suite.yaml",
        base=f"openai:org/base@{server.url}",
        tuned=f"openai:adapter@{server.url}",
        **options,
    )


def signal(done: pipeline.Run) -> evalkit.schema.Signal:
    (verdict,) = done.record.info.overfit
    return next(s for s in verdict.signals if s.name == "perturbation")


@pytest.mark.usefixtures("folder")
def test_a_model_that_depends_on_the_wording_is_found_and_stays_found() -> None:
    with Server(reply=reply) as server:
        done = run(server, out="out")
    found = signal(done)
    assert found.level == "strong"
    assert found.numbers["cost_base"] == 0
    assert found.numbers["cost_tuned"] == pytest.approx(38 / 40)
    split = next(s for s in done.record.splits if s.split == "perturbed")
    assert Counter(e.fields["rewording"] for e in split.examples) == {
        "case": N, "spacing": N, "typos": N,
    }  # fmt: skip
    assert done.record.info.perturb == 100
    # Rewordings stay out of what is declared: gate, primary comparison, gains.
    rows = done.record.comparisons
    assert {row.family for row in rows if row.split == "perturbed"} == {"secondary"}
    assert {gain.split for gain in done.record.info.gains} <= {"test", "train"}
    assert done.gate().results[0].n == N
    again = pipeline.score("out", out="again")
    assert signal(again) == found
    assert pipeline.load("again").record.info.perturb == 100


@pytest.mark.usefixtures("folder")
def test_as_many_prompts_as_are_wished_for() -> None:
    with Server(reply=reply) as server:
        done = run(server, perturb=7, out="out")
        split = next(s for s in done.record.splits if s.split == "perturbed")
        assert len({e.fields["original"] for e in split.examples}) == 7
        asked = len(server.asked)
        none = run(server, perturb=0, out="none")
        assert len(server.asked) == asked  # everything else was cached
    assert "not asked" in signal(none).detail
    assert {s.split for s in none.record.splits} == {"test", "train"}


@pytest.mark.usefixtures("folder")
def test_nothing_is_reworded_where_nothing_could_be_judged(tmp_path: Path) -> None:
    with Server(reply=reply) as server:
        done = evalkit.run(
            "test.jsonl",
            base=f"openai:org/base@{server.url}",
            tuned=f"openai:adapter@{server.url}",
            out="out",
        )
        assert {s.split for s in done.record.splits} == {"test"}  # no training rows are known
    rows = [
        json.loads(line) | {"completion": "?"}
        for split in ("test", "train")
        for line in (tmp_path / f"{split}.jsonl").read_text().splitlines()
    ]
    for row in rows:
        del row["id"]
    for name in ("a", "b"):
        write_jsonl(tmp_path / f"{name}.jsonl", rows)
    done = evalkit.run("suite.yaml", base="file:a.jsonl", tuned="file:b.jsonl", out="files")
    assert done.missing == 0  # completions already made are not missed in other words
    assert {s.split for s in done.record.splits} == {"test", "train"}


def test_the_command_line_and_the_project_file(folder: Path) -> None:
    with Server(reply=reply) as server:
        (folder / "evalkit.yaml").write_text(
            f"perturb: 5\nsuites: [suite.yaml]\nmodels:\n"
            f'  base: {{model: "openai:org/base@{server.url}"}}\n'
            f'  tuned: {{model: "openai:adapter@{server.url}", tuned_from: base}}\n'
        )
        env = {"OPENAI_API_KEY": "none"}
        for words, count in (([], 5), (["--perturb", "3"], 3), (["--no-perturb"], 0)):
            done = command("run", "--out", "out", *words, cwd=folder, env=env)
            assert done.code == 0, done.err
            split = [
                s for s in pipeline.load(folder / "out").record.splits if s.split == "perturbed"
            ]
            assert sum(len({e.fields["original"] for e in s.examples}) for s in split) == count


@pytest.mark.usefixtures("folder")
def test_a_number_that_cannot_be_meant() -> None:
    with pytest.raises(UsageError, match=r"--perturb is -1; expected 0 \(no rewordings\) or more"):
        evalkit.run("suite.yaml", base="file:a", tuned="file:b", perturb=-1)
