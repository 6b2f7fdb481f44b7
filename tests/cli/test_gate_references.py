"""A reference that the gate cannot trust ends in 2, with the reason, on the command line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit import pipeline
from evalkit.errors import UsageError
from evalkit.store import accept
from tests.command_line import Done, evalkit, write_jsonl

N = 160
SUITE = "name: words\ntask: qa\ntest: test.jsonl\nscorers: [{scorer}]\n"


def run(folder: Path, out: str, scorer: str = "exact_match") -> Done:
    (folder / "suite.yaml").write_text(SUITE.format(scorer=scorer))
    return evalkit(
        "run", ".", "--base", "file:base.jsonl", "--tuned", "tuned=file:tuned.jsonl",
        "--out", f"reports/{out}", "--quiet", cwd=folder,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two equal runs, and one whose scorer of the same name counts otherwise."""
    folder = tmp_path_factory.mktemp("gate")
    answers = [f"word {number}" for number in range(N)]
    rows = [
        {"id": str(number), "prompt": f"Word {number}?", "completion": answer}
        for number, answer in enumerate(answers)
    ]
    write_jsonl(folder / "test.jsonl", rows)
    for name, right in (("base", N // 2), ("tuned", N - 2)):
        said = [a if number < right else "none" for number, a in enumerate(answers)]
        write_jsonl(
            folder / f"{name}.jsonl",
            ({"id": str(number), "completion": text} for number, text in enumerate(said)),
        )
    for out, scorer in (("old", "chrf"), ("new", "chrf"), ("other", "chrf(word_order=2)")):
        done = run(folder, out, scorer)
        assert done.code == 0, done.err
    return folder


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edited(before: str, after: str) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    return edit


DAMAGES: list[tuple[str, Callable[[Path], object], str]] = [
    (".", shutil.rmtree, "is not a folder"),
    ("run.json", Path.unlink, "has no run.json"),
    ("run.json", half, "is damaged, or not what `evalkit run` wrote"),
    ("run.json", edited('"margin": 0.05', '"margin": 0.5'), "run.json was changed after the run"),
    ("examples.csv", half, "examples.csv was changed or cut off"),
    ("completions.jsonl", edited("none", "word 9"), "completions.jsonl was changed or cut off"),
    ("comparison.csv", Path.unlink, "comparison.csv cannot be read"),
]


@pytest.mark.parametrize(("name", "damage", "reason"), DAMAGES, ids=[d[2] for d in DAMAGES])
def test_a_damaged_reference_ends_in_2(
    runs: Path, tmp_path: Path, name: str, damage: Callable[[Path], object], reason: str
) -> None:
    shutil.copytree(runs / "reports", tmp_path / "reports")
    damage(tmp_path / "reports" / "old" / name)
    done = evalkit("gate", "reports/new", "--against", "reports/old", cwd=tmp_path)
    assert done.code == 2, done.err
    assert reason in done.err
    assert "reports/old" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        (".", shutil.rmtree, "is not there"),
        ("run.json", half, "is not the one that was accepted"),
        ("examples.csv", half, "examples.csv was changed or cut off"),
    ],
)
def test_so_does_an_accepted_run_that_is_damaged(
    runs: Path, tmp_path: Path, name: str, damage: Callable[[Path], object], reason: str
) -> None:
    shutil.copytree(runs / "reports", tmp_path / "reports")
    accept(tmp_path / "reports" / "old", ["words"])
    damage(tmp_path / "reports" / "old" / name)
    done = evalkit("gate", "reports/new", cwd=tmp_path)
    assert done.code == 2, done.err
    assert reason in " ".join(done.err.split())
    assert "Traceback" not in done.err


def test_a_whole_reference_is_no_trouble(runs: Path) -> None:
    done = evalkit("gate", "reports/new", "--against", "reports/old", cwd=runs)
    assert (done.code, done.out.split(":")[0]) == (0, "PASS"), done.err


def test_a_scorer_of_the_same_name_that_counts_otherwise_ends_in_2(runs: Path) -> None:
    done = evalkit("gate", "reports/new", "--against", "reports/other", cwd=runs)
    assert done.code == 2
    assert "chrf" in done.err
    assert "word_order" in done.err or "nw:" in done.err, done.err


SCORE = ("score", "reports/old", "--scorer", "contains")
AGAIN = (
    "run", ".", "--base", "file:base.jsonl", "--tuned", "tuned=file:tuned.jsonl",
    "--out", "reports/old",
)  # fmt: skip


@pytest.mark.parametrize("words", [SCORE, AGAIN], ids=["score", "run"])
def test_an_accepted_run_is_replaced_only_by_force(
    runs: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    kept = {path: path.read_bytes() for path in (tmp_path / "reports" / "old").iterdir()}
    assert evalkit("gate", "reports/old", "--accept", cwd=tmp_path).code == 0
    done = evalkit(*words, cwd=tmp_path)
    assert done.code == 2
    assert "the run in reports/old is an accepted reference (of words)" in done.err
    assert "--force" in done.err
    assert {path: path.read_bytes() for path in kept} == kept
    assert evalkit("gate", "reports/old", cwd=tmp_path).code == 0
    assert evalkit(*words, "--force", cwd=tmp_path).code == 0
    assert (
        kept[tmp_path / "reports/old/run.json"] != (tmp_path / "reports/old/run.json").read_bytes()
    )


def test_in_python_too_and_other_folders_are_free(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    pipeline.load("reports/old").accept(force=True)
    with pytest.raises(UsageError, match="is an accepted reference"):
        pipeline.score("reports/old")
    with pytest.raises(UsageError, match="is an accepted reference"):
        pipeline.score("reports/new", out="reports/old")
    with pytest.raises(UsageError, match="is an accepted reference"):
        pipeline.run(".", base="file:base.jsonl", tuned="file:tuned.jsonl", out="reports/old")
    assert pipeline.score("reports/old", out="reports/elsewhere").folder.is_dir()
    assert pipeline.score("reports/new").folder.is_dir()


def test_score_says_that_it_replaces(tmp_path: Path) -> None:
    told = " ".join(evalkit("score", "--help", cwd=tmp_path).out.replace("│", " ").split())
    assert "RUN is replaced by what comes out, unless --out names another folder" in told


def test_a_comparison_in_a_pipe_is_as_wide_as_its_texts(runs: Path) -> None:
    done = evalkit("compare", "reports/old", "reports/new", cwd=runs, env={"COLUMNS": "40"})
    assert done.code == 0, done.err
    assert "…" not in done.err
    (row,) = (line for line in done.err.splitlines() if line.startswith("words  tuned"))
    assert row.split()[:3] == ["words", "tuned", "chrf"]
    assert row.split()[-3:] == ["1.000", "0", "0"]


def test_an_accepted_run_is_told_of_once(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "reports", tmp_path / "reports")
    assert evalkit("gate", "reports/old", "--accept", cwd=tmp_path).code == 0
    done = evalkit("gate", "reports/new", "--against", "reports/old", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.err.count("words / tuned against old/tuned") == 1
    assert done.out.count("tuned against old/tuned") == 1


def test_a_verdict_is_called_so(tmp_path: Path) -> None:
    told = " ".join(evalkit("gate", "--help", cwd=tmp_path).out.replace("│", " ").split())
    assert "accept the run whatever the verdict; the exit code still reports it." in told
    page = (Path(__file__).parents[2] / "docs" / "gate.md").read_text(encoding="utf-8")
    assert not re.search(r"\bwords?\b", told + page)
