from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from evalkit.schema import Signal
from evalkit.scorers import Scorer
from evalkit.verdict import chance_scores, gather, overfit
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.signals.perturbation import perturbation
from tests.verdict.table import MODELS, Table, config, leaks, table

N = 60
KINDS = ("case", "spacing", "typos")
Answers = Sequence[str | None]


def piece(
    right: dict[str, int],
    right_reworded: dict[str, int],
    *,
    missing: int = 0,
    leaked: int = 0,
    references: Sequence[str] | None = None,
    clusters: int | None = None,
    unchanged: int = 0,
) -> Evidence:
    """Evidence of models that are right on their first so many prompts and on rewordings of them.

    Reworded prompt j is the rewording of prompt j // 3 by KINDS[j % 3].
    """
    count = 3 * (N - unchanged)
    accepted = list(references or [f"answer {i}" for i in range(N)])
    groups = [{} if clusters is None else {"cluster_id": i % clusters} for i in range(N)]

    def said(model: str, number: int, i: int) -> str:
        return accepted[i] if i < number else f"{model} knows nothing of {i}"

    test = table(
        {m: [said(m, number, i) for i in range(N)] for m, number in right.items()},
        accepted,
        fields=groups,
    )
    reworded = table(
        {
            m: [None if j < missing else said(m, number, j // 3) for j in range(count)]
            for m, number in right_reworded.items()
        },
        [accepted[j // 3] for j in range(count)],
        split="perturbed",
        fields=[
            {"original": f"test-{j // 3}", "rewording": KINDS[j % 3], **groups[j // 3]}
            for j in range(count)
        ],
    )
    return evidence(test, reworded, leaked)


def evidence(test: Table, reworded: Table | None, leaked: int = 0) -> Evidence:
    train = replace(test.split, split="train")
    splits = {"test": test.split, "train": train}
    (found,) = gather(
        config(),
        splits | ({} if reworded is None else {"perturbed": reworded.split}),
        test.scorers,
        models=MODELS,
        training={"tuned": "train"},
        leaks=leaks(leaked),
        seed=1,
        perturb=100,
        chance={
            model: chance_scores(
                test.scorers[0],
                [getattr(answer, "text", None) for answer in answers],
                [example.references for example in test.split.examples],
            )
            for model, answers in test.split.answers.items()
        },
    )
    return found


def test_a_model_that_only_knows_the_wording_is_strong_evidence() -> None:
    found = perturbation(piece({"base": 30, "tuned": 54}, {"base": 30, "tuned": 24}))
    assert found.level == "strong"
    assert found.value == pytest.approx(0.5)
    assert found.numbers["cost_tuned"] == pytest.approx(0.5)
    assert found.numbers["cost_base"] == 0.0
    assert found.numbers["more_by_typos"] == pytest.approx(0.5)
    assert found.numbers["worst_tuned"] == pytest.approx(0.5)
    assert found.detail.startswith(
        "60 test prompts in 180 rewordings cost tuned 50.0 points and base 0.0: +50.0 more (90 % CI"
    )


def test_a_base_that_cannot_do_the_task_convicts_nobody() -> None:
    found = perturbation(piece({"base": 0, "tuned": 54}, {"base": 0, "tuned": 24}))
    assert found.value == pytest.approx(0.5)
    assert found.level == "inconclusive"
    assert found.detail.endswith(
        "As a share of each model's score beyond chance (90.0 and 0.0 points) the excess is not "
        "significant."
    )


def test_nor_does_one_that_always_says_the_same() -> None:
    classes = ["refund", "delivery", "login"] * (N // 3)
    found = perturbation(
        piece({"base": 0, "tuned": 54}, {"base": 0, "tuned": 24}, references=classes)
    )
    assert found.level == "inconclusive"
    by_chance = chance_scores(
        evidence_scorer(), ["refund"] * N, [[reference] for reference in classes]
    )
    assert by_chance.mean() == pytest.approx(1 / 3, abs=0.05)


def evidence_scorer() -> Scorer:
    return table({"base": ["a"]}, ["a"]).scorers[0]


def test_equal_costs_are_none() -> None:
    found = perturbation(piece({"base": 50, "tuned": 54}, {"base": 48, "tuned": 52}))
    assert found.level == "none"
    assert found.value == pytest.approx(0.0)


def test_missing_and_leaked_rows_stay_out_and_unchanged_ones_are_counted() -> None:
    found = perturbation(
        piece(
            {"base": 30, "tuned": 54}, {"base": 30, "tuned": 24}, missing=30, leaked=20, unchanged=4
        )
    )
    assert found.numbers["prompts"] == 36
    assert found.numbers["unchanged"] == 4
    assert "4 further prompts of the sample allowed none." in found.detail


def refused(found: Signal) -> str:
    assert (found.level, found.p) == (None, None)
    return found.detail


def test_where_there_is_too_little_there_is_no_word() -> None:
    few = piece({"base": 30, "tuned": 54}, {"base": 30, "tuned": 24}, leaked=50)
    assert refused(perturbation(few)) == (
        "10 reworded clean prompts answered by both; a decision needs at least 20."
    )
    assert "not asked" in refused(perturbation(replace(few, perturbed=None)))
    clustered = piece({"base": 30, "tuned": 54}, {"base": 30, "tuned": 24}, clusters=7)
    assert "7 clusters" in refused(perturbation(clustered))


def test_strong_sensitivity_settles_an_open_gap_and_the_advice_says_so() -> None:
    (verdict,) = overfit([piece({"base": 30, "tuned": 54}, {"base": 30, "tuned": 24})])
    levels = {s.name: s.level for s in verdict.signals}
    assert levels["perturbation"] == "strong"
    assert levels["gap"] in {"none", "inconclusive"}
    assert verdict.level == ("strong" if levels["gap"] == "inconclusive" else "mild")
    assert (
        "Small rewordings cost +50.0 points more than they cost the base: add paraphrases to the "
        "training rows." in verdict.advice
    )


def test_scores_of_answers_by_chance_leave_out_what_is_missing() -> None:
    scorer = evidence_scorer()
    found = chance_scores(scorer, ["a", None, "b"], [["a"], ["a"], ["b"]])
    assert np.isnan(found).tolist() == [False, True, False]
    assert np.isnan(chance_scores(scorer, ["a"], [["a"]])).all()
