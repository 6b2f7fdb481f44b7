"""Two stored runs side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalkit import pipeline, store
from evalkit.errors import ComparabilityError, UsageError
from evalkit.schema import Generation, RunRecord, SuiteConfig
from tests.verdict.table import Table, config, record, right_or_wrong, table

N = 60


def answers(base: int, tuned: int, suite: SuiteConfig | None = None) -> Table:
    right = {"base": np.arange(N) < base, "tuned": np.arange(N) < tuned}
    return right_or_wrong(right, suite=suite or config(scorers=("exact_match", "f1")))


def stored(folder: Path, *tables: Table, suites: list[SuiteConfig] | None = None) -> Path:
    suites = suites or [config(t.split.suite, scorers=("exact_match", "f1")) for t in tables]
    store.write(record(suites, [], tables=tables), folder)
    return folder


def changed(folder: Path, change: RunRecord) -> Path:
    store.write(change, folder)
    return folder


def test_changes_and_flips_of_every_model(tmp_path: Path) -> None:
    one = stored(tmp_path / "one", answers(30, 40))
    two = stored(tmp_path / "two", answers(30, 45))
    found = pipeline.compare(one, two)
    assert (found.earlier, found.later, found.differences) == ("one", "two", ())
    rows = {(row.tuned, row.scorer): row for row in found.comparisons}
    assert set(rows) == {(m, s) for m in ("base", "tuned") for s in ("exact_match", "f1")}
    assert rows["base", "exact_match"].delta == 0
    tuned = rows["tuned", "exact_match"]
    assert (tuned.base, tuned.method, tuned.family) == (
        "one/tuned", "tango/mcnemar-midp", "primary"
    )  # fmt: skip
    assert tuned.delta == pytest.approx(5 / N)
    assert [(f.model, f.kind, f.id) for f in found.flips] == [
        ("tuned", "fixed", f"test-{i}") for i in range(40, 45)
    ]
    scores = {(s.model, s.scorer): s.score for s in found.scores}
    assert scores["one/tuned", "exact_match"] == pytest.approx(40 / N)
    assert scores["tuned", "exact_match"] == pytest.approx(45 / N)


def test_the_way_back_is_the_same_way(tmp_path: Path) -> None:
    one = stored(tmp_path / "one", answers(30, 40))
    two = stored(tmp_path / "two", answers(33, 45))
    there, back = pipeline.compare(one, two), pipeline.compare(two, one)
    for row, other in zip(there.comparisons, back.comparisons, strict=True):
        assert row.delta == pytest.approx(-(other.delta or 0))
        assert row.low == pytest.approx(-(other.high or 0))
        assert row.p == pytest.approx(other.p)
    assert [(f.id, f.kind) for f in back.flips] == [(f.id, "broke") for f in there.flips]


def test_scores_that_are_no_means_come_from_the_completions(tmp_path: Path) -> None:
    suite = config(scorers=("bleu",))
    references = [f"the {i} grey cats sat on mat {i * 7} today" for i in range(N)]
    spoiled = [" ".join(r.split()[::-1]) if i < 20 else r for i, r in enumerate(references)]
    tables = {
        name: table({"base": references, "tuned": texts}, references, suite=suite)
        for name, texts in (("good", references), ("bad", spoiled))
    }
    runs = [stored(tmp_path / name, one, suites=[suite]) for name, one in tables.items()]
    row = next(c for c in pipeline.compare(*runs).comparisons if c.tuned == "tuned")
    assert row.method == "bootstrap-t/approximate-randomization"
    assert row.delta is not None
    assert row.delta < -0.1


def test_what_changed_in_the_set_up_is_named(tmp_path: Path) -> None:
    one = stored(tmp_path / "one", answers(30, 40))
    run = store.read(one)
    models = (run.info.models[0], replace(run.info.models[1], base_url="http://there/v1"))
    digests = {"qa": {"train": "b" * 64}}
    other = replace(run.info, models=models, versions={"numpy": "3.0"}, repeats=3, hashes=digests,
                    seed=9)  # fmt: skip
    run = replace(run, info=replace(run.info, hashes={"qa": {"train": "a" * 64}}))
    found = pipeline.compare(
        changed(tmp_path / "first", run), changed(tmp_path / "two", replace(run, info=other))
    )
    assert {(d.what, d.where, d.base, d.tuned) for d in found.differences} == {
        ("endpoint", "tuned", "file: by its own address", "http://there/v1"),
        ("version of numpy", "", "none", "3.0"),
        ("repeats", "", "1", "3"),
        ("train data", "qa", f"sha256 {'a' * 12}", f"sha256 {'b' * 12}"),
    }
    assert {d.severity for d in found.differences} == {"flag"}


def test_what_cannot_be_compared_is_left_out_and_said(tmp_path: Path) -> None:
    hot = config("b", generation=Generation(temperature=0.7))
    plain, same = (config(name) for name in ("b", "a"))
    one = stored(tmp_path / "one", answers(30, 40, same), answers(30, 40, plain),
                 suites=[same, plain])  # fmt: skip
    two = stored(tmp_path / "two", answers(30, 40, same), answers(30, 40, hot), suites=[same, hot])
    found = pipeline.compare(one, two)
    assert {row.suite for row in found.comparisons} == {"a"}
    assert [(d.what, d.where, d.severity) for d in found.differences] == [
        ("temperature", "b", "refuse")
    ]
    only = stored(tmp_path / "only", answers(30, 40, hot), suites=[hot])
    with pytest.raises(ComparabilityError, match=r"b: temperature: 0.7 → 0.0"):
        pipeline.compare(only, stored(tmp_path / "b", answers(30, 40, plain), suites=[plain]))


def test_a_run_has_no_other_side(tmp_path: Path) -> None:
    one = stored(tmp_path / "one", answers(30, 40))
    with pytest.raises(UsageError, match="one and the same run"):
        pipeline.compare(one, tmp_path / "one")


def test_another_seed_of_the_sampler_is_no_other_way_of_asking(tmp_path: Path) -> None:
    seeds = [config(generation=Generation(temperature=0.7, seed=seed)) for seed in (0, 1)]
    runs = [stored(tmp_path / f"{s.generation.seed}", answers(30, 40, s), suites=[s])
            for s in seeds]  # fmt: skip
    (found,) = pipeline.compare(*runs).differences
    assert (found.what, found.severity) == ("seed", "flag")
