from __future__ import annotations

import numpy as np
import pytest

from evalkit.errors import ScorerError
from evalkit.schema import Example, Extract, SuiteConfig
from evalkit.scorers import Scorer, make_scorers, score_predictions

PAIRS = [("a cat sat", "a cat sat"), ("a dog", "a cat"), ("x y z", "x y w"), ("", "b")]
REFERENCES = [[reference] for _, reference in PAIRS]


def made(config: SuiteConfig, *specs: str) -> tuple[Scorer, ...]:
    return make_scorers(specs, config, REFERENCES)


def totals(scorer: Scorer) -> float:
    stats = score_predictions(scorer, [prediction for prediction, _ in PAIRS], REFERENCES)
    return float(scorer.corpus(stats.sum(axis=0)))


def test_of_means_it_is_the_mean_of_weighted_values(config: SuiteConfig) -> None:
    exact, rouge, both = made(
        config, "exact_match", "rouge_l", "composite(exact_match=2, rouge_l=1)"
    )
    assert (both.kind, both.name) == ("mean", "composite(exact_match=2, rouge_l=1)")
    assert totals(both) == pytest.approx((2 * totals(exact) + totals(rouge)) / 3)
    np.testing.assert_allclose(both.stats("x y z", ["x y w"]), ((0 + 2 / 3) / 3, 1.0))


def test_of_sums_it_is_the_weighted_score_of_sums(config: SuiteConfig) -> None:
    exact, chrf, both = made(config, "exact_match", "chrf", "composite(chrf=3, exact_match=1)")
    assert both.kind == "corpus"
    assert totals(both) == pytest.approx((3 * totals(chrf) + totals(exact)) / 4)


def test_where_less_is_better_it_is_turned_round(config: SuiteConfig) -> None:
    exact, both = made(config, "exact_match", "composite(repetition=1, exact_match=1)")
    assert totals(both) == pytest.approx((1 + totals(exact)) / 2)


def test_parts_with_options_and_examples(config: SuiteConfig) -> None:
    spec = "composite(parts={'numeric(tolerance=1)': 1, 'echo': 1})"
    (both,) = made(config, spec)
    assert both.name == spec
    assert both.needs_example
    example = Example("1", "What is four and four, please?", (), ("8",))
    assert both.example_stats("9", example) == (1.0, 1.0)
    assert both.example_stats("What is four and four, please? 7", example) == (0.5, 1.0)


def test_its_signature_is_that_of_its_parts(config: SuiteConfig) -> None:
    exact, rouge, both = made(
        config, "exact_match", "rouge_l", "composite(exact_match=2,rouge_l=1)"
    )
    assert both.signature == f"composite|2*[{exact.signature}]+1*[{rouge.signature}]|v1"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("composite()", "found 0 scorers, expected two or more"),
        ("composite(f1=1)", "found 1 scorers, expected two or more"),
        ("composite(f1=1, rouge_l=0)", "found the weight 0 of rouge_l, expected a number above 0"),
        ("composite(f1=1, rouge_l='x')", "found the weight 'x' of rouge_l"),
        ("composite(f1=True, rouge_l=1)", "found the weight True of f1"),
        ("composite(f1=1, rouge_j=1)", "unknown scorer 'rouge_j'; did you mean 'rouge_"),
        ("composite(f1=1, length=1)", "found length, which is a description, expected scores"),
        ("composite(f1=1, perplexity=1)", "found perplexity, which reads log-probabilities"),
        ("composite(f1=1, parts={'f1': 1})", "found 1 scorers, expected two or more different"),
    ],
)
def test_what_cannot_be_joined(config: SuiteConfig, spec: str, message: str) -> None:
    with pytest.raises(ScorerError, match=message):
        made(config, spec)


def test_parts_have_to_look_at_one_text() -> None:
    config = SuiteConfig("demo", "qa", extract=(Extract("number"),))
    with pytest.raises(ScorerError, match="found loop, which looks at whole completions, and f1, "):
        make_scorers(["composite(f1=1, loop=1)"], config, REFERENCES)
    (whole,) = make_scorers(["composite(loop=1, echo=1)"], config, REFERENCES)
    assert whole.whole


def test_missing_answers_stay_out(config: SuiteConfig) -> None:
    (both,) = made(config, "composite(chrf=3, exact_match=1)")
    stats = score_predictions(both, ["a cat sat", None], REFERENCES[:2])
    assert np.isnan(both.values(stats)).tolist() == [False, True]
