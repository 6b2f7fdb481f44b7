"""Sentences of the command line that a newcomer stumbled over."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from evalkit.cli import options
from evalkit.pipeline.options import RunOptions
from evalkit.pipeline.plan import Plan
from tests.command_line import evalkit, write_jsonl
from tests.servers.openai_server import Server

ROWS = [{"id": f"{i}", "prompt": f"question {i}", "completion": f"{i}"} for i in range(40)]


def flat(text: str) -> str:
    """A text without its line ends."""
    return " ".join(text.split())


def test_one_prompt_is_told_in_the_singular_and_what_is_assumed_as_assumed(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "one.jsonl", ROWS[:1])
    told = flat(evalkit("check", "one.jsonl", cwd=tmp_path).err)
    assert (
        "1 prompt cannot show a difference between two models that are assumed to differ on 12.5 % "
        "of them;"
    ) in told


def test_what_was_looked_for_and_not_found_is_said_plainly(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "data.jsonl", ROWS)
    write_jsonl(tmp_path / "a.jsonl", [row | {"completion": "no"} for row in ROWS])
    arms = "--base", "file:a.jsonl", "--tuned", "file:data.jsonl"
    done = evalkit(
        "run", "data.jsonl", *arms, "--train", "data.jsonl", "--out", "out", cwd=tmp_path
    )
    assert "; 0 clean prompts were answered; too few to judge" in flat(done.err)
    page = flat((tmp_path / "out" / "report.html").read_text())
    assert "<p>None of this was found.</p>" in page
    assert "counted here because that differs from being wrong" in page


def test_answers_that_run_on_and_looks_are_told_with_what_follows(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "data.jsonl", ROWS)
    suite = "name: s\ntask: qa\ntest: data.jsonl\ngeneration: {max_tokens: 2}\n"
    (tmp_path / "suite.yaml").write_text(suite)
    with Server(reply=lambda model, _: f"{model} goes on and on") as server:
        arms = "--base", f"openai:a@{server.url}", "--tuned", f"openai:b@{server.url}"
        done = evalkit("run", "suite.yaml", *arms, "--stop-early", "--out", "out", cwd=tmp_path)
    told = flat(done.err)
    assert "raise `generation.max_tokens` unless this model simply runs on." in told
    assert "are wider than those of a run planned at this size." in told


def test_the_defaults_that_help_names_are_those_of_the_code() -> None:
    plan = {field.name: field.default for field in fields(Plan)}
    told = {
        "concurrency": options.Concurrency,
        "timeout": options.Timeout,
        "cache": options.Cache,
    }
    for name, option in told.items():
        _, asked = get_args(option)
        default = f"{plan[name]:g}" if isinstance(plan[name], float) else str(plan[name])
        assert asked.help.endswith(f"({default}).")
        assert re.search(
            rf" {name}: [^:]*\(`?{re.escape(default)}`?\)\.", flat(RunOptions.__doc__ or "")
        )
