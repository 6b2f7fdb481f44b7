from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from evalkit.errors import ScorerError
from evalkit.schema import Example, SuiteConfig
from evalkit.scorers import batches, leave_out, make_scorers, score_predictions, scorer
from evalkit.scorers.batches import BatchScorer
from evalkit.stats.samples import FloatArray


def test_a_row_for_each_example_and_nan_for_a_missing_one() -> None:
    calls = []

    @scorer
    def share(prediction: str, references: Sequence[str]) -> float:
        calls.append((prediction, references))
        return len(prediction) / 10

    stats = score_predictions(
        share, ["ab", None, "ab", "abc", "ab"], [["x"], ["x"], ["x"], ["x"], ["y"]]
    )
    np.testing.assert_equal(stats, [[0.2, 1], [np.nan, np.nan], [0.2, 1], [0.3, 1], [0.2, 1]])
    assert calls == [("ab", ("x",)), ("abc", ("x",)), ("ab", ("y",))]


def test_the_scorer_the_example_and_the_reason_are_named() -> None:
    @scorer
    def picky(prediction: str, _: Sequence[str]) -> float:
        return 1 / len(prediction)

    with pytest.raises(
        ScorerError, match=r"scorer 'picky' failed on example 3 of 4: ZeroDivision"
    ) as caught:
        score_predictions(picky, ["a", "a", "", ""], [["x"], ["x"], ["r" * 500], ["y"]])
    assert "prediction: ''" in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        (87.5, {}, r"returned 87.5 on example 2, expected a number in \[0, 1\]"),
        (-0.5, {}, r"returned -0.5 on example 2"),
        (float("nan"), {}, "failed on example 2 of 2: returned nan, expected a finite number"),
        (float("inf"), {"unit": "points"}, "expected a finite number"),
        (0.5, {"binary": True}, "expected 0 or 1"),
        (None, {}, "failed on example 2 of 2: TypeError"),
        ("high", {}, "failed on example 2 of 2: could not convert string to float"),
    ],
)
def test_what_is_no_score_is_refused(
    value: object, options: dict[str, object], message: str
) -> None:
    def broken(prediction: str, _: Sequence[str]) -> object:
        return value if prediction else 0

    with pytest.raises(ScorerError, match=message):
        score_predictions(scorer(**options)(broken), ["", "x"], [["a"], ["a"]])  # type: ignore[call-overload]


def test_a_failure_on_some_examples_leaves_the_others_their_scores() -> None:
    @scorer
    def picky(prediction: str, _: Sequence[str]) -> float:
        return float("nan") if prediction == "n" else 1 / len(prediction)

    told: list[tuple[int, str]] = []
    stats = score_predictions(
        picky,
        ["", "a", None, "n", ""],
        [["x"]] * 5,
        on_failure=lambda row, reason: told.append((row, reason)),
    )
    assert np.isnan(stats[:, 0]).tolist() == [True, False, True, True, True]
    zero = "ZeroDivisionError('division by zero')"
    assert told == [(0, zero), (3, "returned nan, expected a finite number"), (4, zero)]


def test_a_failure_on_every_example_leaves_none_a_score(config: SuiteConfig) -> None:
    broken = scorer(name="broken")(lambda *_: 1 / 0)
    stats = score_predictions(broken, [None, "a"], [["x"]] * 2, on_failure=leave_out)
    assert np.isnan(stats).tolist() == [[True, True], [True, True]]
    (joined,) = make_scorers(["composite(echo=1, chrf=1)"], config, [["x"]])
    examples = [Example("1", "a b c d", (), ("x",))]
    assert score_predictions(joined, [None], [["x"]], examples=examples).shape == (1, 20)


class Reciprocal(BatchScorer):
    """1 over the length, of a whole batch; not of an empty text."""

    name = signature = "reciprocal"
    kind = "mean"

    def table(self, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> FloatArray:
        assert len(predictions) == len(references)
        found = np.array([1 / len(text) if text != "n" else np.nan for text in predictions])
        return np.column_stack((found, np.ones(len(found))))

    def corpus(self, totals: FloatArray) -> FloatArray:
        return totals[..., 0]


@pytest.mark.parametrize("characters", [1, 4, 10**6])
def test_a_batch_that_fails_marks_only_the_examples_that_do(
    monkeypatch: pytest.MonkeyPatch, characters: int
) -> None:
    monkeypatch.setattr(batches, "CHARACTERS", characters)
    told: list[tuple[int, str]] = []
    stats = score_predictions(
        Reciprocal(),
        ["ab", "", "a", None, "n", "abcd"],
        [["x"]] * 6,
        on_failure=lambda row, reason: told.append((row, reason)),
    )
    np.testing.assert_equal(stats[:, 0], [0.5, np.nan, 1, np.nan, np.nan, 0.25])
    zero = "ZeroDivisionError('division by zero')"
    assert told == [(1, zero), (4, "returned nan, expected a finite number")]


def test_an_error_of_ours_concerns_every_example() -> None:
    @scorer
    def slow(prediction: str, _: Sequence[str]) -> float:
        if prediction == "b":
            raise ScorerError("the pattern was stopped")
        return 1

    with pytest.raises(ScorerError, match="'slow' failed on example 2 of 2: the pattern was st"):
        score_predictions(slow, ["a", "b"], [["x"]] * 2, on_failure=lambda *_: None)


def test_a_scorer_may_look_at_the_whole_example() -> None:
    @scorer
    def asked(prediction: str, references: Sequence[str], example: Example) -> bool:
        return prediction == example.fields["wanted"] and references == example.references

    examples = [Example(str(i), "p", (), ("x",), {"wanted": str(i)}) for i in range(2)]
    assert asked.needs_example
    stats = score_predictions(asked, ["1", "1"], [["x"]] * 2, examples=examples)
    assert stats.tolist() == [[0, 1], [1, 1]]
    with pytest.raises(ValueError, match="'asked' needs the examples"):
        score_predictions(asked, ["1"], [["x"]])


def test_other_units_are_free() -> None:
    stats = score_predictions(
        scorer(unit="points")(lambda prediction, _: float(prediction)), ["-7", "87.5"], [["a"]] * 2
    )
    assert stats[:, 0].tolist() == [-7, 87.5]


def test_without_any_answer_the_shape_is_still_known(config: SuiteConfig) -> None:
    scorers = make_scorers(["f1", "bleu", "chrf", "macro_f1"], config, [["a"], ["b"]])
    shapes = [score_predictions(s, [None, None], [["a"], ["b"]]).shape for s in scorers]
    assert shapes == [(2, 2), (2, 10), (2, 18), (2, 6)]
    assert score_predictions(scorers[0], [], []).shape == (0, 2)


def test_predictions_and_references_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="shorter"):
        score_predictions(scorer(lambda *_: 0), ["a", "b"], [["a"]])
