from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import evalkit
from evalkit.schema import ScorerInfo
from evalkit.scorers import MeanScorer, Scorer, info, scorer
from evalkit.stats.samples import FloatArray


@scorer
def half(prediction: str, references: Sequence[str]) -> float:
    return 0.5 if prediction in references else 0.0


@scorer(name="near", unit="points", better=-1, details="v7")
def close_to(
    prediction: str, references: Sequence[str], *, by: float = 1, up: bool = True
) -> float:
    sign = 1 if up else -1
    return sign * by * abs(len(prediction) - len(references[0]))


class Ratio(Scorer):
    """Characters said, over characters wanted: no mean of ratios."""

    name = "ratio"
    signature = "ratio|v1"

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        return float(len(prediction)), float(max(map(len, references)))

    def corpus(self, totals: FloatArray) -> FloatArray:
        return np.asarray(totals[..., 0] / totals[..., 1])


def test_the_decorator_makes_a_mean_of_a_plain_function() -> None:
    assert isinstance(half, MeanScorer)
    assert half.stats("a", ["a"]) == (0.5, 1.0)
    assert half.corpus(np.array([[1.5, 3.0], [0.0, 2.0]])).tolist() == [0.5, 0.0]
    assert half.values(np.array([[0.5, 1.0], [np.nan, np.nan]])).tolist()[0] == 0.5
    assert info(half) == ScorerInfo("half", "half", "mean", "score", 1, binary=False)


def test_a_decorated_function_can_still_be_called() -> None:
    assert half("a", ["a"]) == 0.5
    assert close_to("abc", ["a"], by=2, up=False) == -4


def test_a_mean_of_nothing_is_nan() -> None:
    assert np.isnan(half.corpus(np.zeros(2)))


def test_options_are_in_name_and_signature() -> None:
    assert (close_to.name, close_to.signature) == ("near", "near|by:1|up:yes|v7")
    configured = close_to.configured({"up": False, "by": 2})
    assert configured.name == "near(by=2, up=False)"
    assert configured.signature == "near|by:2|up:no|v7"
    assert configured.stats("abc", ["a"]) == (-4.0, 1.0)
    assert (configured.unit, configured.better) == ("points", -1)
    assert close_to.configured({}) is close_to


def test_a_function_annotated_bool_is_binary() -> None:
    @scorer
    def yes(prediction: str, references: Sequence[str]) -> bool:
        return prediction in references

    assert yes.binary
    assert yes.stats("a", ["b", "a"]) == (1.0, 1.0)
    assert scorer(binary=False)(yes.function).binary is False


def test_an_option_may_be_called_example() -> None:
    @scorer
    def odd(prediction: str, references: Sequence[str], *, example: int = 1) -> float:
        return len(prediction) * example * len(references)

    assert not odd.needs_example
    assert odd.configured({"example": 2}).stats("ab", ["x"]) == (4.0, 1.0)


def test_a_corpus_scorer_inherits_what_it_does_not_say() -> None:
    ratio = Ratio()
    assert info(ratio) == ScorerInfo("ratio", "ratio|v1", "corpus", "score", 1, binary=False)
    stats = np.array([ratio.stats("ab", ["abcd"]), ratio.stats("abc", ["abc"])])
    assert ratio.values(stats).tolist() == [0.5, 1.0]
    assert ratio.corpus(stats.sum(axis=0)) == pytest.approx(5 / 7)


def test_the_package_offers_the_decorator() -> None:
    assert evalkit.scorer is scorer
