"""What makes the arms of one run less comparable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from evalkit.schema import Answer, Difference, Failure, SplitResult, Usage
from evalkit.verdict import arm_differences, gate, overfit, placed, refusals, told, without_alike
from evalkit.verdict.arms import APART
from tests.verdict.table import BASE, MODELS, TUNED, config, evidence, record, table


def split_of(base: Sequence[Answer | Failure], tuned: Sequence[Answer | Failure]) -> SplitResult:
    texts = {name: [f"{i}" for i in range(len(base))] for name in ("base", "tuned")}
    made = table(texts, texts["base"]).split
    return replace(made, answers={"base": tuple(base), "tuned": tuple(tuned)})


def usage(model: str, *served: str) -> Usage:
    return Usage(model, 9, 0, 0, 0, 0, 0, served, {})


def names(found: Sequence[Difference]) -> list[str]:
    return [difference.what for difference in found]


def test_two_models_asked_alike_have_nothing_to_tell() -> None:
    split = split_of([Answer("a")] * 9, [Answer("b")] * 9)
    assert arm_differences(MODELS, [split], usages=[usage("base", "b"), usage("tuned", "t")]) == ()


def test_one_model_under_two_names() -> None:
    late = Failure("timeout", "late")
    same: list[Answer | Failure] = [*[Answer("a")] * 7, late, Answer("b")]
    (found,) = arm_differences(MODELS, [split_of(same, [*same[:8], Answer("b", "length")])])
    assert placed(found) == "tuned: looks like the same model, with equal answers to all 8 prompts"
    assert refusals([found]) == [found]
    (meant,) = arm_differences(MODELS, [split_of(same, same)], allow_identical=True)
    assert meant.severity == "flag"
    assert arm_differences(MODELS, [split_of(same, [*same[:8], Answer("c")])]) == ()
    (few,) = arm_differences(MODELS, [split_of(same[1:], same[1:])])
    assert few.severity == "flag"
    nothing = [late] * 9
    assert arm_differences(MODELS, [split_of(nothing, nothing)]) == ()


def test_the_gate_does_not_judge_a_model_against_itself() -> None:
    texts = [f"{i}" for i in range(100)]
    same = table({"base": texts, "tuned": texts}, texts)
    run = record([config()], [], tables=[same])
    assert gate(run).verdict == "PASS"
    found = arm_differences(MODELS, run.splits)
    told_so = gate(replace(run, info=replace(run.info, differences=found)))
    assert (told_so.verdict, told_so.exit_code) == ("INCONCLUSIVE", 3)
    assert told_so.differences == found
    seen = "looks like the same model, with equal answers to all 100 prompts; if it is meant, "
    assert told_so.results[0].reason.startswith(seen)
    assert told_so.reason.startswith(f"tuned against base: qa cannot be judged: {seen}")


def test_a_copy_of_the_base_is_not_acquitted_of_overfitting() -> None:
    texts = [f"{i}" for i in range(60)]
    same = {"base": texts, "tuned": texts}
    (piece,) = evidence(table(same, texts, split="train"), table(same, texts))
    verdicts = overfit([piece])
    assert [verdict.level for verdict in verdicts] == ["none"]
    found = arm_differences(MODELS, [piece.test, piece.train])
    (verdict,) = without_alike(verdicts, MODELS, found)
    assert (verdict.level, verdict.advice) == (
        "inconclusive",
        "Cannot tell: tuned looks like the same model as base: equal answers to all 120 prompts.",
    )
    meant = arm_differences(MODELS, [piece.test, piece.train], allow_identical=True)
    assert without_alike(verdicts, MODELS, meant) == verdicts


@pytest.mark.parametrize(
    ("base", "tuned", "what"),
    [
        (("llama",), ("llama",), "served model: llama (both)"),
        (("llama",), ("a", "b"), "served model, which changed: llama → a and b"),
        (("llama",), ("a", "llama"), "served model, in part the same: llama → a and llama"),
        (("a", "x"), ("b", "x"), "served model, in part the same: a and x → b and x"),
        ((), (), None),
        (("llama",), ("adapter",), None),
    ],
)
def test_who_really_answered(base: tuple[str, ...], tuned: tuple[str, ...], what: str) -> None:
    split = split_of([Answer("a")], [Answer("b")])
    usages = [usage("base", *base), usage("tuned", *tuned)]
    found = arm_differences(MODELS, [split], usages=usages)
    assert [told(one) for one in found] == ([what] if what else [])
    assert bool(refusals(found)) == ("in part" in (what or ""))


def test_answers_of_the_other_model_are_not_judged() -> None:
    texts = [f"{i}" for i in range(100)]
    run = record([config()], [], tables=[table({"base": ["x"] * 100, "tuned": texts}, texts)])
    assert gate(run).verdict == "PASS"
    usages = [usage("base", "llama"), usage("tuned", "adapter", "llama")]
    found = arm_differences(MODELS, run.splits, usages=usages)
    verdict = gate(replace(run, info=replace(run.info, differences=found)))
    assert verdict.verdict == "INCONCLUSIVE"
    assert "served model, in part the same: llama → adapter and llama; " in verdict.reason
    assert "another --cache" in verdict.reason


def test_two_models_that_only_log_probabilities_tell_apart_are_two() -> None:
    texts = [Answer("yes")] * 20
    notes = {"tuned": (f"{APART} base, although their answers are equal",)}
    (found,) = arm_differences(MODELS, [split_of(texts, texts)], notes=notes)
    assert told(found) == "same answers: equal answers to all 20 prompts (both)"
    assert not refusals([found])


def test_modes_and_servers() -> None:
    base = replace(BASE, mode="completions", base_url="http://one/v1")
    tuned = replace(TUNED, mode="chat", base_url="http://two/v1")
    found = arm_differences((base, tuned), [])
    assert [told(one) for one in found] == [
        "mode: completions → chat",
        "endpoint: http://one/v1 → http://two/v1",
    ]
    # Where a provider chose the mode by itself, both may have been asked alike.
    assert arm_differences((BASE, replace(TUNED, mode="chat")), []) == ()


def test_fields_that_only_one_model_is_asked_with() -> None:
    split = split_of([Answer("a")], [Answer("b")])
    calm = replace(TUNED, extra_body='{"min_p": 0}')
    (found,) = arm_differences([BASE, calm], [split])
    assert placed(found) == 'tuned: extra_body: nothing besides → {"min_p": 0}'
    assert not refusals([found])
    assert not arm_differences([replace(BASE, extra_body=calm.extra_body), calm], [split])


def test_parameters_that_one_model_does_not_take() -> None:
    note = "the server refused `seed`; answers are by the server's own value"
    notes = {"tuned": (note, "another thing"), "base": ("yet another",)}
    (found,) = arm_differences(MODELS, [], notes=notes)
    assert (found.what, found.tuned) == ("decoding", note)
    assert arm_differences(MODELS, [], notes={"tuned": (note,), "base": (note,)}) == ()


@pytest.mark.parametrize(("more", "told_so"), [(4, False), (5, True), (9, True)])
def test_answers_cut_off_on_one_side(more: int, told_so: bool) -> None:  # noqa: FBT001
    """McNemar's mid-p of 4 : 0 is .0625, of 5 : 0 .03125."""
    cut, whole = Answer("x", "length"), Answer("y")
    tuned = [replace(cut, text="z")] * (3 + more) + [whole] * (27 - more)
    base = [cut] * 3 + [replace(whole, text="w")] * 27
    found = arm_differences(MODELS, [split_of(base, tuned)])
    assert names(found) == (["cut off by max_tokens"] if told_so else [])
    if told_so:
        assert found[0].base == "3 of 30 (10.0 %)"
        train = replace(split_of(base, tuned), split="train")
        assert arm_differences(MODELS, [train]) == ()  # only test prompts are compared
