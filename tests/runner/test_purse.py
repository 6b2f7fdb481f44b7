"""Money: never more than was given, and hardly less than it buys."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from evalkit.runner import Purse
from evalkit.runner.purse import AROUND, most_cost
from evalkit.schema import Answer, Failure, Price
from tests.runner.asking import Outcomes, make_job, make_jobs, run, texts
from tests.servers.openai_server import Asked, Server

PRICE = Price(1000, 4000, "test")
PRICES = {"base": PRICE, "tuned": PRICE}
COUNT = 40


def bill(server: Server) -> float:
    """What a server that counts every answer it gave would write on the bill."""
    words = [sum(len(str(m["content"]).split()) for m in asked.messages) for asked in server.asked]
    return sum(PRICE.of(prompt, 3) for prompt in words)  # every answer is "MODEL says HASH"


def ask(server: Server, purse: Purse, cache: Path | None = None, **options: Any) -> Outcomes:
    return run(server.url, make_jobs(COUNT), cache, purse=purse, **options)[0]


def test_the_most_a_request_can_cost_counts_bytes_and_max_tokens() -> None:
    job = make_job("base", 7, max_tokens=50)
    assert most_cost(job.request, PRICE) == PRICE.of(len("question 7") + AROUND, 50)


@pytest.mark.parametrize("concurrency", [1, 32])
def test_asking_stops_before_it_costs_more(concurrency: int) -> None:
    purse = Purse(2.0, PRICES)
    with Server() as server:
        outcomes = ask(server, purse, concurrency=concurrency)
        spent = bill(server)
    answered = [o for o in outcomes if isinstance(o, Answer)]
    assert spent == pytest.approx(purse.spent)
    assert spent <= purse.most
    # What is left is less than the most that one more request can cost.
    assert spent > purse.most - most_cost(make_job("base", 39).request, PRICE)
    assert 0 < len(answered) < len(outcomes)
    assert {o.kind for o in outcomes if not isinstance(o, Answer)} == {"budget"}


def test_what_is_in_flight_is_set_aside_until_it_came_back() -> None:
    """Of answers that cost as much as they can, none is one too many."""
    purse = Purse(10 * most_cost(make_job("base", 39).request, PRICE), PRICES)
    with Server(fault=lambda _: "no-usage", latency=0.01) as server:
        outcomes = ask(server, purse, concurrency=8)
    assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 10
    assert purse.spent <= purse.most


def test_what_could_not_be_paid_is_had_later(tmp_path: Path) -> None:
    with Server() as server:
        first = ask(server, Purse(1.5, PRICES), tmp_path)
        paid = len(server.asked)
        second = ask(server, Purse(100, PRICES), tmp_path)
    assert "<budget>" in texts(first)
    assert "<budget>" not in texts(second)
    assert paid < len(server.asked) == 2 * COUNT


def test_one_purse_for_several_calls() -> None:
    purse = Purse(1.5, PRICES)
    with Server() as server:
        ask(server, purse)
        sent = len(server.asked)
        assert set(texts(ask(server, purse))) == {"<budget>"}
        assert len(server.asked) == sent


def test_refused_requests_cost_nothing_and_lost_answers_their_most() -> None:
    faults = {1: "429-after-ms", 2: "500", 3: "half", 4: "524"}

    def fault(asked: Asked) -> str | None:
        return faults.get(asked.number)

    job = make_job("base", 0)
    purse = Purse(5.0, PRICES)
    with Server(fault=fault) as server:
        (outcome,) = run(server.url, [job], purse=purse, concurrency=1)[0]
    assert isinstance(outcome, Answer)
    assert purse.spent == pytest.approx(2 * most_cost(job.request, PRICE) + PRICE.of(2, 3))


def test_a_reply_that_no_one_can_read_costs_its_most() -> None:
    job = make_job("base", 0)
    purse = Purse(50.0, PRICES)
    with Server(fault=lambda _: "html") as server:
        outcomes = run(server.url, [job], purse=purse)[0]
        assert purse.spent == pytest.approx(len(server.asked) * most_cost(job.request, PRICE))
    assert texts(outcomes) == ["<malformed>"]


@pytest.mark.parametrize("fault", ["no-usage", "zero-usage", "minus-usage", "huge-usage"])
def test_an_answer_that_nobody_counted_costs_its_most(fault: str) -> None:
    job = make_job("base", 0)
    purse = Purse(5.0, PRICES)
    with Server(fault=lambda _: fault) as server:
        run(server.url, [job], purse=purse)
    assert purse.spent == most_cost(job.request, PRICE)


def test_why_nothing_is_asked_any_more_is_told_in_dollars() -> None:
    job, other = make_job("base", 0), make_job("base", 1)
    most = most_cost(job.request, PRICE)
    purse = Purse(most, PRICES)
    with Server(fault=lambda _: "no-usage") as server:
        outcomes = run(server.url, [job, other], purse=purse, concurrency=1)[0]
    (failure,) = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert failure.message == (
        f"--max-cost ${most:.6g} does not pay for another request at its most: ${most:.6g} are "
        f"spent, of which ${most:.6g} are the most that requests can have cost whose tokens no "
        "server counted"
    )
    counted = Purse(most, PRICES)
    with Server() as server:
        (_, unpaid) = run(server.url, [job, other], purse=counted, concurrency=1)[0]
    assert isinstance(unpaid, Failure)
    assert unpaid.message.endswith(f"at its most: ${PRICE.of(2, 3):.6g} are spent")
    assert counted.assumed == 0


def test_what_costs_nothing_is_asked_with_an_empty_purse() -> None:
    purse = Purse(0.0001, {"base": Price(0, 0, "own"), "tuned": PRICE})
    with Server() as server:
        outcomes = ask(server, purse)
    assert [o == "<budget>" for o in texts(outcomes)] == [False, True] * COUNT


def test_a_call_that_was_broken_off_counts_its_most() -> None:
    request = make_job("base", 0).request
    purse = Purse(5.0, PRICES)

    async def main() -> None:
        async def call() -> Outcomes:
            await asyncio.sleep(60)
            return []

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await purse.pay("base", [request], call)

    asyncio.run(main())
    assert purse.spent == most_cost(request, PRICE)


def test_one_event_loop_after_another_and_both_in_a_crowd() -> None:
    purse = Purse(3.5, PRICES)  # for all questions, though for three at a time at most
    with Server() as server:
        for _ in range(2):
            assert "<budget>" not in texts(ask(server, purse, concurrency=32))
