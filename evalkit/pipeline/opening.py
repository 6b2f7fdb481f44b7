"""Models, open for as long as they are asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from evalkit.data import read_rows
from evalkit.models import Provider, open_provider
from evalkit.schema import ModelSpec


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
