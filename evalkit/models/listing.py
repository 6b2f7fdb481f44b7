"""What an endpoint says that it serves: `GET /v1/models`, in the dialects of many servers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from evalkit.schema import ServedModel

_CONTEXT = (
    "max_model_len",  # vLLM, SGLang
    "context_length",  # OpenRouter, Together
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


def read_listing(content: bytes) -> tuple[ServedModel, ...] | None:
    """Read the body of a list of models.

    Args:
        content: the body as received.

    Returns:
        Every model with a name, each once; None where the body is no list of models.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    rows = body.get("data") if isinstance(body, dict) else body
    if not isinstance(rows, list):
        return None
    found = [_served(row) for row in rows if isinstance(row, dict) and _text(row.get("id"))]
    return tuple({served.id: served for served in found}.values())


def _served(row: Mapping[str, Any]) -> ServedModel:
    contexts = [row.get(name) for name in _CONTEXT]
    dates = [_date(row.get(name)) for name in _RETIRES]
    return ServedModel(
        id=_text(row["id"]) or "",
        parent=_text(row.get("parent")),
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
