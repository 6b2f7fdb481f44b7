"""Models that answer nothing: the cause is named, and nobody is taken for somebody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import Done, evalkit, write_jsonl
from tests.servers.openai_server import Asked, Server

N = 40
WHY = {"thinking": "cut off by max_tokens", "filtered": "filtered by the server"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_jsonl(
        tmp_path / "data.jsonl",
        [{"id": f"{i}", "prompt": f"question {i}", "completion": "yes"} for i in range(N)],
    )
    return tmp_path


def flat(text: str) -> str:
    """A terminal's text without its line ends."""
    return " ".join(text.split())


def served(folder: Path, server: Server, *words: str) -> Done:
    arms = ["--base", f"openai:base@{server.url}", "--tuned", f"openai:tuned@{server.url}"]
    return evalkit("run", "data.jsonl", *arms, "--out", "out", *words, cwd=folder)


def made(folder: Path, base: list[str], tuned: list[str]) -> Done:
    for name, texts in {"base": base, "tuned": tuned}.items():
        rows = [{"id": f"{i}", "completion": text} for i, text in enumerate(texts)]
        write_jsonl(folder / f"{name}.jsonl", rows)
    arms = "--base", "file:base.jsonl", "--tuned", "file:tuned.jsonl"
    return evalkit("run", "data.jsonl", *arms, "--out", "out", cwd=folder)


@pytest.mark.parametrize("fault", WHY)
def test_two_models_that_say_nothing_are_not_called_one(folder: Path, fault: str) -> None:
    with Server(fault=lambda _: fault) as server:
        done = served(folder, server, "--limit", "32")
    assert done.code == 0, done.err
    told = flat(done.err)
    assert "one model" not in told
    assert "same model" not in told
    for model in ("base", "tuned"):
        assert f"warning: {model}: all 32 answers are empty (32 {WHY[fault]})." in told
    both = f"all 64 answers are empty (64 {WHY[fault]})"
    assert f"Forgot? no text tuned and base said nothing: {both}." in told
    assert f"Comparable? no nothing to compare: {both}" in told
    assert f"all 32 answers are empty (32 {WHY[fault]})" in (folder / "out/report.html").read_text()
    gated = evalkit("gate", "out", cwd=folder)
    assert gated.code == 3
    assert "--allow-identical" not in gated.out + gated.err


def test_a_server_that_ignores_names_is_found_by_the_answers_that_have_text(folder: Path) -> None:
    def fault(asked: Asked) -> str | None:
        return "filtered" if "question 3" in str(asked.body) else None

    with Server(aliases={"tuned": "base"}, fault=fault) as server:
        done = served(folder, server)
    assert done.code == 2
    assert "'tuned' and its base 'base' are one model" in flat(done.err)


def test_completions_already_made_may_be_empty_in_both_files(folder: Path) -> None:
    done = made(folder, [""] * N, [""] * N)
    assert "same model" not in done.err
    assert "warning: tuned: all 40 answers are empty." in flat(done.err)
    alike = made(folder, ["a"] * N, ["a"] * N)
    assert "looks like the same model" in flat(alike.err)


def test_a_few_empty_answers_are_told_and_many_more_of_one_arm_are_no_fair_comparison(
    folder: Path,
) -> None:
    half = made(folder, [""] * 20 + ["no"] * 20, ["yes"] * N)
    told = flat(half.err)
    assert "warning: base: 20 of 40 (50.0 %) answers are empty." in told
    assert "warning: tuned" not in told
    assert "Comparable? with care empty answers: 20 of 40 (50.0 %) → 0 of 40 (0.0 %)" in told
    assert "answers are empty" not in made(folder, [""] + ["no"] * 39, ["yes"] * N).err
