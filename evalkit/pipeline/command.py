"""What a run was asked to do, as its folder remembers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DEFAULTS = {"probe": True}
"""Of switches that are on unless somebody turns them off."""


def command_of(suites: Sequence[str | Path], options: Mapping[str, Any]) -> dict[str, Any]:
    """Suites and options as they were given, as plain JSON values."""
    return {
        "suites": [str(suite) for suite in suites],
        "options": given_of(options),
    }


def given_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those options that were given, as plain JSON values; what is left out has its default."""
    return {
        name: _plain(value)
        for name, value in options.items()
        if value not in (None, (), []) and value is not DEFAULTS.get(name, False)
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - any option
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
