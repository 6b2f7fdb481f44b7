from __future__ import annotations

from dataclasses import replace

from evalkit.runner import AskStats, together
from evalkit.runner.job import aside

NOTHING = AskStats(
    jobs=0,
    cached=0,
    sent=0,
    retries=0,
    causes={},
    missing=0,
    waited=0.0,
    paced=0.0,
    median_seconds=None,
    p95_seconds=None,
    max_seconds=None,
    prompt_tokens=0,
    completion_tokens=0,
    seconds=0.0,
    notes=(),
)
FIRST = replace(
    NOTHING,
    jobs=10,
    cached=3,
    sent=9,
    retries=3,
    causes={"server": 2, "timeout": 1},
    missing=1,
    waited=1.5,
    median_seconds=0.2,
    p95_seconds=0.4,
    max_seconds=0.5,
    prompt_tokens=60,
    completion_tokens=12,
    seconds=2.0,
)
LAST = replace(
    NOTHING, jobs=20, cached=20, causes={"server": 1}, retries=1, seconds=1.0, notes=("note",)
)


def test_what_an_earlier_call_sent_for_is_not_cached_in_the_end() -> None:
    whole = together({"m": LAST}, [{"m": FIRST}, {"other": FIRST}])["m"]
    assert (whole.jobs, whole.cached, whole.missing) == (20, 14, 0)
    assert (whole.sent, whole.retries, whole.causes) == (9, 4, {"server": 3, "timeout": 1})
    assert (whole.waited, whole.prompt_tokens, whole.completion_tokens) == (1.5, 60, 12)
    assert (whole.seconds, whole.notes) == (3.0, ("note",))
    assert whole.tokens_per_second == 4.0


def test_the_times_are_those_of_the_last_call_that_sent() -> None:
    times = (0.2, 0.4, 0.5)
    whole = together({"m": LAST}, [{"m": FIRST}])["m"]
    assert (whole.median_seconds, whole.p95_seconds, whole.max_seconds) == times
    later = replace(LAST, median_seconds=9.0, p95_seconds=9.1, max_seconds=9.2)
    whole = together({"m": later}, [{"m": FIRST}])["m"]
    assert (whole.median_seconds, whole.p95_seconds, whole.max_seconds) == (9.0, 9.1, 9.2)


def test_of_a_call_aside_only_what_it_sent_counts() -> None:
    whole = together({"m": LAST}, [aside({"m": FIRST})])["m"]
    assert (whole.jobs, whole.cached, whole.missing, whole.sent) == (20, 20, 0, 9)


def test_without_tokens_or_time_there_is_no_rate() -> None:
    assert replace(FIRST, completion_tokens=0).tokens_per_second is None
    assert replace(FIRST, seconds=0.0).tokens_per_second is None
