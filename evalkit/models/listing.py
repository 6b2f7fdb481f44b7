"""What an endpoint says that it serves: `GET /v1/models`, in the dialects of many servers.

SGLang lists an adapter by its bare name, yet answers to that name with the base: an adapter of it
is to be asked for as `BASE:ADAPTER`, and has that name in what is read here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from evalkit.schema import ServedModel

_CONTEXT = (
    "max_model_len",  # vLLM, SGLang
    "context_length",  # OpenRouter, Together
    "loaded_context_length",  # LM Studio, of its own API
    "max_context_length",  # Mistral, LM Studio
    "context_window",  # Groq
)
_RETIRES = (
    "deprecation",  # Mistral: a date; Azure: seconds, by purpose
    "expiration_date",  # OpenRouter
    "retirement_date",
    "shutdown_date",
    "deprecation_date",
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SHOWN = 200
"""Characters of a server's own words that are kept."""


def read_listing(content: bytes) -> tuple[ServedModel, ...] | None:
    """Read the body of a list of models.

    Args:
        content: the body as received.

    Returns:
        Every model with a name, each once, and an adapter with the context of its base unless it
        has one of its own; None where the body is no list of models.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    rows = body.get("data") if isinstance(body, dict) else body
    if not isinstance(rows, list):
        return None
    found = [_served(row) for row in rows if isinstance(row, dict) and _text(row.get("id"))]
    by_id = {served.id: served for served in found}
    return tuple(_within(by_id.get(served.parent or ""), served) for served in by_id.values())


def find_served(listed: Iterable[ServedModel], name: str) -> ServedModel | None:
    """The entry of a model by the name that it is asked for; Ollama lists `NAME` as `NAME:latest`.

    Args:
        listed: what the endpoint lists.
        name: as it is sent.
    """
    by_id = {served.id: served for served in listed}
    return by_id.get(name) or by_id.get(f"{name}:latest")


def _within(parent: ServedModel | None, served: ServedModel) -> ServedModel:
    """An adapter can take what its base can: vLLM and SGLang say it of the base alone."""
    if parent is None or served.context is not None:
        return served
    return replace(served, context=parent.context)


def _served(row: Mapping[str, Any]) -> ServedModel:
    contexts = [row.get(name) for name in _CONTEXT]
    dates = [_date(row.get(name)) for name in _RETIRES]
    name, parent = _text(row["id"]) or "", _text(row.get("parent"))
    if parent and row.get("owned_by") == "sglang":
        name = f"{parent}:{name}"
    return ServedModel(
        id=name,
        parent=parent,
        root=_text(row.get("root")),
        context=next((n for n in contexts if type(n) is int and n > 0), None),
        retires=next((date for date in dates if date), None),
    )


def _text(value: object) -> str | None:
    return value[:_SHOWN] if isinstance(value, str) and value else None


def _date(value: object) -> str | None:
    """A day where there is one, in whatever form it comes."""
    if isinstance(value, dict):
        return _date(value.get("inference"))
    if isinstance(value, str):
        day = _DATE.match(value)
        return day[0] if day else _text(value)
    if type(value) is int and 0 < value < 2**33:
        return datetime.fromtimestamp(value, UTC).date().isoformat()
    return None
