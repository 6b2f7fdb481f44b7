"""Live requests beside batches: nothing is paid for twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evalkit.errors import UsageError
from evalkit.models import Provider
from evalkit.runner.batch.ledger import FILE, Ledger
from evalkit.runner.cache import cache_key
from evalkit.runner.gathering import recalled
from evalkit.runner.job import Job


def require_none_handed_in(
    jobs: Sequence[Job], providers: Mapping[str, Provider], cache: Path
) -> None:
    """Stop before questions are asked that were handed in as batches and are not collected yet.

    Args:
        jobs: what is to be asked.
        providers: model -> opened provider.
        cache: folder of the completion cache.

    Raises:
        UsageError: there are such questions, which would be paid for twice.
    """
    if not (cache / FILE).is_file():
        return
    with Ledger(cache) as ledger:
        handed_in = ledger.handed_in()
    if not handed_in:
        return
    asked = [job for job in jobs if job.model in providers and providers[job.model].cacheable]
    missing = [
        job
        for job, answer in zip(asked, recalled(asked, providers, cache), strict=True)
        if answer is None
    ]
    count = sum(
        cache_key(providers[job.model], job.request, job.repeat) in handed_in for job in missing
    )
    if count:
        raise UsageError(
            f"{count:,} of these questions went to the server as batches, which it may have "
            "answered: asked now, they would be paid for twice. The same command with --batch "
            f"collects them. To ask nevertheless, name another --cache, or remove {cache / FILE}, "
            "and with it all that is known of the batches"
        )
