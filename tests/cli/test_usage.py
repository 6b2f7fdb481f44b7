"""Words that the command line cannot take, and errors for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import evalkit, evalkit_process


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("gate x --margin 7", "--margin: found '7', expected 1 or less"),
        ("run --limit many", "--limit: found 'many', expected an integer"),
        ("run --timeout x", "--timeout: found 'x', expected a number"),
        ("gate x --mode foo", "--mode: 'foo' is not one of 'three-way', 'significant-regression',"),
        ("run --limt 5", "No such option: --limt (Possible options: --limit, --quiet, --timeout)"),
        ("gate", "Missing argument 'RUN'"),
        ("runn", "No such command 'runn'. Did you mean 'run'?"),
    ],
)
def test_what_cannot_be_read_is_said_in_our_words(tmp_path: Path, words: str, message: str) -> None:
    done = evalkit(*words.split(), cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    said = " ".join(done.err.split())
    assert said.startswith(f"error: {message}")
    command = "" if message.startswith("No such command") else f"{words.split(maxsplit=1)[0]} "
    assert said.endswith(f"; see `evalkit {command}--help`")


def test_nothing_is_proposed_that_would_be_refused(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    words = ("run", "t.jsonl", "--base", "file:t.jsonl", "--tuned")
    done = evalkit(*words, "=2+3=file:t.jsonl", cwd=tmp_path)
    assert done.code == 2
    assert "the name '=2+3' has characters that no file name may have" in done.err
    for word in ("=2+3=file:t.jsonl", "=2+3=t.jsonl"):
        assert "did you mean" not in evalkit(*words, word, cwd=tmp_path).err


@pytest.mark.parametrize(
    "words",
    [
        "run nowhere.jsonl --base file:a --tuned file:b",
        "run --limt 5",
        "run --retry-missing x",
        "report x",
        "gate x",
        "gate x --margin 7",
        "compare x y",
        "score x",
        "check x",
        "models openai",
        "batch export --out y nowhere.jsonl --base openai:a --tuned openai:b",
        "batch import x",
    ],
)
def test_machines_get_errors_as_json(tmp_path: Path, words: str) -> None:
    done = evalkit(*words.split(), "--json", cwd=tmp_path)
    told = json.loads(done.out)
    assert (done.code, told["exit_code"], set(told)) == (2, 2, {"error", "exit_code"})
    said = " ".join(done.err.split())
    assert said == f"error: {' '.join(told['error'].split())}"


def test_a_fault_of_ours_is_json_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("evalkit.pipeline.check", broken)
    done = evalkit("check", "--json", cwd=tmp_path)
    assert (done.code, json.loads(done.out)["exit_code"]) == (70, 70)
    assert "ZeroDivisionError: oh" in json.loads(done.out)["error"]


def test_help_is_no_error(tmp_path: Path) -> None:
    bare = evalkit_process(cwd=tmp_path)
    assert (bare.code, bare.err) == (2, "")
    asked = evalkit_process("--help", cwd=tmp_path)
    assert (asked.code, asked.err) == (0, "")
    assert bare.out.strip() == asked.out.strip()
    assert "70 a fault in evalkit" in " ".join(asked.out.split())
