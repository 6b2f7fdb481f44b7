from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import evalkit
from evalkit.errors import UsageError
from tests.pipeline.made_arms import run


def test_a_limit_draws_a_sample_that_does_not_change(folder: Path) -> None:
    one, two = (run(limit=10, out=folder / name).scores for name in ("one", "two"))
    pd.testing.assert_frame_equal(one, two)
    assert one[one.split == "test"].id.nunique() == 10
    assert sorted(one[one.split == "test"].id.unique(), key=int) == list(
        one[one.split == "test"].id.unique()
    )


@pytest.mark.usefixtures("folder")
def test_a_training_file_that_is_nowhere() -> None:
    with pytest.raises(UsageError, match=r"nowhere\.jsonl"):
        evalkit.run("data.jsonl", base="file:base.jsonl", tuned="file:honest.jsonl",
                    train="nowhere.jsonl")  # fmt: skip


@pytest.mark.usefixtures("folder")
def test_two_suites_of_one_name() -> None:
    with pytest.raises(UsageError, match="two suites are called 'data'"):
        evalkit.run(["data.jsonl", "data.jsonl"], base="file:base.jsonl", tuned="file:honest.jsonl")
