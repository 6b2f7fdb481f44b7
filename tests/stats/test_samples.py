"""V4: specification vector of the project, six digits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats.samples import cluster_sums, codes, floats, mean, repeats, rng

VALUES = st.lists(st.floats(0, 1), min_size=2, max_size=30)


def test_mean_of_single_values_has_the_textbook_standard_error() -> None:
    x = floats([1, 0.5, 0, 0.8])

    found = mean(x)

    assert found.value == pytest.approx(0.575)
    assert found.se == pytest.approx(x.std(ddof=1) / 2)
    assert (found.n, found.units) == (4, 4)


@given(VALUES)
def test_clusters_of_one_change_nothing(values: list[float]) -> None:
    x = floats(values)
    alone, clustered = mean(x), mean(x, np.arange(x.size))
    assert clustered.se == pytest.approx(alone.se, abs=1e-12)
    assert clustered.units == alone.units


def test_repeating_every_value_in_its_cluster_adds_no_certainty() -> None:
    x = floats([0.1, 0.9, 0.4, 0.7, 0.3])
    clusters = np.arange(5).repeat(4)

    assert mean(x.repeat(4), clusters).se == pytest.approx(mean(x).se)
    assert mean(x.repeat(4)).se < mean(x).se / 1.9


def test_a_single_unit_has_no_standard_error() -> None:
    assert np.isnan(mean(floats([0.3])).se)
    assert np.isnan(mean(floats([0.3, 0.4]), np.array([0, 0])).se)


def test_equal_values_have_none_rather_than_rounding_noise() -> None:
    assert mean(np.full(7, 0.1)).se == 0.0


def test_repeated_measurements_split_the_variance_v4() -> None:
    found = repeats(floats([[1, 0, 1], [0, 0, 0], [1, 1, 1], [1, 0, 0]]))

    assert found.means == pytest.approx([0.666667, 0.0, 1.0, 0.333333], abs=1e-6)
    assert found.mean.value == pytest.approx(0.5)
    assert found.mean.se == pytest.approx(0.215166, abs=1e-6)
    assert found.within == pytest.approx(0.166667, abs=1e-6)
    assert found.between == pytest.approx(0.129630, abs=1e-6)


def test_labels_of_any_kind_become_codes() -> None:
    assert codes(["b", "a", "b"]).tolist() == [1, 0, 1]
    assert cluster_sums(floats([[1, 2], [3, 4], [5, 6]]), codes(["b", "a", "b"])).tolist() == [
        [3, 4],
        [6, 8],
    ]


def test_generators_differ_by_name_and_by_seed_and_repeat() -> None:
    def draw(name: str, seed: int = 1) -> int:
        return int(rng(name, seed).integers(1 << 60))

    assert draw("a") == draw("a")
    assert len({draw("a"), draw("b"), draw("a", 2), draw("b", 0)}) == 4
