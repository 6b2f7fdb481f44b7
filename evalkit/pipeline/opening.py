"""Models, open for as long as they are asked, and what that needs."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from evalkit.data import read_rows
from evalkit.errors import UsageError
from evalkit.models import Batched, Provider, open_provider
from evalkit.schema import ModelSpec

Result = TypeVar("Result")


@asynccontextmanager
async def open_providers(models: Sequence[ModelSpec]) -> AsyncIterator[dict[str, Provider]]:
    """Model -> its provider; closed at the end, however it ends.

    Raises:
        ModelError: a model that cannot be asked at all.
    """
    providers: dict[str, Provider] = {}
    try:
        for model in models:
            providers[model.name] = open_provider(model, read_rows=read_rows)
        yield providers
    finally:
        for provider in providers.values():
            await provider.close()


def batched(providers: Mapping[str, Provider]) -> dict[str, Batched]:
    """Those that can be asked by file."""
    return {name: p for name, p in providers.items() if isinstance(p, Batched)}


def require_batched(providers: Mapping[str, Provider]) -> dict[str, Batched]:
    """Those that can be asked by file, at least one of them.

    Raises:
        UsageError: there are none, so that there is nothing for a batch to do.
    """
    found = batched(providers)
    if not found:
        raise UsageError(
            "none of the models can be asked by file; expected at least one of `openai:`"
        )
    return found


def run_async(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end, in a notebook's running loop too."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
