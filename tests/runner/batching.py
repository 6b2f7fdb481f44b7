"""What the tests of batches share: one call of `ask_by_batch`, and then of `ask`, over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.models import Batched, open_provider
from evalkit.runner import AskStats, BatchPace, Job, Retry, ask, ask_by_batch
from evalkit.schema import Failure, ModelSpec
from tests.runner.asking import QUICK, Outcomes

PACE = BatchPace(first=0.01, longest=0.05, retry=QUICK)


def pace(**changes: Any) -> BatchPace:
    return BatchPace(**{"first": 0.01, "longest": 0.05, "retry": QUICK, **changes})


async def batched(
    url: str, jobs: Sequence[Job], cache: Path, **options: Any
) -> tuple[Outcomes, dict[str, AskStats], dict[str, Failure]]:
    """Outcomes of all jobs after the batches, the stats of the batches, and what is settled."""
    mode = options.pop("mode", None)
    models = dict.fromkeys(job.model for job in jobs)
    providers = {
        model: open_provider(ModelSpec(model, "openai", model, "base", base_url=url, mode=mode))
        for model in models
    }
    try:
        options.setdefault("pace", PACE)
        served = {name: p for name, p in providers.items() if isinstance(p, Batched)}
        settled, stats = await ask_by_batch(jobs, served, cache=cache, **options)
        retry = Retry(attempts=1)
        outcomes, _ = await ask(jobs, providers, cache=cache, settled=settled, retry=retry)
        return outcomes, stats, settled
    finally:
        for provider in providers.values():
            await provider.close()


def run_batched(
    url: str, jobs: Sequence[Job], cache: Path, **options: Any
) -> tuple[Outcomes, dict[str, AskStats], dict[str, Failure]]:
    return asyncio.run(batched(url, jobs, cache, **options))
