"""What the runner's tests share: jobs, a provider in process, one call of `ask` over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from evalkit.models import open_provider
from evalkit.models.prompts import canonical
from evalkit.runner import AskStats, Job, Retry, ask
from evalkit.schema import Answer, Failure, Generation, Message, ModelSpec, Request
from tests.servers.openai_server import echo

Outcomes = list[Answer | Failure]

MODELS = ("base", "tuned")
QUICK = Retry(attempts=4, patience=5.0, outage=0.1, first=0.005, longest=0.02)
"""The default's shape at a hundredth of its patience."""


class InProcess:
    """A provider without a server; what it answers is said by who derives from it."""

    batch = 1
    parallel: int | None = None
    cacheable = False

    def __init__(self, endpoint: str = "http://nowhere", identity: str = "chat:nobody") -> None:
        self.endpoint = endpoint
        self.identity = identity
        self.notes: list[str] = []

    def prompt_key(self, request: Request) -> str:
        return canonical(request.messages)

    async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is open."""


def make_job(model: str, i: int, **generation: Any) -> Job:
    prompt = f"question {i}"
    messages = (Message("user", prompt),)
    return Job(model, Request("suite", "test", str(i), prompt, messages, Generation(**generation)))


def make_jobs(count: int, models: Sequence[str] = MODELS) -> list[Job]:
    return [make_job(model, i) for i in range(count) for model in models]


def expected(jobs: Iterable[Job]) -> list[str]:
    """What the test server's default reply is to each job."""
    return [echo(job.model, [{"content": job.request.messages[0].content}]) for job in jobs]


def texts(outcomes: Iterable[Answer | Failure]) -> list[str]:
    return [o.text if isinstance(o, Answer) else f"<{o.kind}>" for o in outcomes]


async def asked(
    url: str, jobs: Sequence[Job], cache: Path | None = None, **options: Any
) -> tuple[Outcomes, dict[str, AskStats]]:
    options.setdefault("retry", QUICK)
    models = dict.fromkeys(job.model for job in jobs)
    providers = {
        model: open_provider(ModelSpec(model, "openai", model, "base", base_url=url))
        for model in models
    }
    try:
        return await ask(jobs, providers, cache=cache, **options)
    finally:
        for provider in providers.values():
            await provider.close()


def run(
    url: str, jobs: Sequence[Job], cache: Path | None = None, **options: Any
) -> tuple[Outcomes, dict[str, AskStats]]:
    return asyncio.run(asked(url, jobs, cache, **options))
