from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from evalkit.errors import UsageError
from evalkit.schema import Signal
from evalkit.verdict import signal
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.signals import registry, signals, unavailable


def loud(evidence: Evidence) -> Signal:
    return unavailable("loud", evidence.tuned)


@pytest.fixture
def _registry() -> Iterator[None]:
    before = dict(registry._REGISTERED)
    yield
    registry._REGISTERED.clear()
    registry._REGISTERED.update(before)


def offer(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    entries = EntryPoints([EntryPoint(name, value, registry.ENTRY_POINTS)])
    monkeypatch.setattr(registry, "entry_points", lambda group: entries.select(group=group))


def test_own_signals_and_the_gap_leads() -> None:
    assert list(signals()) == ["gap", "copying", "curve", "leakage", "membership", "perturbation"]


@pytest.mark.usefixtures("_registry")
def test_a_new_signal_is_one_function() -> None:
    assert signal(loud) is loud
    assert signals()["loud"] is loud


def test_installed_signals_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "loud", f"{__name__}:loud")
    assert signals()["loud"].__name__ == "loud"


def test_a_name_that_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "gap", f"{__name__}:loud")
    with pytest.raises(UsageError, match="'gap', which exists already"):
        signals()


@pytest.mark.parametrize("value", ["no_such_module:f", "evalkit.verdict:no_such_function"])
def test_a_broken_signal_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    offer(monkeypatch, "broken", value)
    with pytest.raises(UsageError, match="signal 'broken' cannot be loaded"):
        signals()
