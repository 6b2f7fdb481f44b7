"""What a run was asked to do, as its folder remembers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def command_of(suites: Sequence[str | Path], options: Mapping[str, Any]) -> dict[str, Any]:
    """Suites and options as they were given, as plain JSON values."""
    return {
        "suites": [str(suite) for suite in suites],
        "options": {name: _plain(value) for name, value in options.items() if is_given(value)},
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - any option
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def is_given(value: object) -> bool:
    """Whether an option was given; what is left out has its default."""
    return value is not None and value is not False and value not in ((), [])
