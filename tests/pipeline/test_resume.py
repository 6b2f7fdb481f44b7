"""Asking for what a run lacks, by the set-up in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import ComparabilityError, RunFolderError, UsageError
from evalkit.pipeline import Run, run
from tests.command_line import evalkit, write_jsonl
from tests.servers.openai_server import Asked, Server

ROWS = 12


def refuse_some(asked: Asked) -> str | None:
    return "400" if asked.messages[0]["content"] in {"question 9", "question 10"} else None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": f"question {i}", "completion": "yes"} for i in range(ROWS)]
    write_jsonl(tmp_path / "data.jsonl", rows)
    return tmp_path


def first(server: Server, **options: Any) -> Run:
    """A run that lacks two answers of each arm."""
    base, tuned = (f"{name}=openai:{name}@{server.url}" for name in ("base", "tuned"))
    server.fault = refuse_some
    done = run(["data.jsonl"], base=base, tuned=tuned, out="out", seed=7, **options)
    server.fault = lambda _: None
    assert done.missing == 4
    return done


def test_only_what_is_missing_is_asked_and_nothing_is_typed_again(folder: Path) -> None:
    with Server() as server:
        first(server, limit=11, cache="elsewhere")
        asked = len(server.asked)
        done = evalkit("run", "--retry-missing", "out", "--timeout", "30", cwd=folder)
        assert done.code == 0, done.err
        again = [a.messages[0]["content"] for a in server.asked[asked:]]
    assert len(again) == 4
    assert set(again) == {"question 9", "question 10"}
    body = json.loads((folder / "out" / "run.json").read_text())["run"]
    assert (body["seed"], body["limit"]) == (7, 11)
    assert [used["missing"] for used in body["usage"]] == [0, 0]


def test_it_may_be_asked_without_a_probe(folder: Path) -> None:
    with Server() as server:
        assert first(server, cache=folder / "cache").record.info.probes
        assert run(retry_missing="out", probe=False).record.info.probes == ()


def test_a_probe_that_was_left_out_stays_so(folder: Path) -> None:
    with Server() as server:
        first(server, probe=False)
        assert evalkit("run", "--retry-missing", "out", cwd=folder).code == 0
        assert not server.probed


def test_it_ends_where_an_undisturbed_run_ends(folder: Path) -> None:
    with Server() as server:
        first(server)
        run(retry_missing="out")
        base, tuned = (f"{name}=openai:{name}@{server.url}" for name in ("base", "tuned"))
        run(["data.jsonl"], base=base, tuned=tuned, out="whole", seed=7, cache="other")
    for name in ("completions.jsonl", "examples.csv", "summary.csv", "comparison.csv"):
        assert (folder / "out" / name).read_bytes() == (folder / "whole" / name).read_bytes()


@pytest.mark.usefixtures("folder")
def test_a_run_that_lacks_nothing_stays_as_it_is() -> None:
    with Server() as server:
        first(server)
        run(retry_missing="out")
        before = Path("out/run.json").read_bytes()
        asked = len(server.asked)
        assert run(retry_missing="out", cache="empty").missing == 0
        assert len(server.asked) == asked
    assert Path("out/run.json").read_bytes() == before


def test_a_dry_run_counts_what_would_be_asked_again(folder: Path) -> None:
    words = ("run", "--retry-missing", "out", "--dry-run")
    with Server() as server:
        first(server, limit=11, scorers="f1")
        asked = len(server.asked)
        before = evalkit(*words, "--json", cwd=folder)
        refused = evalkit(*words, "--limit", "3", cwd=folder)
        assert len(server.asked) == asked
        assert evalkit("run", "--retry-missing", "out", cwd=folder).code == 0
        assert len(server.asked) == asked + 4
    assert [(one["questions"], one["cached"]) for one in json.loads(before.out)] == [(11, 9)] * 2
    assert "--retry-missing takes limit from out; leave it out" in refused.err
    after = evalkit(*words, cwd=folder)
    assert (after.code, after.err) == (0, "nothing is missing: nothing would be asked\n")
    assert json.loads(evalkit(*words, "--json", cwd=folder).out) == []


@pytest.mark.usefixtures("folder")
def test_what_is_asked_is_the_runs_own() -> None:
    with Server() as server:
        first(server)
        with pytest.raises(UsageError, match="--retry-missing takes base, suites from out; leave"):
            run(["data.jsonl"], base="openai:other", retry_missing="out")


def test_a_run_that_lacks_nothing_takes_no_other_set_up_either(folder: Path) -> None:
    with Server() as server:
        first(server)
        run(retry_missing="out")
    done = evalkit("run", "--retry-missing", "out", "--scorer", "f1", cwd=folder)
    assert done.code == 2
    assert "--retry-missing takes scorers from out; leave it out" in done.err


@pytest.mark.usefixtures("folder")
def test_data_that_changed_since_is_another_run() -> None:
    with Server() as server:
        first(server)
        write_jsonl(Path("data.jsonl"), [{"prompt": "question 0", "completion": "no"}])
        asked = len(server.asked)
        with pytest.raises(ComparabilityError, match="the data of data is not what it was"):
            run(retry_missing="out")
        assert len(server.asked) == asked


def test_models_that_changed_since_are_another_run(folder: Path) -> None:
    with Server(fault=refuse_some) as server:
        project = (
            f"endpoints: {{here: {{base_url: '{server.url}'}}}}\n"
            "models:\n"
            "  base: {model: base, endpoint: here}\n"
            "  tuned: {model: tuned, endpoint: here, tuned_from: base}\n"
        )
        (folder / "evalkit.yaml").write_text(project)
        assert run(["data.jsonl"], out="out").missing == 4
        (folder / "evalkit.yaml").write_text(project.replace("model: tuned", "model: other"))
        with pytest.raises(ComparabilityError, match=r"tuned .openai:tuned.*tuned .openai:other"):
            run(retry_missing="out")


@pytest.mark.usefixtures("folder")
def test_no_run_at_all() -> None:
    Path("nothing").mkdir()
    with pytest.raises(RunFolderError, match=r"no run\.json"):
        run(retry_missing="nothing")
