"""Runs by batch, and files for who submits by hand: the report of live requests, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import EvalkitError, UsageError
from evalkit.pipeline import export_batches, import_batches
from tests.cli.test_server import run_files
from tests.command_line import write_jsonl
from tests.servers.batch_api import Desk
from tests.servers.judge import JUDGE, SCORE, graded
from tests.servers.openai_server import Asked, Server

WORDS = ("amber", "basil", "cedar", "delta", "ember", "fjord", "grape", "hazel")
GUARD = 16
"""Requests by which a run first sees that its two arms are two models."""

NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the test, with a suite in it and no key in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    rows = [{"prompt": f"Word {i}?", "completion": WORDS[i % 8]} for i in range(24)]
    write_jsonl(tmp_path / "data.jsonl", rows)
    return tmp_path


@pytest.fixture
def served() -> Iterator[Server]:
    with Server(reply=reply, desk=Desk(looks=1)) as server:
        yield server


def reply(model: str, messages: list[dict[str, Any]]) -> str:
    """The tuned model is right more often."""
    number = int(messages[-1]["content"].removeprefix("Word ").removesuffix("?"))
    return WORDS[number % 8] if number % (2 if model == "org/base-7b" else 5) else f"no {number}"


def arms(url: str) -> dict[str, Any]:
    return {"base": f"openai:org/base-7b@{url}", "tuned": f"support=openai:support-adapter@{url}"}


def run(url: str, **options: Any) -> evalkit.Run:
    return evalkit.run("data.jsonl", out="out", **arms(url), **options)


def answer(server: Server, line: bytes) -> dict[str, Any]:
    """One request of a file, run as `vllm run-batch` would."""
    asked = json.loads(line)
    body = server._answer(Asked(0, asked["url"], asked["body"], {}))
    response = {"status_code": 200, "request_id": "vllm-batch-1", "body": body}
    return {"id": "vllm-1", "custom_id": asked["custom_id"], "response": response, "error": None}


def test_a_run_by_batch_is_the_run_by_live_requests(folder: Path, served: Server) -> None:
    assert isinstance(served.desk, Desk)
    run(served.url, cache="live", probe=False)  # what a probe finds is no result
    live = run_files(folder / "out")
    served.asked.clear()
    run(served.url, batch=True)
    assert run_files(folder / "out") == live
    assert len(served.asked) <= GUARD
    assert len(served.desk.batches) == 2
    asked = len(served.asked)
    run(served.url, batch=True)
    assert (len(served.asked), len(served.desk.batches)) == (asked, 2)


def test_judges_are_asked_by_batch_once_the_answers_are_there(folder: Path, served: Server) -> None:
    assert isinstance(served.desk, Desk)
    (folder / "g.json").write_text(json.dumps(SCORE))
    served.judges = {JUDGE: graded}
    options = {"scorers": ["g.json"], "judge": f"openai:{JUDGE}@{served.url}"}
    run(served.url, cache="live", probe=False, **options)
    live = run_files(folder / "out")
    served.asked.clear()
    run(served.url, batch=True, **options)
    assert run_files(folder / "out") == live
    assert len(served.asked) <= GUARD
    assert len(served.desk.batches) == 3
    assert JUDGE not in {asked.model for asked in served.asked}


def test_what_a_batch_could_not_answer_is_missing(folder: Path, served: Server) -> None:
    del folder
    assert isinstance(served.desk, Desk)
    lines = iter(range(10**6))
    served.desk.fate = lambda _: "400" if next(lines) % 8 == 0 else None
    done = run(served.url, batch=True, allow_identical=True)
    assert done.failures == "6 refused"
    assert not served.asked
    served.desk.fate = lambda _: None
    assert not run(served.url, batch=True, allow_identical=True).missing


def test_time_that_is_up_leaves_the_batch_for_the_next_run(folder: Path, served: Server) -> None:
    del folder
    assert isinstance(served.desk, Desk)
    served.desk.looks = 10**6
    done = run(served.url, batch=True, allow_identical=True, max_seconds=1.5)
    assert done.failures == "48 deadline"
    served.desk.looks = 1
    assert not run(served.url, batch=True, allow_identical=True).missing
    assert len(served.desk.batches) == 2


@pytest.mark.usefixtures("folder")
def test_what_is_in_a_batch_is_not_asked_live(served: Server) -> None:
    assert isinstance(served.desk, Desk)
    served.desk.looks = 10**6
    run(served.url, batch=True, allow_identical=True, max_seconds=0.5)
    with pytest.raises(UsageError, match=r"48 of these questions went to the server as batches"):
        run(served.url)
    assert not served.asked
    assert not served.probed
    # With another cache it is meant; and what is collected is in the way of nothing.
    other = evalkit.run("data.jsonl", out="other", cache="other", **arms(served.url))
    assert not other.missing
    served.asked.clear()
    served.desk.looks = 1
    assert not run(served.url, batch=True, allow_identical=True).missing
    assert not run(served.url, allow_identical=True).missing
    assert (len(served.asked), len(served.desk.batches)) == (0, 2)


def test_live_judges_wait_for_nothing_either(folder: Path, served: Server) -> None:
    assert isinstance(served.desk, Desk)
    (folder / "g.json").write_text(json.dumps(SCORE))
    served.judges = {JUDGE: graded}
    options: dict[str, Any] = {
        "scorers": ["g.json"],
        "judge": f"openai:{JUDGE}@{served.url}",
        "allow_identical": True,
    }
    run(served.url, allow_identical=True)
    served.desk.looks = 10**6
    run(served.url, batch=True, max_seconds=0.5, **options)
    with pytest.raises(UsageError, match="The same command with --batch collects them"):
        run(served.url, **options)
    assert JUDGE not in served.counts


def test_arms_and_judges_share_the_time_of_the_run(folder: Path, served: Server) -> None:
    assert isinstance(served.desk, Desk)
    (folder / "g.json").write_text(json.dumps(SCORE))
    served.judges = {JUDGE: graded}
    options = {
        "scorers": ["g.json"],
        "judge": f"openai:{JUDGE}@{served.url}",
        "allow_identical": True,
    }
    evalkit.run("data.jsonl", out="half", limit=12, scorers="f1", **arms(served.url))
    served.desk.looks = 10**6
    done = run(served.url, batch=True, max_seconds=1.5, **options)
    assert done.failures.endswith(" deadline")
    judges = served.desk.batches["batch-3"]
    assert judges["looks"] == 1  # handed in for the next run to collect, and not waited for
    served.desk.looks = 1
    assert not run(served.url, batch=True, **options).missing
    assert len(served.desk.batches) == 4


def test_exported_files_come_back_as_answers(folder: Path, served: Server) -> None:
    run(served.url, cache="live", probe=False)  # what a probe finds is no result
    live = run_files(folder / "out")
    served.asked.clear()
    done = export_batches("data.jsonl", out="asked", **arms(served.url))
    names = [(file.file, file.spec.name, file.requests) for file in done.files]
    assert names == [("base-7b.jsonl", "base-7b", 24), ("support.jsonl", "support", 24)]
    for file in done.files:
        path = folder / "asked" / file.file
        results = [json.dumps(answer(served, line)) for line in path.read_bytes().splitlines()]
        path.with_suffix(".results.jsonl").write_text("\n".join(reversed(results)) + "\n")
    found = import_batches("asked")
    told = [(one.answers, one.summary, one.reason) for one in found.models]
    assert told == [(24, "24 answers", "")] * 2
    assert not found.oddities
    run(served.url)
    assert not served.asked
    assert run_files(folder / "out") == live
    more = export_batches("data.jsonl", out="more", **arms(served.url))
    assert (more.files, more.cached) == ((), 48)
    with pytest.raises(UsageError, match="the cache held every answer"):
        import_batches("more")


def answered(server: Server, folder: Path, name: str) -> None:
    """Put results beside every file of an export."""
    for path in (folder / name).glob("*.jsonl"):
        results = [json.dumps(answer(server, line)) for line in path.read_bytes().splitlines()]
        path.with_suffix(".results.jsonl").write_text("\n".join(results) + "\n")


def test_results_that_were_mixed_up_are_not_compared(folder: Path, served: Server) -> None:
    export_batches("data.jsonl", out="a", **arms(served.url))
    (folder / "a" / "folder.jsonl").mkdir()
    served.aliases = {"org/base-7b": "support-adapter", "support-adapter": "org/base-7b"}
    for name in ("base-7b", "support"):
        path = folder / "a" / f"{name}.jsonl"
        results = [json.dumps(answer(served, line)) for line in path.read_bytes().splitlines()]
        path.with_suffix(".results.jsonl").write_text("\n".join(results))
    assert [one.answers for one in import_batches("a").models] == [24, 24]
    (found,) = run(served.url).record.info.differences
    assert (found.what, found.severity) == ("served models, exchanged", "refuse")


def test_a_second_export_holds_what_judges_are_asked(folder: Path, served: Server) -> None:
    (folder / "g.json").write_text(json.dumps(SCORE))
    served.judges = {JUDGE: graded}
    options: dict[str, Any] = {
        "scorers": ["g.json"],
        "judge": f"openai:{JUDGE}@{served.url}",
        "repeats": 2,
        "noise_floor": True,
    }
    run(served.url, cache="live", probe=False, **options)  # what a probe finds is no result
    live, graders = run_files(folder / "out"), served.counts[JUDGE]
    served.asked.clear()
    first = export_batches("data.jsonl", out="first", **arms(served.url), **options)
    assert {file.spec.name for file in first.files} == {"base-7b", "support"}
    assert first.waiting == ("judge:judge",)
    answered(served, folder, "first")
    assert import_batches("first").waiting == ("judge:judge",)
    second = export_batches("data.jsonl", out="second", **arms(served.url), **options)
    told = [(file.file, file.spec.name, file.requests) for file in second.files]
    assert told == [("judge-judge.jsonl", "judge:judge", graders)]
    assert not second.waiting
    answered(served, folder, "second")
    (judge,) = import_batches("second").models
    assert (judge.answers, judge.summary) == (graders, f"{graders} answers")
    run(served.url, **options)
    assert not served.asked
    assert run_files(folder / "out") == live


def test_judges_in_this_process_are_left_to_the_run(folder: Path) -> None:
    (folder / "g.json").write_text(json.dumps(SCORE))
    done = export_batches(
        "data.jsonl", out="a", scorers=["g.json"], judge="local:base", **arms(NOWHERE)
    )
    assert (done.left_out, done.waiting) == (("judge:base",), ())


def test_an_export_needs_no_key_and_no_server(folder: Path) -> None:
    del folder
    done = export_batches("data.jsonl", out="a", base="openai:gpt-a", tuned="openai:gpt-b")
    assert [file.spec.base_url for file in done.files] == ["https://api.openai.com/v1"] * 2


def test_results_that_are_not_whole_are_counted_and_said(folder: Path, served: Server) -> None:
    export_batches("data.jsonl", out="a", **arms(served.url))
    path = folder / "a" / "support.jsonl"
    results = [answer(served, line) for line in path.read_bytes().splitlines()]
    results[0]["response"] = {"status_code": 400, "request_id": "r", "body": None}
    results[0]["error"] = "Unsupported parameter: 'max_tokens' is not supported with this model"
    results[1]["custom_id"] = "nobody"
    shown = [json.dumps(result) for result in [*results, results[-1]]]
    (folder / "a" / "out.jsonl").write_text("\n".join([*shown, '{"half a li']))
    found = import_batches("a")
    base, support = found.models
    assert base.summary == "0 answers, 24 missing"
    assert support.summary == "22 answers, 1 failed (1 refused), 1 missing"
    assert "Unsupported parameter" in support.reason
    assert "`max_completion_tokens` was sent instead" in support.notes[0]
    assert found.oddities == (
        "1 line unreadable, 1 result of unknown custom_id, 1 result given twice"
    )
    # The next export holds only what is missing, and knows what the server does not take.
    again = export_batches("data.jsonl", out="b", **arms(served.url))
    assert [file.requests for file in again.files] == [24, 2]
    left = (folder / "b" / "support.jsonl").read_bytes().splitlines()
    assert all("max_completion_tokens" in json.loads(line)["body"] for line in left)


def test_stop_texts_that_a_server_refused_are_cut_at_the_import(
    folder: Path, served: Server
) -> None:
    (folder / "suite").mkdir()
    (folder / "data.jsonl").rename(folder / "suite" / "test.jsonl")
    (folder / "suite" / "suite.yaml").write_text(
        'name: words\ntask: qa\ntest: test.jsonl\ngeneration: {stop: ["e"]}\n'
    )
    for place in ("a", "b"):
        export_batches("suite", out=place, **arms(served.url))
        path = folder / place / "support.jsonl"
        results = [answer(served, line) for line in path.read_bytes().splitlines()]
        if place == "a":
            for result in results:
                result["response"] = {"status_code": 400, "body": None}
                result["error"] = "Unsupported parameter: 'stop' is not supported with this model"
        (folder / place / "out.jsonl").write_text("\n".join(map(json.dumps, results)))
        found = {one.model: one for one in import_batches(place).models}
    assert found["support"].answers == 24
    done = evalkit.run("suite", out="out", **arms(served.url))
    texts = [a.text for a in done.record.splits[0].answers["support"] if hasattr(a, "text")]
    assert len(texts) == 24
    assert not any("e" in text for text in texts)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda at: (at / "results.jsonl").unlink(), "holds no results"),
        (lambda at: (at / "results.jsonl").write_bytes(b"\xff\xfe{\x00"), "is UTF-16, as"),
        (lambda at: (at / "batch.json").unlink(), "expected a folder of `evalkit batch export`"),
        (lambda at: (at / "batch.json").write_text("{"), "is damaged or was changed"),
        (lambda at: (at / "batch.json").write_text('{"format": 99}'), "found format 99"),
        (lambda at: (at / "support.jsonl").unlink(), r"support\.jsonl"),
        (lambda at: (at / "support.jsonl").write_text("{}\n"), r"support\.jsonl:1"),
    ],
)
def test_a_folder_that_is_no_export_is_one_message(
    change: Callable[[Path], None], said: str, folder: Path
) -> None:
    export_batches("data.jsonl", out="a", **arms(NOWHERE))
    (folder / "a" / "results.jsonl").write_text("")
    change(folder / "a")
    with pytest.raises(EvalkitError, match=said):
        import_batches("a")


def test_two_arms_whose_names_differ_in_case_have_two_files(folder: Path) -> None:
    models: dict[str, Any] = {"base": f"Arm=openai:a@{NOWHERE}", "tuned": f"arm=openai:b@{NOWHERE}"}
    done = export_batches("data.jsonl", out="a", **models)
    found = [line for f in done.files for line in (folder / "a" / f.file).read_bytes().splitlines()]
    assert len(found) == 48


def test_nothing_is_exported_over_something_else(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="expected a new or empty folder"):
        export_batches("data.jsonl", out="mine", **arms(NOWHERE))


def test_a_bound_on_the_cost_cannot_be_kept(folder: Path) -> None:
    del folder
    with pytest.raises(UsageError, match="do not go together"):
        run(NOWHERE, batch=True, max_cost=1.0)


def test_models_that_cannot_be_asked_by_file_are_named(folder: Path) -> None:
    write_jsonl(folder / "a.jsonl", [{"prompt": "Word 1?", "completion": "amber"}])
    write_jsonl(folder / "b.jsonl", [{"prompt": "Word 1?", "completion": "basil"}])
    models: dict[str, Any] = {"base": "file:a.jsonl", "tuned": "file:b.jsonl"}
    with pytest.raises(UsageError, match="none of the models can be asked by file"):
        export_batches("data.jsonl", out="x", **models)
    with pytest.raises(UsageError, match="none of the models can be asked by file"):
        evalkit.run("data.jsonl", batch=True, **models)
