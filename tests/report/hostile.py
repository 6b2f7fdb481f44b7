"""A run record in which every text that could come from outside tries to take effect."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from evalkit.schema import RunRecord

EVIL = (
    "<img src=x onerror=window.hit=1></script><script>window.hit=1</script></style></title>"
    "<a href='javascript:window.hit=1'>\"'&{{7*7}}$x_2$|`@all`\x00\x1b[31m\u202e\u2066\u2028\ud800"
)

TEXTS = {
    "name", "model", "base", "tuned", "tuned_from", "train", "base_url", "suite", "scorer",
    "prompt", "references", "text", "message", "content", "description", "labels", "system",
    "template", "reference", "predicted", "slice", "note", "method", "detail", "advice",
    "warnings", "signature", "served_models", "id", "test_id", "train_id", "kind",
    "finish_reason", "stop", "regex", "unit", "source",
}  # fmt: skip
KEYS = {
    "answers", "values", "scorers", "hashes", "overfit_levels", "failures", "numbers", "versions",
    "fields", "clocks",
}  # fmt: skip
LITERALS = {("ScorerInfo", "kind"), ("ScorerInfo", "unit"), ("Signal", "name")}


def spoil(record: RunRecord) -> RunRecord:
    """The same record with `EVIL` behind every text, consistently."""
    spoiled: RunRecord = _spoil(record, "")
    return spoiled


def _spoil(value: Any, field: str) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = type(value).__name__
        changed = {
            f.name: _spoil(getattr(value, f.name), "" if (kind, f.name) in LITERALS else f.name)
            for f in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **changed)
    if isinstance(value, str):
        return value + EVIL if field in TEXTS and value else value
    if isinstance(value, tuple):
        return tuple(_spoil(item, field) for item in value)
    if isinstance(value, Mapping):
        return {_key(key, field): _spoil(item, field) for key, item in value.items()}
    return value


def _key(key: Any, field: str) -> Any:
    if field not in KEYS:
        return key
    return tuple(part + EVIL for part in key) if isinstance(key, tuple) else key + EVIL
