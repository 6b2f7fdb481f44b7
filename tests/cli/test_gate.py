"""The gate through the real command line: its words, its exit codes, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from evalkit import embedded
from evalkit.verdict.wording import MINUS
from tests.command_line import Done, evalkit, evalkit_process, write_jsonl

N = 60
SUITE = "name: words\ntask: qa\ntest: test.jsonl\nscorers: [exact_match, f1]\n"


def write_suite(folder: Path, text: str = SUITE) -> None:
    (folder / "suite.yaml").write_text(text)
    rows = ({"id": str(i), "prompt": f"Word {i}?", "completion": f"word{i}"} for i in range(N))
    write_jsonl(folder / "test.jsonl", rows)


def write_answers(folder: Path, name: str, right: Iterable[int], *, answered: int = N) -> None:
    known = set(right)
    write_jsonl(
        folder / f"{name}.jsonl",
        (
            {"id": str(i), "completion": f"word{i}" if i in known else f"{name} does not know"}
            for i in range(answered)
        ),
    )


def run(folder: Path, tuned: str, out: str, *options: str) -> Done:
    return evalkit(
        "run", ".", "--base", "file:base.jsonl", "--tuned", f"tuned=file:{tuned}.jsonl",
        "--out", out, "--quiet", *options, cwd=folder,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_suite(tmp_path)
    write_answers(tmp_path, "base", range(30))
    write_answers(tmp_path, "better", range(50))
    write_answers(tmp_path, "worse", range(12))
    write_answers(tmp_path, "open", range(2, 31))
    return tmp_path


@pytest.mark.parametrize(
    ("tuned", "code", "word"),
    [("better", 0, "PASS"), ("worse", 1, "FAIL"), ("open", 3, "INCONCLUSIVE")],
)
def test_exit_codes_0_1_3(folder: Path, tuned: str, code: int, word: str) -> None:
    ran = run(folder, tuned, "reports/a", "--gate")
    assert (ran.code, ran.out.splitlines()[-1].split(":")[0]) == (code, word), ran.err
    (folder / "suite.yaml").unlink()  # from the run folder alone
    again = evalkit_process("gate", "reports/a", cwd=folder)
    assert (again.code, again.out) == (code, ran.out.splitlines(keepends=True)[-1])
    assert f"{word:13} words / tuned against base: exact_match " in again.err
    assert "points on 60 pairs (90 % CI " in again.err
    shown = again.err + evalkit("report", "reports/a", cwd=folder).err
    assert (MINUS in shown, re.findall(r"(?:^|[ (\[.])-[0-9]", shown)) == (word != "PASS", [])
    told = json.loads(evalkit("gate", "reports/a", "--json", cwd=folder).out)
    assert (told["verdict"], told["exit_code"]) == (word, code)
    if word == "INCONCLUSIVE":
        needed = told["results"][0]["needed"]
        assert needed > N
        assert f"about {needed} pairs would settle it" in again.err
        assert f"about {needed - N} more pairs would settle words" in again.out


def test_a_copy_of_the_base_is_the_same_model(folder: Path) -> None:
    (folder / "copy.jsonl").write_bytes((folder / "base.jsonl").read_bytes())
    ran = run(folder, "copy", "reports/a", "--gate")
    seen = "words cannot be judged: looks like the same model, with equal answers to all 60 prompts"
    assert (ran.code, seen in ran.out) == (3, True), ran.out
    assert "if it is meant, run again with --allow-identical" in ran.out
    assert run(folder, "copy", "reports/b", "--gate", "--allow-identical").code == 0


def test_a_copied_checkpoint_is_the_same_model_before_anything_is_asked(tmp_path: Path) -> None:
    shutil.copytree(embedded.weights_folder("base"), tmp_path / "copy")
    done = evalkit(
        "run", "world-facts", "--base", "local:base", "--tuned", "tuned=local:copy",
        "--out", "out", "--quiet", cwd=tmp_path,
    )  # fmt: skip
    assert (done.code, (tmp_path / "out").exists()) == (2, False)
    assert "'tuned' and its base 'base' are the same model: equal weights" in " ".join(
        done.err.split()
    )


def test_exit_code_4_where_answers_are_missing(folder: Path) -> None:
    write_answers(folder, "cut", range(50), answered=58)
    assert run(folder, "cut", "reports/a").code == 4
    assert evalkit("gate", "reports/a", cwd=folder).code == 0
    write_answers(folder, "cut", range(50), answered=55)
    assert run(folder, "cut", "reports/a").code == 4
    judged = evalkit("gate", "reports/a", cwd=folder)
    assert judged.code == 3
    assert "5 of 60 (8.3 %) pairs are missing" in judged.err


def test_the_rule_can_be_changed_without_asking_again(folder: Path) -> None:
    assert run(folder, "open", "reports/a").code == 0
    (folder / "evalkit.yaml").write_text("gate: {margin: 0.3}\n")
    (folder / "none.yaml").write_text("seed: 1\n")
    for options, code in (
        (["--margin", "0.3"], 0),
        (["--config", "evalkit.yaml"], 0),
        (["--mode", "significant-regression"], 0),
        (["--mode", "non-inferiority"], 1),
        (["--config", "none.yaml"], 2),
        (["--margin", "7"], 2),
        (["--mode", "lenient"], 2),
    ):
        assert evalkit("gate", "reports/a", *options, cwd=folder).code == code, options


def test_rules_of_the_suite_and_of_the_project(folder: Path) -> None:
    write_suite(folder, SUITE + "gate: {inconclusive: 1}\n")
    assert run(folder, "open", "reports/a", "--gate").code == 1
    (folder / "evalkit.yaml").write_text("gate: {inconclusive: 0}\n")
    assert run(folder, "open", "reports/b", "--gate").code == 0
    write_suite(folder, SUITE + "gate: {mode: threeway}\n")
    wrong = run(folder, "open", "reports/c", "--gate")
    assert wrong.code == 2
    assert "did you mean 'three-way'?" in wrong.err


def test_a_rule_that_names_no_scorer_of_its_suite_shows_before_anything_is_asked(
    folder: Path,
) -> None:
    write_suite(folder, SUITE + "gate: {scorers: [exact_mach]}\n")
    done = run(folder, "open", "reports/a")
    assert (done.code, (folder / "reports" / "a").exists()) == (2, False)
    said = " ".join(done.err.split())
    assert "'words': `gate.scorers` names 'exact_mach'" in said
    assert "did you mean 'exact_match'?" in said
    write_suite(folder, SUITE + "gate: {scorers: [f1]}\n")
    assert run(folder, "open", "reports/b", "--scorer", "exact_match").code == 0  # a quick look
    judged = evalkit("gate", "reports/b", cwd=folder)
    assert (judged.code, "'f1' is not among the run's scorers" in judged.err) == (3, True)


def test_a_folder_of_runs_is_no_run(folder: Path) -> None:
    assert run(folder, "better", "reports/a").code == 0
    done = evalkit("gate", "reports", cwd=folder)
    assert (done.code, "name one: reports/a" in " ".join(done.err.split())) == (2, True)


def test_a_run_folder_that_was_touched_ends_in_2(folder: Path) -> None:
    assert evalkit_process("gate", "reports/nowhere", cwd=folder).code == 2
    assert run(folder, "better", "reports/a").code == 0
    for name, text, reason in (
        ("comparison.csv", "suite\n", "comparison.csv was changed or cut off"),
        ("run.json", "{", "is damaged, or not what `evalkit run` wrote"),
        ("run.json", None, "has no run.json"),
    ):
        path = folder / "reports" / "a" / name
        path.unlink() if text is None else path.write_text(text)
        done = evalkit("gate", "reports/a", cwd=folder)
        assert (done.code, reason in done.err) == (2, True), done.err
        assert "Traceback" not in done.err


def test_another_scorer_signature_ends_in_2(folder: Path) -> None:
    assert run(folder, "better", "reports/old").code == 0
    write_suite(folder, SUITE.replace("[exact_match, f1]", "[exact_match_strict]"))
    assert run(folder, "worse", "reports/new").code == 0
    done = evalkit("gate", "reports/new", "--against", "reports/old", cwd=folder)
    assert done.code == 2
    assert "words: scorer exact_match_strict: not computed → " in done.err


@pytest.mark.parametrize(("tuned", "code", "word"), [("worse", 1, "FAIL"), ("open", 3, "INC")])
def test_what_does_not_pass_is_no_reference(folder: Path, tuned: str, code: int, word: str) -> None:
    file = folder / "reports" / "accepted.json"
    assert run(folder, tuned, "reports/a").code == 0
    refused = evalkit("gate", "reports/a", "--accept", cwd=folder)
    assert (refused.code, file.exists()) == (code, False)
    said = " ".join(refused.err.split())
    assert f"not accepted: the verdict is {word}" in said
    assert "say --accept --force" in said
    (folder / "evalkit.yaml").write_text("gate: {inconclusive: 0}\n")
    lenient = evalkit("gate", "reports/a", "--accept", "--config", "evalkit.yaml", cwd=folder)
    assert (lenient.code, file.exists()) == (code, False)
    alone = evalkit("gate", "reports/a", "--force", cwd=folder)
    assert (alone.code, "--force goes with --accept" in alone.err) == (2, True)
    forced = evalkit("gate", "reports/a", "--accept", "--force", cwd=folder)
    assert forced.code == code  # the word stays
    assert "is now the reference of its suites" in " ".join(forced.err.split())
    assert json.loads(file.read_text())["suites"]["words"]["anchor"]["run"] == "a"


def test_a_reference_that_does_not_pass_leaves_the_earlier_ones(folder: Path) -> None:
    for name in ("better", "worse"):
        assert run(folder, name, f"reports/{name}").code == 0
    file = folder / "reports" / "accepted.json"
    assert evalkit("gate", "reports/better", "--accept", cwd=folder).code == 0
    before = file.read_bytes()
    assert evalkit("gate", "reports/worse", "--accept", cwd=folder).code == 1
    assert file.read_bytes() == before
    assert evalkit("gate", "reports/worse", "--accept", "--force", cwd=folder).code == 1
    kept = json.loads(file.read_text())["suites"]["words"]
    assert (kept["anchor"]["run"], kept["last"]["run"]) == ("better", "worse")


def test_a_suite_that_changed_since_the_reference_ends_in_2(folder: Path) -> None:
    assert run(folder, "better", "reports/old").code == 0
    assert evalkit("gate", "reports/old", "--accept", cwd=folder).code == 0
    rows = (
        {"id": str(i), "prompt": f"Which word {i}?", "completion": f"word{i}"} for i in range(N)
    )
    write_jsonl(folder / "test.jsonl", rows)
    changed = run(folder, "better", "reports/new", "--gate")
    assert changed.code == 2
    said = " ".join(changed.err.split())
    assert "words: test data: sha256 " in said
    assert "Run again with the set-up of 'old', or remove words from" in said
    write_suite(folder)
    assert run(folder, "better", "reports/same", "--gate").code == 0
    (folder / "reports" / "old" / "run.json").write_text("{}")
    gone = evalkit("gate", "reports/same", cwd=folder)
    assert gone.code == 2
    assert "is not the one that was accepted" in " ".join(gone.err.split())
