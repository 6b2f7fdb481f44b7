from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evalkit.errors import ComparabilityError
from evalkit.schema import Extract, GateRule, Generation, ModelSpec, RunRecord
from evalkit.verdict import gate, join_runs
from tests.verdict.table import BASE, TUNED, config, record, right_or_wrong

N = 100


def run_of(right: int, **changes: Any) -> RunRecord:
    """A run whose tuned model is right on the first so many of 100."""
    suite = config(**changes.pop("suite", {}))
    spec = changes.pop("tuned", TUNED)
    answers = {"base": np.arange(N) < 50, spec.name: np.arange(N) < right}
    t = right_or_wrong(answers, suite=suite)
    return record([suite], [], tables=[t], models=(BASE, spec), **changes)


def test_the_earlier_model_takes_the_place_of_the_base() -> None:
    joined = join_runs(run_of(60), run_of(75), name="before")
    (split,) = joined.splits
    assert list(split.answers) == ["before/tuned", "tuned"]
    found = gate(joined)
    assert found.verdict == "FAIL"
    assert found.results[0].delta == pytest.approx(-0.15)
    assert found.reason == "tuned against before/tuned: significantly worse on qa."
    assert gate(join_runs(run_of(75), run_of(60), name="before")).verdict == "PASS"
    assert gate(join_runs(run_of(75), run_of(75), name="before")).results[0].delta == 0


def test_pairs_are_found_by_id_prompt_and_references_in_any_order() -> None:
    earlier = run_of(75)
    (split,) = earlier.splits
    backwards = replace(
        split,
        examples=split.examples[::-1],
        answers={m: a[::-1] for m, a in split.answers.items()},
        values={k: v[::-1] for k, v in split.values.items()},
    )
    joined = join_runs(run_of(60), replace(earlier, splits=(backwards,)), name="x")
    assert gate(joined).results[0].delta == pytest.approx(-0.15)
    assert joined.splits[0].answers["x/tuned"] == split.answers["tuned"]


@pytest.mark.parametrize(("kept", "n"), [(95, 95), (90, 90), (89, None)])
def test_below_nine_in_ten_common_prompts_runs_are_not_compared(kept: int, n: int | None) -> None:
    earlier = run_of(60)
    (split,) = earlier.splits
    changed = tuple(
        e if i < kept else replace(e, references=("another",)) for i, e in enumerate(split.examples)
    )
    earlier = replace(earlier, splits=(replace(split, examples=changed),))
    if n is None:
        with pytest.raises(
            ComparabilityError, match=r"test prompts: 100 prompts → 89 of 100 \(89.0 %\)"
        ):
            join_runs(run_of(60), earlier, name="before")
    else:
        assert gate(join_runs(run_of(60), earlier, name="before")).results[0].n == n


@pytest.mark.parametrize(
    ("suite", "reason"),
    [
        ({"system": "Be brief."}, "qa: system prompt: Be brief. → none"),
        ({"template": "Q: {prompt}"}, "qa: template: Q: {prompt} → none"),
        ({"few_shot": 2}, "qa: few-shot: 2 → 0"),
        ({"generation": Generation(temperature=0.7)}, "qa: temperature: 0.7 → 0.0"),
        ({"generation": Generation(max_tokens=64)}, "qa: max_tokens: 64 → 256"),
        ({"generation": Generation(stop=("\n",))}, r"qa: stop: '\n' → none"),
        ({"labels": ("a", "b")}, "qa: labels: 'a', 'b' → none"),
        ({"extract": (Extract("number"),)}, "qa: extraction: number → none"),
        ({"scorers": ("f1",)}, "qa: scorer exact_match: not computed → exact_match|"),
        ({"name": "other"}, "other: suite: run → not run"),
    ],
)
def test_whatever_differs_is_named(suite: dict[str, Any], reason: str) -> None:
    with pytest.raises(ComparabilityError) as caught:
        join_runs(run_of(60), run_of(60, suite=suite), name="before")
    assert "cannot be compared with the earlier run 'before'; then → now:" in str(caught.value)
    assert reason in str(caught.value)


def test_all_differences_are_named_at_once() -> None:
    earlier = run_of(60, suite={"system": "s", "template": "{prompt}"})
    digests = [{"qa": {"test": text * 32}} for text in "ab"]
    record_, earlier = (
        replace(r, info=replace(r.info, hashes=d))
        for r, d in zip((run_of(60), earlier), digests, strict=True)
    )
    with pytest.raises(ComparabilityError) as caught:
        join_runs(record_, earlier, name="before")
    for part in ("system prompt", "template", "test data: sha256 bbbbbbbbbbbb → sha256 aaaaaaa"):
        assert f"  qa: {part}" in str(caught.value)


def test_a_scorer_that_is_not_gated_may_differ() -> None:
    more = run_of(60, suite={"scorers": ("exact_match", "f1")})
    assert gate(join_runs(run_of(60), more, name="before")).results[0].delta == 0
    both = run_of(60, suite={"scorers": ("exact_match", "f1"), "gate": GateRule(scorers=("f1",))})
    with pytest.raises(ComparabilityError, match="qa: scorer f1: not computed"):
        join_runs(both, run_of(60), name="before")


def test_models_are_found_by_name_or_by_being_the_only_one() -> None:
    renamed = replace(TUNED, name="v1")
    joined = join_runs(run_of(60), run_of(60, tuned=renamed), name="before")
    assert [m.name for m in joined.info.models] == ["before/v1", "tuned"]
    two = run_of(60)
    second = ModelSpec("second", "file", "c", "tuned", tuned_from="base")
    two = replace(two, info=replace(two.info, models=(BASE, TUNED, second)))
    with pytest.raises(ComparabilityError, match="second: tuned model: tuned → second"):
        join_runs(two, run_of(60), name="before")
    chat = replace(TUNED, mode="chat")
    plain = replace(TUNED, mode="completions")
    with pytest.raises(ComparabilityError, match="tuned: mode: chat → completions"):
        join_runs(run_of(60, tuned=plain), run_of(60, tuned=chat), name="before")
    calm = replace(TUNED, extra_body='{"min_p": 0}')
    with pytest.raises(ComparabilityError, match="tuned: extra_body: nothing besides → "):
        join_runs(run_of(60, tuned=calm), run_of(60), name="before")


def test_a_missing_answer_then_is_missing_now() -> None:
    earlier = run_of(60)
    (split,) = earlier.splits
    values = {k: np.where(np.arange(N) < 10, np.nan, v) for k, v in split.values.items()}
    earlier = replace(earlier, splits=(replace(split, values=values),))
    found = gate(join_runs(run_of(60), earlier, name="before"))
    assert (found.verdict, found.results[0].missing) == ("INCONCLUSIVE", 10)
