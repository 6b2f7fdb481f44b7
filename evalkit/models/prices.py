"""What a model's tokens cost: the user's own word, or the price list of the package `genai-prices`.

The list lies in the package; nothing is fetched. It knows the prices for everybody, not yours: no
discount for cached prompts or of your contract.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time

from evalkit.schema import ModelSpec, Price
from evalkit.schema.spend import MILLION

FREE = Price(0.0, 0.0, "no server is asked")

_THIS_MACHINE = re.compile(r"https?://(?:localhost|127(?:\.\d+){3}|\[::1\])(?:[:/]|$)")
"""Where no one sells tokens: that is known without the list, which takes a while to load."""

_SAMPLE = 1000
"""Tokens that are priced to learn the rate: few, because some rates rise with long prompts."""


def price_of(spec: ModelSpec, on: date, *, batch: bool = False) -> Price | None:
    """The price of a model's tokens.

    Args:
        spec: the arm; a price of its own wins.
        on: the day that it is asked; prices change.
        batch: whether it is asked by file, which many sell for less.

    Returns:
        None where nobody knows: a server of one's own, a model that is not on the list, or
        completions that were made elsewhere.
    """
    if spec.price is not None:
        return spec.price
    if spec.provider == "local":
        return FREE
    if spec.provider != "openai":
        return None
    from evalkit.models.openai import base_url_of

    live = _listed(spec.model, base_url_of(spec), on, {})
    if live is None or not batch:
        return live
    by_file = _listed(spec.model, base_url_of(spec), on, {"processing": "batch"})
    if by_file is None or by_file == live:
        return live
    return replace(by_file, source=f"{by_file.source}, batch")


def _listed(model: str, base_url: str, on: date, context: dict[str, str]) -> Price | None:
    """The price on the list; at noon, because some are lower at night."""
    if _THIS_MACHINE.match(base_url):
        return None
    from genai_prices import Usage, __version__, calc_price

    try:
        found = calc_price(
            Usage(input_tokens=_SAMPLE, output_tokens=_SAMPLE),
            model,
            provider_api_url=base_url,
            genai_request_timestamp=datetime.combine(on, time(12), UTC),
            price_context=context,
        )
    except LookupError:
        return None
    rate = MILLION // _SAMPLE
    source = f"genai-prices {__version__}"
    return Price(float(found.input_price * rate), float(found.output_price * rate), source)
