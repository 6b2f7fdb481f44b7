"""What README and docs say is done here, word for word; what they link to exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from evalkit import errors
from evalkit.cli import BUG
from evalkit.verdict.gate import CODES
from tests.command_line import evalkit, evalkit_process, write_jsonl
from tests.servers.openai_server import Server

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / ".github/CONTRIBUTING.md",
]
N = 40


def block(start: str, language: str) -> str:
    """The first code block of a language after a text."""
    found = re.search(rf"```{language}\n(.*?)```", README[README.index(start) :], re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split, first in (("test", 0), ("train", N)):
        rows = [
            {"prompt": f"{split} {i}: how much is {i} and {i}?", "completion": f"{2 * i}"}
            for i in range(first, first + N)
        ]
        write_jsonl(tmp_path / f"{split}.jsonl", rows)
        for name, right in (("base", 4), ("tuned", 35)):
            answers = [
                row if i < right else {**row, "completion": "?"} for i, row in enumerate(rows)
            ]
            if split == "test":
                write_jsonl(tmp_path / f"{name}.jsonl", answers)
    return tmp_path


def reply(model: str, messages: list[dict[str, Any]]) -> str:
    number = int(re.findall(r"\d+", str(messages[-1]["content"]))[0])
    return str(2 * number) if number % N < (35 if model == "support" else 4) else "?"


def test_five_lines_on_ones_own_server(folder: Path) -> None:
    script = block("## Your own data", "sh").replace("\\\n", " ")
    with Server(reply=reply) as server:
        for line in script.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] != ["evalkit"]:
                assert words[0] in {"pip", "vllm"}  # what this test stands in for
                continue
            words = [word.replace("http://localhost:8000/v1", server.url) for word in words]
            done = evalkit_process(*words[1:], cwd=folder)
            assert done.code == 0, done.err
        assert set(server.counts) == {"Qwen/Qwen3-0.6B", "support"}


def test_the_same_line_in_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found: dict[str, Any] = {}
    exec(block("In Python", "python"), found)  # noqa: S102 - our own README
    assert found["run"].comparison.delta[0] == pytest.approx(31 / N)


def test_the_files_of_a_run_folder_are_those_that_are_named(folder: Path) -> None:
    done = evalkit("run", "test.jsonl", "--base", "file:base.jsonl", "--tuned", "file:tuned.jsonl",
                   "--out", "out", cwd=folder)  # fmt: skip
    assert done.code == 0, done.err
    text = README[README.index("## What is in a run folder") :]
    for path in (folder / "out").iterdir():
        assert f"`{path.name}`" in text, path.name


def test_ids_and_answers_stay_what_they_are_in_pandas(tmp_path: Path) -> None:
    import pandas as pd

    rows = [{"id": f"{i:03}", "prompt": f"{i}?", "completion": "NA"} for i in range(3)]
    write_jsonl(tmp_path / "test.jsonl", rows)
    arms = ["--base", "file:test.jsonl", "--tuned", "copy=file:test.jsonl", "--allow-identical"]
    done = evalkit("run", "test.jsonl", *arms, "--out", "out", cwd=tmp_path)
    assert done.code == 0, done.err
    (call,) = re.findall(r"`(pandas\.read_csv\(path, .*?\))`", README)
    known = {"pandas": pd, "path": tmp_path / "out" / "examples.csv"}
    table = eval(call, known | {"str": str})  # noqa: S307 - our own README
    assert list(table.id[table.model == "copy"]) == ["000", "001", "002"]
    assert set(table.completion) == {"NA"}
    assert table.exact_match.dtype == float


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 70, 130])
def test_exit_codes_are_those_of_the_error_tree(code: int) -> None:

    known = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    assert code in known | {0, BUG, *CODES}
    assert f"| {code} |" in README
