"""When a failed request is asked again, and how long to wait before."""

from __future__ import annotations

import random
from dataclasses import dataclass

from evalkit.schema import Failure


@dataclass(frozen=True, slots=True)
class Retry:
    """How much patience a request gets.

    A rate limit is a server that works and asks for time: it costs patience, not attempts. An
    outage, in which a server that has answered can be reached by nobody, costs no attempts either:
    perhaps it is being started again. A wait that the server itself names is kept, however long it
    is.

    Attributes:
        attempts: how often a request is sent at most, rate limits and outages not counted; and how
            often it is sent in spite of rate limits at least.
        patience: seconds of waiting for rate limits after which the next one is final, unless
            there are attempts left.
        outage: seconds since an endpoint's last answer after which it is no outage any more.
        after_timeout: whether a request that was not answered in time is sent again.
        first: seconds before the second attempt, doubled from attempt to attempt.
        longest: the doubling ends here.
    """

    attempts: int = 6
    patience: float = 900.0
    outage: float = 300.0
    after_timeout: bool = True
    first: float = 0.5
    longest: float = 60.0


@dataclass(slots=True)
class Budget:
    """What one request has used up of its `Retry`."""

    retry: Retry
    tries: int = 0
    limits: int = 0
    outages: int = 0
    waited: float = 0.0

    def next_delay(self, failure: Failure, *, outage: bool = False) -> float | None:
        """Seconds to wait before asking again; None if this failure is final.

        Args:
            failure: what came of the last attempt.
            outage: whether it belongs to an outage.
        """
        too_late = failure.kind == "timeout" and not self.retry.after_timeout
        if not failure.retryable or failure.fatal or too_late:
            return None
        if outage:
            self.outages += 1
            return self._delay(failure, self.outages - 1)
        if failure.kind == "rate_limit":
            self.limits += 1
            if self.waited >= self.retry.patience and self.limits >= self.retry.attempts:
                return None
            delay = self._delay(failure, self.limits - 1)
            self.waited += delay
            return delay
        self.tries += 1
        if self.tries >= self.retry.attempts:
            return None
        return self._delay(failure, self.tries - 1)

    def _delay(self, failure: Failure, doublings: int) -> float:
        """What the server asked for, and a random share on top so that not all come back at once.

        Without a word from the server: exponential back-off with full jitter, uniform in [0, cap].
        """
        cap = min(self.retry.longest, self.retry.first * 2.0 ** min(doublings, 30))
        spread = random.random()  # noqa: S311 - spreads load, keeps no secret
        if failure.retry_after is not None:
            return failure.retry_after + spread * min(cap, 1.0)
        return spread * cap
