"""A rate limit that really is one, scaled to short windows: it counts, refuses and says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tests.servers.openai_server import error_reply

if TYPE_CHECKING:
    from aiohttp import web


@dataclass
class Counted:
    """One resource. A window starts anew all at once; a bucket refills all the while."""

    limit: int
    seconds: float
    style: Literal["window", "bucket"]
    left: float = field(init=False)
    since: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.left = self.limit

    def refill(self, now: float) -> None:
        if self.style == "bucket":
            self.left = min(self.limit, self.left + self.limit * (now - self.since) / self.seconds)
            self.since = now
        elif now >= self.since + self.seconds:
            self.left, self.since = self.limit, now

    def until_full(self, now: float) -> float:
        if self.style == "bucket":
            return self.seconds * (self.limit - self.left) / self.limit
        return self.since + self.seconds - now


@dataclass
class RateLimit:
    """Requests and tokens in so many seconds; says in every reply what is left of them.

    Use it as `refuse` of the test server, and its `headers` as the server's.

    Attributes:
        clock: tells the time in seconds.
        granted, refused: when, on that clock.
        tokens_granted: in all.
    """

    requests: int
    tokens: int
    seconds: float
    style: Literal["window", "bucket"]
    clock: Callable[[], float] = time.monotonic
    granted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    tokens_granted: int = 0
    last: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.counted = {
            "requests": Counted(self.requests, self.seconds, self.style),
            "tokens": Counted(self.tokens, self.seconds, self.style),
        }

    def __call__(self, _: web.Request | None, body: dict[str, Any]) -> web.Response | None:
        now = self.clock()
        words = sum(len(message["content"].split()) for message in body["messages"])
        costs = {"requests": 1, "tokens": words + body["max_tokens"]}
        for counted in self.counted.values():
            counted.refill(now)
        short = [name for name, cost in costs.items() if self.counted[name].left < cost]
        if not short:
            self.granted.append(now)
            self.tokens_granted += costs["tokens"]
            for name, cost in costs.items():
                self.counted[name].left -= cost
        self.last = self.shown(now)
        if short:
            self.refused.append(now)
            return error_reply(429, "slow down", "rate_limit_exceeded", **self.last)
        return None

    def headers(self) -> dict[str, str]:
        """What goes with the answer to the request that was just granted."""
        return {name.replace("_", "-"): value for name, value in self.last.items()}

    def shown(self, now: float) -> dict[str, str]:
        """Headers as OpenAI writes them."""
        found = {}
        for name, counted in self.counted.items():
            found[f"x_ratelimit_limit_{name}"] = str(counted.limit)
            found[f"x_ratelimit_remaining_{name}"] = str(int(counted.left))
            found[f"x_ratelimit_reset_{name}"] = f"{counted.until_full(now) * 1000:.0f}ms"
        return found

    def used(self) -> float:
        """Share of what was granted of what could have been, in all windows but the last."""
        windows = int((self.granted[-1] - self.granted[0]) / self.seconds)
        end = self.granted[0] + windows * self.seconds
        granted = sum(at < end for at in self.granted)
        tokens = granted * self.tokens_granted / len(self.granted)
        # A bucket is full at the start, and refills from then on.
        most = windows + (self.style == "bucket")
        return max(granted / (most * self.requests), tokens / (most * self.tokens))

    def refused_later(self) -> float:
        """Share of the requests after the first window that were refused."""
        start = self.granted[0] + self.seconds
        refused = sum(at > start for at in self.refused)
        return refused / max(1, refused + sum(at > start for at in self.granted))
