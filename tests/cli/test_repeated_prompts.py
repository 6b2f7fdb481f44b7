"""Rows that ask the same: three prompts forty times each are three prompts, whatever is asked."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.command_line import Done, evalkit, write_jsonl

ROWS = [
    {"id": f"{i:03}", "prompt": f"{'abc'[i % 3]}?", "completion": "ABC"[i % 3]} for i in range(120)
]
COUNTED = "3 distinct prompts in 120 rows count as 3: rows that ask the same are one unit"


def flat(text: str) -> str:
    """A terminal's text without its line ends."""
    return " ".join(text.split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "d3.jsonl", ROWS)
    write_jsonl(tmp_path / "own.jsonl", [row | {"cluster_id": row["id"]} for row in ROWS])
    write_jsonl(tmp_path / "good.jsonl", ROWS)
    write_jsonl(
        tmp_path / "poor.jsonl",
        [row | {"completion": "A"} for row in ROWS],
    )
    return tmp_path


def run(folder: Path, data: str, *words: str) -> Done:
    files = "--base", "file:poor.jsonl", "--tuned", "file:good.jsonl"
    return evalkit("run", data, *files, "--out", "out", *words, cwd=folder)


def test_three_prompts_asked_often_pass_no_gate(folder: Path) -> None:
    done = run(folder, "d3.jsonl")
    assert done.code == 0, done.err
    assert f"warning: d3: {COUNTED}" in flat(done.err)
    assert "Better? not shown +66.7 points" in flat(done.err)
    assert COUNTED in (folder / "out" / "report.html").read_text()
    gated = evalkit("gate", "out", cwd=folder)
    assert gated.code == 3
    assert "3 independent units compared; a decision needs at least 20" in flat(gated.out)


def test_intervals_and_tests_are_those_of_the_clusters_that_one_could_name(folder: Path) -> None:
    named = [row | {"cluster_id": row["prompt"]} for row in ROWS]
    write_jsonl(folder / "named.jsonl", named)
    tables = []
    for data in ("d3.jsonl", "named.jsonl", "own.jsonl"):
        assert run(folder, data, "--scorer", "exact_match", "--scorer", "rouge_l").code == 0
        with (folder / "out" / "comparison.csv").open(encoding="utf-8", newline="") as file:
            tables.append(
                [
                    [row[key] for key in ("delta", "low", "high", "p")]
                    for row in csv.DictReader(file)
                ]
            )
    assert tables[0] == tables[1]
    assert tables[0] != tables[2]


def test_ten_prompts_settle_nothing_however_clear(folder: Path) -> None:
    ten = [row | {"prompt": f"{i % 10}?", "completion": f"{i % 10}"} for i, row in enumerate(ROWS)]
    write_jsonl(folder / "ten.jsonl", ten)
    write_jsonl(folder / "good.jsonl", ten)
    told = flat(run(folder, "ten.jsonl").err)
    assert "Not settled: 10 independent units; a decision needs at least 20." in told


def test_a_plan_counts_prompts_not_rows(folder: Path) -> None:
    told = evalkit("check", "d3.jsonl", cwd=folder)
    assert f"problem: test: {COUNTED}" in flat(told.err)
    assert "3 prompts cannot show a difference" in flat(told.err)
    found = json.loads(evalkit("check", "d3.jsonl", "--json", cwd=folder).out)
    assert found[0]["planning"]["units"] == 3


def test_a_cluster_for_every_row_counts_rows(folder: Path) -> None:
    done = run(folder, "own.jsonl")
    assert "distinct prompts" not in done.err
    assert evalkit("gate", "out", cwd=folder).code == 0


def test_asking_every_prompt_again_repeats_no_prompt(folder: Path) -> None:
    distinct = [row | {"prompt": f"{row['prompt']} {row['id']}"} for row in ROWS]
    write_jsonl(folder / "distinct.jsonl", distinct)
    done = run(folder, "distinct.jsonl", "--repeats", "3")
    assert done.code == 0, done.err
    assert "distinct prompts" not in done.err
    with (folder / "out" / "comparison.csv").open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert first["method"].startswith("tango")
