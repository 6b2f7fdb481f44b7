"""The verdict on the overtrained model rests on no single signal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import evalkit
from evalkit import embedded
from evalkit.schema import OverfitVerdict
from evalkit.verdict import overfit_levels
from evalkit.verdict.overfit import adjust_signals, join
from evalkit.verdict.signals import signals
from evalkit.verdict.signals.registry import ACCUSING, judged

SUITES = ("world-facts", "support-intents")


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> tuple[OverfitVerdict, ...]:
    """What a run says of the shipped `overfit`, on fewer suites and rows than the quickstart."""
    folder: Path = tmp_path_factory.mktemp("overfit")
    done = evalkit.run(
        SUITES,
        config=embedded.quickstart_file(),
        tuned="overfit",
        limit=40,
        cache=folder / "cache",
        out=folder / "out",
    )
    return done.record.info.overfit


def without(verdicts: tuple[OverfitVerdict, ...], name: str) -> str:
    """The model's level if there were no such signal."""
    groups = adjust_signals(
        [[judged(s, None) for s in verdict.signals if s.name != name] for verdict in verdicts]
    )
    joined = [replace(v, level=join(group)) for v, group in zip(verdicts, groups, strict=True)]
    return overfit_levels(joined)["overfit"]


def test_it_is_strong(verdicts: tuple[OverfitVerdict, ...]) -> None:
    assert overfit_levels(verdicts) == {"overfit": "strong"}


@pytest.mark.parametrize("name", list(signals()))
def test_no_signal_is_needed_to_accuse_it(verdicts: tuple[OverfitVerdict, ...], name: str) -> None:
    assert without(verdicts, name) in ACCUSING


def test_its_loss_curve_is_found_by_itself_and_accuses(
    verdicts: tuple[OverfitVerdict, ...],
) -> None:
    for verdict in verdicts:
        assert next(s for s in verdict.signals if s.name == "curve").level == "mild"
