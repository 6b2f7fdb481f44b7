"""Extraction and failing scorers, from the suite to the report."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit import pipeline
from evalkit.errors import ComparabilityError, ScorerError, UsageError
from tests.command_line import evalkit as command

ANSWERS = {
    "base": ["It is 7.", "no idea", "", "The answer: 3, or 4?", "5"],
    "tuned": ["<think>7?</think>8", "2", "3", "4", "5"],
}
RIGHT = [8, 2, 3, 4, 5]


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite that scores the last number of an answer, and two models' answers to it."""
    monkeypatch.chdir(tmp_path)
    questions = [f"Sum {i}?" for i in range(len(RIGHT))]
    rows = [
        {"id": str(i), "prompt": question, "completion": str(right)}
        for i, (question, right) in enumerate(zip(questions, RIGHT, strict=True))
    ]
    write(tmp_path / "test.jsonl", rows)
    for name, texts in ANSWERS.items():
        answers = [{"id": str(i), "completion": text} for i, text in enumerate(texts)]
        write(tmp_path / f"{name}.jsonl", answers)
    (tmp_path / "suite.yaml").write_text(
        "name: sums\ntest: test.jsonl\nscorers: exact_match\nextract: [reasoning, number]\n"
    )
    return tmp_path


def run(**options: Any) -> evalkit.Run:
    return evalkit.run("suite.yaml", base="file:base.jsonl", tuned="file:tuned.jsonl", **options)


@pytest.mark.usefixtures("suite")
def test_what_was_scored_is_stored_and_read_again() -> None:
    done = run(out="out")
    with Path("out/examples.csv").open(newline="") as file:
        cells = [(row["model"], row["completion"], row["scored"]) for row in csv.DictReader(file)]
    assert cells[:4] == [
        ("base", "It is 7.", "7"),
        ("tuned", "<think>7?</think>8", "8"),
        ("base", "no idea", ""),
        ("tuned", "2", "2"),
    ]
    (split,) = pipeline.load("out").record.splits
    assert dict(split.scored) == {
        "base": ("7", "", "", "4", "5"),
        "tuned": ("8", "2", "3", "4", "5"),
    }
    assert split.scored == done.record.splits[0].scored


@pytest.mark.usefixtures("suite")
def test_unparsable_answers_are_counted_for_each_model_and_empty_ones_are_not() -> None:
    done = run(out="out")
    base, tuned = done.record.info.usage
    assert (dict(base.unparsable), base.empty) == ({"sums": 1}, 1)
    assert (dict(tuned.unparsable), tuned.empty) == ({}, 0)
    (warning,) = [w for w in done.record.info.warnings if "unparsable" in w]
    assert warning.startswith("base: 1 of 5 answers are unparsable (sums 1): the suite's `extract`")
    page = done.report.read_text(encoding="utf-8")
    assert "unparsable, scored as empty" in page
    assert '<span class="unit">scored</span></p><pre dir="auto" class="part">8</pre>' in page
    assert 'class="part">2</pre>' not in page  # all of "2" was scored
    assert "<code>reasoning</code>, then <code>number</code>" in page


@pytest.mark.usefixtures("suite")
def test_scorers_of_style_see_all_that_was_said() -> None:
    scores = run(scorers=["exact_match", "length"]).scores.query("scorer == 'length'")
    lengths = scores.set_index(["model", "id"]).score
    assert lengths["base"].tolist() == [3, 2, 0, 5, 1]


@pytest.mark.usefixtures("suite")
def test_steps_can_be_changed_when_scoring_again() -> None:
    run(out="out")
    again = pipeline.score("out", extract=["reasoning", "number=first"], out="again")
    (split,) = again.record.splits
    assert split.scored["base"] == ("7", "", "", "3", "5")
    assert pipeline.score("out", extract="line", out="lines").record.info.usage[0].unparsable == {}


MODELS = ("--base", "file:base.jsonl", "--tuned", "file:tuned.jsonl", "--quiet")
STEPS = ("--extract", "reasoning", "--extract", "number")


def test_the_command_line_extracts_from_a_bare_data_file_as_a_suite_would(suite: Path) -> None:
    bare = command("run", "test.jsonl", *MODELS, *STEPS, "--out", "bare", cwd=suite)
    assert bare.code == 0, bare.err
    record = pipeline.load("bare").record
    assert dict(record.splits[0].scored) == {
        "base": ("7", "", "", "4", "5"),
        "tuned": ("8", "2", "3", "4", "5"),
    }
    assert record.info.suites[0].extract == run().record.info.suites[0].extract
    assert pipeline.score("bare").record.splits[0].scored == record.splits[0].scored
    whole = command("run", "test.jsonl", *MODELS, "--out", "whole", cwd=suite)
    assert whole.code == 0, whole.err
    with pytest.raises(ComparabilityError, match="extraction: none → reasoning, number"):
        pipeline.compare("whole", "bare")


def test_the_command_line_replaces_what_a_suite_extracts(suite: Path) -> None:
    done = command("run", "suite.yaml", *MODELS, "--extract", "number=first", "--out", "out",
                   cwd=suite)  # fmt: skip
    assert done.code == 0, done.err
    assert pipeline.load("out").record.splits[0].scored["base"] == ("7", "", "", "3", "5")


def test_a_wrong_step_ends_a_run_before_anything_is_asked(suite: Path) -> None:
    done = command("run", "test.jsonl", *MODELS, "--extract", "nummber", "--out", "out", cwd=suite)
    assert done.code == UsageError.exit_code
    assert "--extract: found the step 'nummber'" in done.err
    assert "did you mean 'number'?" in done.err
    assert not (suite / "out").exists()


@pytest.mark.usefixtures("suite")
@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("numbr", r"--extract: found the step 'numbr', .*did you mean 'number'\?; a pattern is"),
        (r"is: (\w+)", r"a pattern is written regex=PATTERN"),
        ("regex=(a", r"found the text '\(a' for the step 'regex', expected a regular expression"),
        ("number=2", "found the text '2' for the step 'number', expected first or last"),
        ("after", "found nothing for the step 'after', expected the text that stands before"),
    ],
)
def test_a_step_that_is_none(step: str, message: str) -> None:
    run(out="out")
    with pytest.raises(UsageError, match=message):
        pipeline.score("out", extract=step)


def test_a_step_that_the_suite_cannot_take_shows_before_anything_is_asked(suite: Path) -> None:
    (suite / "suite.yaml").write_text("name: sums\ntest: test.jsonl\nextract: label\n")
    with pytest.raises(ScorerError, match="suite 'sums': extract: the step 'label' has no labels"):
        run()


def test_a_pattern_that_blows_up_ends_the_scoring_with_its_name(suite: Path) -> None:
    (suite / "suite.yaml").write_text("test: test.jsonl\nextract: {regex: '(a|aa)+$'}\n")
    write(suite / "base.jsonl", [{"id": str(i), "completion": "a" * 80 + "b"} for i in range(5)])
    with pytest.raises(ScorerError, match=r"'\(a\|aa\)\+\$' was stopped after 2 s on one text of"):
        run()


def test_a_folder_from_before_there_were_steps_is_read(suite: Path) -> None:
    """`extract` was null or one pattern, and examples.csv had no column `scored`."""
    (suite / "suite.yaml").write_text("name: sums\ntest: test.jsonl\nextract: {regex: '[0-9]'}\n")
    run(out="out")
    body = json.loads(Path("out/run.json").read_bytes())
    assert body["run"]["suites"][0]["extract"] == [
        {"kind": "regex", "value": "[0-9]", "synonyms": []}
    ]
    from evalkit.store.folder import _with_steps

    old = {"suites": [{"extract": {"regex": "[0-9]"}}, {"extract": None}]}
    assert _with_steps(old) == {
        "suites": [{"extract": [{"kind": "regex", "value": "[0-9]"}]}, {"extract": []}]
    }


FAILING = """
from evalkit import scorer

@scorer
def reciprocal(prediction, references):
    return 1 / float(prediction)
"""


def test_a_scorer_that_fails_on_one_answer_marks_it_and_goes_on(suite: Path) -> None:
    (suite / "mine.py").write_text(FAILING)
    done = run(out="out", scorers=["exact_match", "mine.py:reciprocal"])
    scores = done.summary.query("scorer == 'reciprocal'").set_index("model")
    assert (scores.n["base"], scores.missing["base"]) == (3, 2)
    assert (scores.n["tuned"], scores.missing["tuned"]) == (5, 0)
    (warning,) = [w for w in done.record.info.warnings if "failed" in w]
    assert warning == (
        "sums (test): the scorer reciprocal failed on 2 of 5 answers of base, which are left out "
        "of its score; the first is example '1': could not convert string to float: ''"
    )
    assert "no score by reciprocal" in done.report.read_text(encoding="utf-8")
    assert done.missing == 0
    assert done.gate().results[0].n == 5


def test_a_scorer_may_fail_on_all_answers_of_one_model(suite: Path) -> None:
    (suite / "mine.py").write_text(FAILING)
    write(suite / "base.jsonl", [{"id": str(i), "completion": "prose"} for i in range(len(RIGHT))])
    (suite / "suite.yaml").write_text("name: sums\ntest: test.jsonl\nextract: line\n")
    write(suite / "tuned.jsonl", [{"id": str(i), "completion": "4"} for i in range(len(RIGHT))])
    done = run(out="out", scorers=["mine.py:reciprocal"])
    scores = done.summary.set_index("model")
    assert (scores.n["base"], scores.n["tuned"], scores.score["tuned"]) == (0, 5, 0.25)
    assert pipeline.load("out").record.scores == done.record.scores


def test_a_scorer_that_fails_on_everything_ends_the_run(suite: Path) -> None:
    (suite / "mine.py").write_text(FAILING.replace("float(prediction)", "len(references[7])"))
    with pytest.raises(
        ScorerError, match=r"'reciprocal' failed on every answer of every model; on"
    ):
        run(scorers=["mine.py:reciprocal"])


def test_the_command_line_from_suite_to_score(suite: Path) -> None:
    (suite / "mine.py").write_text("def broken(:\n")
    (suite / "grader.json").write_text(
        '{"type": "string_check", "name": "graded", "operation": "eq",'
        ' "input": "{{ sample.output_text }}", "reference": "{{ item.completion }}"}'
    )
    models = ("--base", "file:base.jsonl", "--tuned", "file:tuned.jsonl", "--out", "out")
    done = command("run", "suite.yaml", *models, cwd=suite)
    assert done.code == 0, done.err
    assert "base: 1 of 5 answers are unparsable" in " ".join(done.err.split())
    steps = ("--extract", "reasoning", "--extract", "number=first")
    again = command("score", "out", *steps, "--scorer", "grader.json", "--json", cwd=suite)
    assert again.code == 0, again.err
    scores = {score["model"]: score["score"] for score in json.loads(again.out)["scores"]}
    assert scores == {"base": 0.2, "tuned": 1.0}
    for words, message in (
        (("--extract", "numbr"), "error: --extract: found the step 'numbr', expected a known one"),
        (("--scorer", "mine.py:x"), "mine.py:1: SyntaxError: invalid syntax: def broken(:"),
    ):
        failed = command("score", "out", *words, cwd=suite)
        assert failed.code == 2
        assert message in failed.err
        assert "Traceback" not in failed.err


@pytest.mark.usefixtures("suite")
def test_whole_takes_no_extraction_where_a_suite_or_a_run_has_one() -> None:
    def steps(done: evalkit.Run) -> str:
        return " ".join(map(str, done.record.info.suites[0].extract))

    assert steps(run(out="bare", extract="whole")) == ""
    assert steps(run(out="out")) == "reasoning number"
    assert steps(pipeline.score("out", extract="number=first")) == "number=first"
    assert steps(pipeline.score("out")) == "number=first"
    assert command("score", "out", "--extract", "whole", cwd=Path.cwd()).code == 0
    assert steps(pipeline.load("out")) == ""
    assert steps(pipeline.score("out", extract=["reasoning", "number"])) == "reasoning number"
