"""The gate on stored runs: accepted runs, the anchor, and scores that are no means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit import pipeline, store
from evalkit.errors import ComparabilityError, ConfigError, RunFolderError, UsageError
from evalkit.schema import GateRule, SuiteConfig
from evalkit.verdict import adjust, compare_rows, placed
from tests.verdict.table import MODELS, Table, config, record, right_or_wrong, table

N = 60


def stored(folder: Path, *tables: Table, suites: list[SuiteConfig] | None = None) -> Path:
    """A run folder of scored splits."""
    rows = [
        r for t in tables for r in compare_rows(t.split, t.stats, t.scorers, models=MODELS, seed=1)
    ]
    suites = suites or [config(t.split.suite) for t in tables]
    store.write(record(suites, adjust(rows), tables=tables), folder)
    return folder


def answers(right: int, suite: str = "qa") -> Table:
    return right_or_wrong(
        {"base": np.arange(N) < 30, "tuned": np.arange(N) < right}, suite=config(suite)
    )


def test_losses_of_a_margin_each_do_not_add_up(tmp_path: Path) -> None:
    lenient = {"margin": 0.2}
    verdicts = []
    for name, right in (("first", 50), ("second", 45), ("third", 40)):
        run = pipeline.load(stored(tmp_path / name, answers(right)))
        verdicts.append(run.gate(changes=lenient))
        if verdicts[-1].verdict == "PASS":
            run.accept(verdicts[-1])
    first, second, third = verdicts
    assert [v.verdict for v in verdicts] == ["PASS", "PASS", "FAIL"]
    assert [d.base for d in first.decisions] == ["base"]
    assert [d.base for d in second.decisions] == ["base", "first/tuned"]
    assert [(d.base, d.verdict) for d in third.decisions] == [
        ("base", "PASS"), ("second/tuned", "PASS"), ("first/tuned", "FAIL"),
    ]  # fmt: skip
    assert third.reason == "tuned against first/tuned: significantly worse on qa."


def test_what_does_not_pass_is_accepted_by_an_explicit_word_alone(tmp_path: Path) -> None:
    run = pipeline.load(stored(tmp_path / "worse", answers(15)))
    with pytest.raises(UsageError, match=r"not accepted: FAIL: .* worse on qa.*force=True"):
        run.accept()
    assert store.read_accepted(tmp_path) == {}
    run.accept(run.gate(changes={"margin": 0.5}))  # by the rule that let it pass
    assert store.read_accepted(tmp_path)["qa"].anchor.run == "worse"
    other = pipeline.load(stored(tmp_path / "other", answers(0)))
    other.accept(force=True)
    found = store.read_accepted(tmp_path)["qa"]
    assert (found.anchor.run, found.last.run) == ("worse", "other")


def test_an_accepted_run_is_not_held_against_itself(tmp_path: Path) -> None:
    run = pipeline.load(stored(tmp_path / "one", answers(50)))
    assert run.accept() == tmp_path / "accepted.json"
    assert [d.base for d in run.gate().decisions] == ["base"]


def test_an_accepted_run_that_is_named_besides_is_one_reference(tmp_path: Path) -> None:
    one = stored(tmp_path / "one", answers(50))
    pipeline.load(one).accept()
    later = pipeline.load(stored(tmp_path / "later", answers(52)))
    assert [d.base for d in later.gate(against=one).decisions] == ["base", "one/tuned"]
    other = stored(tmp_path / "other", answers(49))
    both = [d.base for d in later.gate(against=other).decisions]
    assert both == ["base", "other/tuned", "one/tuned"]


def test_each_suite_is_held_against_its_own_reference(tmp_path: Path) -> None:
    pipeline.load(stored(tmp_path / "one", answers(50, "a"))).accept()
    pipeline.load(stored(tmp_path / "two", answers(50, "b"))).accept()
    both = pipeline.load(stored(tmp_path / "both", answers(50, "a"), answers(50, "b")))
    found = [(r.suite, r.base) for r in both.gate().results]
    assert found == [("a", "base"), ("b", "base"), ("a", "one/tuned"), ("b", "two/tuned")]


def test_a_suite_that_no_accepted_run_has_is_told_of(tmp_path: Path) -> None:
    """Renaming a suite must not quietly free it of its reference."""
    one = pipeline.load(stored(tmp_path / "one", answers(50, "a")))
    assert one.gate().differences == ()
    one.accept()
    assert one.gate().differences == ()
    renamed = pipeline.load(stored(tmp_path / "two", answers(50, "b"))).gate()
    assert renamed.verdict == "PASS"
    assert [placed(d) for d in renamed.differences] == ["b: accepted runs: a → none of it"]


def test_against_one_more_run(tmp_path: Path) -> None:
    old, new = stored(tmp_path / "old", answers(50)), stored(tmp_path / "new", answers(35))
    assert pipeline.gate(new).verdict == "PASS"
    assert pipeline.gate(new, against=old).verdict == "FAIL"
    with pytest.raises(UsageError, match="is the run itself"):
        pipeline.gate(new, against=new)
    with pytest.raises(ComparabilityError, match="b: suite: run → not run"):
        pipeline.gate(new, against=stored(tmp_path / "b", answers(50), answers(50, "b")))
    with pytest.raises(UsageError, match="is not a folder"):
        pipeline.gate(new, against=tmp_path / "nowhere")


def test_an_accepted_run_that_cannot_be_read_stops_the_gate(tmp_path: Path) -> None:
    old, new = stored(tmp_path / "old", answers(50)), stored(tmp_path / "new", answers(50))
    pipeline.load(old).accept()
    (old / "examples.csv").write_text("gone\n")
    with pytest.raises(RunFolderError, match=r"examples.csv was changed"):
        pipeline.gate(new)


def sentences(suite: SuiteConfig, *, lost: int) -> Table:
    references = [f"the {i} grey cats sat on mat {i * 7} today" for i in range(N)]
    tuned = [" ".join(r.split()[::-1]) if i < lost else r for i, r in enumerate(references)]
    return table({"base": references, "tuned": tuned}, references, suite=suite)


def test_corpus_scores_of_two_runs_are_compared_from_their_completions(tmp_path: Path) -> None:
    suite = config(scorers=("bleu",))
    good = stored(tmp_path / "good", sentences(suite, lost=0), suites=[suite])
    bad = stored(tmp_path / "bad", sentences(suite, lost=20), suites=[suite])
    assert pipeline.gate(good, against=bad).verdict == "PASS"
    found = pipeline.gate(bad, against=good)
    of_base, of_good = found.results
    assert [r.verdict for r in found.results] == ["FAIL", "FAIL"]
    # The other run's tuned model says what this one's base says: one comparison, two ways.
    assert (of_good.delta, of_good.p_noninferior) == (of_base.delta, of_base.p_noninferior)


def test_the_rule_of_a_project_file(tmp_path: Path) -> None:
    path = tmp_path / "evalkit.yaml"
    path.write_text("gate: {margin: 0.01, strict: true}\n")
    assert pipeline.project_rule(path) == GateRule(margin=0.01, strict=True)
    path.write_text("seed: 1\n")
    with pytest.raises(UsageError, match="has no `gate:`"):
        pipeline.project_rule(path)
    path.write_text("gate: {margin: much}\n")
    with pytest.raises(ConfigError, match=r"gate.margin"):
        pipeline.project_rule(path)
