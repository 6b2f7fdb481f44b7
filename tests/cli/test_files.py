"""The whole line on completions already made: offline, in any of the row formats."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.command_line import evalkit, evalkit_process, write_jsonl

WORDS = ("amber", "basil", "cedar", "delta", "ember", "fjord", "grape", "hazel")
N = 40


def rows() -> list[dict[str, str]]:
    return [{"id": f"{i:03}", "prompt": f"Word {i}?", "completion": WORDS[i % 8]} for i in range(N)]


def answers(*, right: int) -> list[dict[str, str]]:
    """The first so many are right, the others wrapped in a sentence or wrong."""
    return [
        {
            "id": row["id"],
            "completion": row["completion"]
            if i < right
            else (f"It is {row['completion']}, I think." if i % 2 else "no idea"),
        }
        for i, row in enumerate(rows())
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "data.jsonl", rows())
    write_jsonl(tmp_path / "a.jsonl", answers(right=8))
    write_jsonl(tmp_path / "b.jsonl", answers(right=36))
    return tmp_path


RUN = ("run", "data.jsonl", "--base", "file:a.jsonl", "--tuned", "file:b.jsonl", "--out", "out")


def test_existing_outputs_are_scored_offline(folder: Path) -> None:
    done = evalkit_process(*RUN, cwd=folder)
    assert done.code == 0, done.err
    assert done.out.strip().endswith("report.html")
    assert {path.name for path in (folder / "out").iterdir()} == {
        "run.json", "completions.jsonl", "examples.csv", "summary.csv", "comparison.csv",
        "overfit.csv", "confusion.csv", "leakage.csv", "losses.csv", "noise.csv",
        "checkpoints.csv", "report.html",
    }  # fmt: skip
    summary = pd.read_csv(folder / "out" / "summary.csv", keep_default_na=False)
    row = summary[(summary.scorer == "exact_match") & (summary.model == "b")].iloc[0]
    assert float(row.score) == 0.9
    comparison = pd.read_csv(folder / "out" / "comparison.csv", keep_default_na=False)
    row = comparison[comparison.scorer == "exact_match"].iloc[0]
    assert float(row.delta) == pytest.approx(0.7)
    assert (row.wins, row.losses, row.n) == (28, 0, N)


def test_the_page_shows_the_numbers_of_the_tables(folder: Path) -> None:
    assert evalkit(*RUN, cwd=folder).code == 0
    page = (folder / "out" / "report.html").read_text()
    shown = set(re.findall(r'data-value="([^"]*)"', page))
    for name, columns in {
        "summary.csv": ["score", "low", "high"],
        "comparison.csv": ["delta", "low", "high"],
    }.items():
        table = pd.read_csv(folder / "out" / name, dtype=str, keep_default_na=False)
        for column in columns:
            missing = {value for value in table[column] if value} - shown
            assert not missing, (name, column, missing)


def test_missing_answers_are_told_by_split(folder: Path) -> None:
    train = [{"id": f"t{i}", "prompt": f"Learnt {i}?", "completion": "amber"} for i in range(N)]
    write_jsonl(folder / "train.jsonl", train)
    write_jsonl(folder / "b.jsonl", [*answers(right=36), *train])
    done = evalkit(*RUN, "--train", "train.jsonl", cwd=folder)
    told = " ".join(done.err.split())
    warning = "a: 40 of 80 answers are missing (40 absent), 40 in train; they are left out of both"
    assert f"warning: {warning} arms. absent: a.jsonl has no completion" in told
    assert "Comparable? yes 40 pairs, asked in the same way; no test answer is missing" in told
    write_jsonl(folder / "a.jsonl", answers(right=8)[:-3])
    done = evalkit(*RUN, "--train", "train.jsonl", cwd=folder)
    assert "43 of 80 answers are missing (43 absent), 3 in test and 40 in train;" in " ".join(
        done.err.split()
    )
    assert "3 of 40 (7.5 %) pairs are missing" in " ".join(done.err.split())


def test_ids_keep_their_zeros_and_texts_their_form(tmp_path: Path) -> None:
    texts = ["NA", "null", "1.0", "001", "true", "", "nan", "1e5"]
    write_jsonl(
        tmp_path / "d.jsonl",
        ({"id": f"{i:03}", "prompt": f"q{i}", "completion": t or "-"} for i, t in enumerate(texts)),
    )
    (tmp_path / "a.csv").write_text(
        "id,completion\n" + "".join(f'{i:03},"{text or "-"}"\n' for i, text in enumerate(texts))
    )
    write_jsonl(tmp_path / "b.jsonl", ({"id": f"{i:03}", "completion": "x"} for i in range(8)))
    done = evalkit(
        "run", "d.jsonl", "--base", "file:a.csv", "--tuned", "file:b.jsonl",
        "--scorer", "exact_match_strict", "--out", "out", cwd=tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    lines = (tmp_path / "out" / "completions.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [row["id"] for row in found] == [f"{i:03}" for i in range(8)]
    assert [row["references"][0] for row in found] == [text or "-" for text in texts]
    summary = pd.read_csv(tmp_path / "out" / "summary.csv", keep_default_na=False)
    assert list(summary[summary.model == "a"].score.astype(float)) == [1.0]


def test_equal_runs_are_equal_bytes_but_for_the_clocks(folder: Path) -> None:
    for out in ("one", "two"):  # processes: each hashes strings in its own way
        assert evalkit_process(*RUN[:-1], out, cwd=folder).code == 0
    for path in sorted((folder / "one").iterdir()):
        one, two = (re_read(folder / out / path.name) for out in ("one", "two"))
        assert one == two, path.name


def re_read(path: Path) -> object:
    """A file without its clocks and without the name of its folder."""
    text = path.read_text(encoding="utf-8")
    if path.name == "run.json":
        body = json.loads(text)
        del body["run"]["clocks"], body["run"]["name"], body["sha256"]
        return body
    if path.name == "report.html":
        text = re.sub(r"<p data-clock.*?</p>", "", text, flags=re.DOTALL)
        return re.sub(r"\b(one|two)\b", "", text)
    return text


def test_a_missing_answer_is_missing_and_the_exit_code_says_so(folder: Path) -> None:
    write_jsonl(folder / "b.jsonl", answers(right=36)[:-3])
    done = evalkit_process(*RUN, cwd=folder)
    assert done.code == 4
    assert "3 answers could not be had: 3 absent" in done.err
    assert "add them to the file" in " ".join(done.err.split())
    summary = pd.read_csv(folder / "out" / "summary.csv", keep_default_na=False)
    row = summary[(summary.scorer == "exact_match") & (summary.model == "b")].iloc[0]
    assert (row.n, row.missing, float(row.score)) == (N - 3, 3, 36 / 37)


def test_report_gate_and_score_work_from_the_folder_alone(folder: Path) -> None:
    assert evalkit(*RUN, cwd=folder).code == 0
    for name in ("a.jsonl", "b.jsonl", "data.jsonl"):
        (folder / name).unlink()
    page = (folder / "out" / "report.html").read_bytes()
    (folder / "out" / "report.html").unlink()
    assert evalkit("report", "out", cwd=folder).code == 0
    assert (folder / "out" / "report.html").read_bytes() == page
    gate = evalkit("gate", "out", cwd=folder)
    assert (gate.code, gate.out.split(":")[0]) == (0, "PASS"), gate.err
    scored = evalkit("score", "out", "--scorer", "default", "--scorer", "chrf",
                     "--out", "again", cwd=folder)  # fmt: skip
    assert scored.code == 0, scored.err
    summary = pd.read_csv(folder / "again" / "summary.csv", keep_default_na=False)
    assert {"exact_match", "chrf"} <= set(summary.scorer)


def test_a_regression_fails_the_gate(folder: Path) -> None:
    swap = {"file:a.jsonl": "file:b.jsonl", "file:b.jsonl": "file:a.jsonl"}
    swapped = [swap.get(word, word) for word in RUN]
    done = evalkit(*swapped, "--gate", cwd=folder)
    assert done.code == 1, done.err
    assert done.out.strip().splitlines()[-1].startswith("FAIL")


def test_json_is_for_machines(folder: Path) -> None:
    done = evalkit(*RUN, "--json", cwd=folder)
    assert json.loads(done.out)["gate"]["verdict"] == "PASS"


def test_own_scorer_of_four_lines(folder: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- own scorer: polite.py -->\n```python\n(.*?)```", readme, re.DOTALL)
    assert block is not None
    (folder / "polite.py").write_text(block[1])
    done = evalkit(*RUN, "--scorer", "polite.py:polite", cwd=folder)
    assert done.code == 0, done.err
    assert set(pd.read_csv(folder / "out" / "summary.csv").scorer) == {"polite"}


def test_what_is_in_the_way_is_left_alone(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "summary.csv").write_text("my own")
    done = evalkit(*RUN[:-1], "mine", cwd=folder)
    assert (done.code, (folder / "mine" / "summary.csv").read_text()) == (2, "my own")
    assert "other files in it" in done.err
    assert "answers" not in done.err  # refused before anything was asked


def test_prompts_that_were_trained_on_prove_nothing(folder: Path) -> None:
    done = evalkit(*RUN, "--train", "data.jsonl", "--gate", cwd=folder)
    assert done.code == 3, done.err
    assert "40 of 40 (100.0 %) test prompts are in its training data" in done.err
    assert re.search(r"Better\?\s+unknown", done.err)


def test_an_unknown_scorer_shows_in_check_too(folder: Path) -> None:
    (folder / "suite.yaml").write_text(
        "name: s\ntask: qa\ntest: data.jsonl\nscorers: [exact_mach]\n"
    )
    done = evalkit("check", "suite.yaml", cwd=folder)
    assert done.code == 2
    assert "did you mean 'exact_match'" in done.err
