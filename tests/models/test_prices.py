"""Prices: the user's word goes before the list, and what nobody knows is not guessed."""

from __future__ import annotations

from datetime import date

import pytest

from evalkit.models import price_of
from evalkit.schema import ModelSpec, Price

DAY = date(2026, 1, 15)
OWN = (
    "http://localhost:8000/v1",
    "http://127.0.0.1/v1",
    "http://[::1]:8000/v1",
    "http://localhost",
)


def spec(model: str, provider: str = "openai", **fields: object) -> ModelSpec:
    return ModelSpec("arm", provider, model, "base", **fields)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def test_openai_is_on_the_list() -> None:
    # https://openai.com/api/pricing, gpt-4o-mini: $0.15 and $0.60 a million tokens since July 2024.
    price = price_of(spec("gpt-4o-mini"), DAY)
    assert price is not None
    assert (price.input, price.output) == (0.15, 0.6)
    assert price.source.startswith("genai-prices ")
    assert price.of(1_000_000, 0) == 0.15
    assert price.of(2000, 500) == pytest.approx(0.0006)


def test_a_tuned_model_has_the_price_of_tuned_models() -> None:
    base, tuned = (
        price_of(spec(name), DAY)
        for name in ("gpt-4o-mini-2024-07-18", "ft:gpt-4o-mini-2024-07-18:org::id")
    )
    assert base is not None
    assert tuned is not None
    assert tuned.input == 2 * base.input


def test_ones_own_price_goes_before_the_list() -> None:
    own = Price(1.0, 2.0, "evalkit.yaml")
    assert price_of(spec("gpt-4o-mini", price=own), DAY) == own


@pytest.mark.parametrize(
    "unknown",
    [
        *(spec("gpt-4o-mini", base_url=url) for url in OWN),
        spec("gpt-4o-mini", base_url="http://gpu-7:8000/v1"),
        spec("no-such-model"),
        spec("answers.jsonl", "file"),
        spec("model", "third-party"),
    ],
)
def test_what_nobody_knows_is_not_guessed(unknown: ModelSpec) -> None:
    assert price_of(unknown, DAY) is None


def test_the_address_of_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1")
    assert price_of(spec("gpt-4o-mini"), DAY) is None


def test_a_batch_costs_half_at_openai() -> None:
    # https://openai.com/api/pricing, Batch API: half the price of live requests.
    day = date(2026, 11, 1)  # the list knows them since October 2026
    live, batch = (price_of(spec("gpt-4o-mini"), day, batch=told) for told in (False, True))
    assert live is not None
    assert batch is not None
    assert (batch.input, batch.output) == (live.input / 2, live.output / 2)
    assert batch.source == f"{live.source}, batch"


def test_a_batch_costs_what_a_request_costs_where_no_other_price_is_known() -> None:
    own = spec("gpt-4o-mini", price=Price(1.0, 2.0, "evalkit.yaml"))
    elsewhere = spec("mistral-large-latest", base_url="https://api.mistral.ai/v1")
    for model in (own, elsewhere, spec("base", "local"), spec("no-such-model")):
        assert price_of(model, DAY, batch=True) == price_of(model, DAY)


def test_a_model_in_this_process_costs_nothing() -> None:
    price = price_of(spec("base", "local"), DAY)
    assert price is not None
    assert price.of(10**9, 10**9) == 0
