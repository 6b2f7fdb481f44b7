"""Giving a batch up whose results are gone for good."""

from __future__ import annotations

from pathlib import Path

from evalkit import runner
from evalkit.pipeline.arguments import checked
from evalkit.pipeline.plan import CACHE


@checked
def forget_batch(name: str, *, cache: str | Path | None = None) -> int:
    """Expect nothing more of a batch that `evalkit run --batch` handed in.

    Whoever needs its answers hands its prompts in anew, and pays for them anew.

    Args:
        name: of the batch, as the server or the error calls it.
        cache: folder of the completion cache; default `.evalkit`.

    Returns:
        How many prompts it held.

    Raises:
        UsageError: no such batch is waited for.
        CacheError: what is waited for cannot be read.
    """
    return runner.forget_batch(name, CACHE if cache is None else Path(cache))
