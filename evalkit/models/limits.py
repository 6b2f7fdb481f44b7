"""What a server says about its rate limits, in the headers of every reply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

Resource = Literal["requests", "tokens"]
RESOURCES: tuple[Resource, ...] = ("requests", "tokens")

MINUTE = 60.0
"""The span that limits are counted over where a server does not say when it starts anew."""

_DURATION = re.compile(
    r"(?:(\d{1,4})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?"
    r"(?:(\d{1,9}(?:\.\d{1,9})?)(?:s|$))?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?"
)
_UNITS = (86400.0, 3600.0, 60.0, 1.0, 0.001)
"""Seconds of each of its parts."""

_LONGEST = 30 * 86400.0
"""Seconds; what is longer is a date or nonsense."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of one resource a server still grants.

    Attributes:
        resource: what is counted.
        limit: the most it grants at a time, at least 1.
        remaining: what is left of it, 0 to `limit`.
        reset: seconds until all of it is granted again.
    """

    resource: Resource
    limit: int
    remaining: int
    reset: float


@runtime_checkable
class Metered(Protocol):
    """A provider whose server counts what it grants."""

    def take_allowances(self) -> tuple[Allowance, ...]:
        """What the server said in its last reply; nothing, if that was taken before."""


def read_allowances(headers: Mapping[str, str]) -> tuple[Allowance, ...]:
    """Read `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`.

    Args:
        headers: of a reply, names in any case.

    Returns:
        One allowance for each resource whose limit and remainder can be read. Without a readable
        reset, the limit is taken to refill evenly within a minute.
    """
    found = []
    for resource in RESOURCES:
        limit = _number(headers.get(f"x-ratelimit-limit-{resource}"))
        remaining = _number(headers.get(f"x-ratelimit-remaining-{resource}"))
        if not limit or remaining is None:
            continue
        remaining = min(remaining, limit)
        reset = seconds_of(headers.get(f"x-ratelimit-reset-{resource}", ""))
        if reset is None:
            reset = MINUTE * (limit - remaining) / limit
        found.append(Allowance(resource, limit, remaining, reset))
    return tuple(found)


def seconds_of(text: str) -> float | None:
    """A duration as servers write it: `6m0s`, `120ms`, `1h2m3.5s`, `17`; None if it is none."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    parts = zip(match.groups(default="0"), _UNITS, strict=True)
    seconds = sum(float(part) * unit for part, unit in parts)
    return seconds if seconds <= _LONGEST else None


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[0-9]{1,15}", text) else None
