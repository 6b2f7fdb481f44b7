from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.data import Lengths, SplitHealth, check_suite, load_suite
from evalkit.data.health import Planning

SuiteWriter = Callable[..., Path]

YAML = """
task: classification
test: test.jsonl
train: train.jsonl
labels: [a, b, c]
slices: [lang]
"""


def row(prompt: str, completion: str | list[str] = "a", **fields: Any) -> dict[str, Any]:
    return {"prompt": prompt, "completion": completion, **fields}


def test_a_suite_with_everything_wrong(suite: SuiteWriter) -> None:
    test = [
        row("one", lang="de", id="1"),
        row("one", lang="de", id="2"),
        row("one", "b", lang=7, id="3"),
        row("in training", lang="en", id="4"),
        row("four", lang="en", id="5"),
    ]
    train = [row("In training!", lang="de", id="9"), row("other", lang="de", id="10")]
    health = check_suite(load_suite(suite(YAML, test=test, train=train)))
    assert (health.suite, health.task) == ("my-suite", "classification")
    assert health.splits[0] == SplitHealth(
        split="test",
        n=5,
        duplicates=(("2", "1"),),
        conflicts=(("3", "1"),),
        empty_references=0,
        prompts=Lengths(3, 3, 11, 11),
        references=Lengths(1, 1, 1, 1),
        labels={"a": 4, "b": 1, "c": 0},
        slices={"lang": {"de": 2, "en": 2, "7": 1}},
    )
    assert [(leak.test_id, leak.train_id) for leak in health.leaks] == [("4", "9")]
    unreliable = "its scores are unreliable, expected 10 or more"
    repeated = (
        "3 distinct prompts in 5 rows count as 3: rows that ask the same are one unit, however "
        "often they are asked; to group rows otherwise, give them a `cluster_id`"
    )
    assert health.problems == (
        "1 of 5 test prompts occur in train (1 normalised)",
        f"test: {repeated}",
        "test: 1 row asked before with another answer ('3' as '1')",
        "test: 1 row repeated from before ('2' as '1')",
        "test: 5 rows: a small sample, expected 30 or more",
        f"test: 4 rows with the label 'a': {unreliable}",
        f"test: 1 row with the label 'b': {unreliable}",
        "train: no row with the label 'b', which test asks for",
        f"test: 0 rows with the label 'c': {unreliable}",
    )


def test_a_row_with_a_list_of_values_is_in_the_slice_of_each(suite: SuiteWriter) -> None:
    values: list[Any] = ["de", ["de", "en"], [], None, True]
    test = [row(f"p{n}", lang=value) for n, value in enumerate(values)]
    health = check_suite(load_suite(suite("test: test.jsonl\nslices: lang", test=test)))
    assert health.splits[0].slices == {"lang": {"": 2, "de": 2, "en": 1, "true": 1}}


def test_a_suite_with_nothing_wrong(suite: SuiteWriter) -> None:
    test = [row(f"test {n}", "abc"[n % 3], lang="de") for n in range(60)]
    train = [row(f"train {n}", "abc"[n % 3], lang="de") for n in range(60)]
    health = check_suite(load_suite(suite(YAML, test=test, train=train)))
    assert health.problems == ()
    assert health.leaks == ()
    assert health.splits[1].labels == {"a": 20, "b": 20, "c": 20}


def test_empty_references_missing_slices_and_no_training_file(suite: SuiteWriter) -> None:
    test = [row(f"p{n}", " ", lang="de") for n in range(30)] + [row("q")]
    health = check_suite(load_suite(suite("test: test.jsonl\nslices: [lang]", test=test)))
    assert health.splits[0].labels == {}
    assert health.splits[0].slices == {"lang": {"de": 30, "": 1}}
    assert health.problems == (
        "test: 30 rows accepting an empty answer",
        "test: 1 row without the slice field 'lang'",
        "no training file: neither overfitting nor leakage can be checked",
    )


def test_repeated_rows_are_named_up_to_five(suite: SuiteWriter) -> None:
    test = [row(f"p{n}", id=f"{n}") for n in range(30)]
    test += [row("p0", ["a", "b"], id="x")]  # neither the same answers nor different ones
    test += [row("p0", id=f"again {n}") for n in range(7)]
    health = check_suite(load_suite(suite("test: test.jsonl", test=test)))
    assert len(health.splits[0].duplicates) == 7
    assert health.splits[0].conflicts == ()
    assert health.problems[1].endswith("'again 4' as '0', ...)")


def test_a_split_without_rows_has_no_lengths(suite: SuiteWriter) -> None:
    loaded = load_suite(suite("test: test.jsonl", test=[row("p")]))
    health = check_suite(replace(loaded, splits={**loaded.splits, "train": ()}))
    assert health.splits[1].prompts == Lengths(0, 0, 0, 0)


def test_the_plan_of_a_suite_v10(suite: SuiteWriter) -> None:
    def planned(rows: int, clusters: int = 0) -> Planning:
        fields = [{"cluster_id": i % clusters} if clusters else {} for i in range(rows)]
        test = [row(f"q{i}") | fields[i] for i in range(rows)]
        return check_suite(load_suite(suite("test: test.jsonl", test=test))).planning

    plan = planned(200)
    assert plan.units == 200
    assert plan.detectable == pytest.approx(0.069628, abs=1e-6)
    assert plan.for_five_points == 391
    assert plan.for_gate == 310  # 6.18 psi / m^2 with psi = .125
    assert plan.for_overfitting == 446  # 12.4 sd^2 / tau^2 with sd = .6
    assert planned(500).detectable == pytest.approx(0.044193, abs=1e-6)
    assert planned(5).detectable is None
    clustered = planned(200, clusters=40)
    assert (clustered.units, clustered.detectable) == (40, planned(40).detectable)
