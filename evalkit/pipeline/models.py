"""What endpoints serve and what models do: `evalkit models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path

from evalkit.data import Project, find_project, parse_model
from evalkit.errors import ModelError, UsageError
from evalkit.models import Probed, Provider
from evalkit.pipeline.arguments import checked
from evalkit.pipeline.opening import open_providers, run_async
from evalkit.pipeline.options import listed
from evalkit.pipeline.plan import CACHE
from evalkit.runner import (
    BRIEF,
    REQUEST_SECONDS,
    Pair,
    Say,
    ask,
    list_models,
    probe_served,
    require_two_models,
    say,
    silent,
)
from evalkit.schema import Failure, Generation, Looked, Message, ModelSpec, Probe, Request

SHORT = Generation(max_tokens=16)
"""Enough of an answer to tell two models apart."""

QUESTIONS = (
    "Name a large river.",
    "What is 17 times 3?",
    "Write one sentence about snow.",
    "Which word rhymes with light?",
    "Say good evening in another language.",
    "What do bakers do at night?",
    "Name three things that are round.",
    "How does a key open a door?",
)
"""What two names are asked to see whether they are two models."""

IN_PROCESS = {"local": "in this process", "file": "completions already made"}
"""Where models are that no server answers for."""


@checked
def models(
    specs: str | Sequence[str] = (),
    *,
    config: str | Path | None = None,
    cache: str | Path | None = None,
    progress: bool = False,
) -> Looked:
    """Look at models: what their endpoints list, what they do, and whether two are one.

    Args:
        specs: models as of `run`, names of the project file's, or addresses of endpoints; empty for
            all models of the project file.
        config: project file; default `evalkit.yaml`, if it exists.
        cache: folder of the completion cache.
        progress: say on stderr what is waited for, if it takes long.

    Returns:
        The findings; a model that cannot be asked has a `problem`, an address stands in `problems`.

    Raises:
        UsageError: nothing is named, or a spec that cannot be meant.
        ModelError: no key, no such checkpoint.
    """
    project, specs = find_project(config) or Project(), listed(specs)
    known = {spec.name: spec for spec in project.models}
    addresses = [spec for spec in specs if spec.startswith(("http://", "https://"))]
    named = [
        known[spec] if spec in known else parse_model(spec, "base")
        for spec in specs
        if spec not in addresses
    ]
    if not specs:
        named = list(project.models)
    if not (named or addresses):
        raise UsageError(
            "no model: name one as in `evalkit models openai:gpt-4.1-mini`, or an address such as "
            "http://localhost:8000/v1, or list `models:` in evalkit.yaml"
        )
    folder = Path(cache or project.cache or CACHE)
    return run_async(_looked(named, addresses, folder, say if progress else silent))


async def _looked(
    specs: Sequence[ModelSpec],
    addresses: Sequence[str],
    cache: Path,
    tell: Say,
) -> Looked:
    visited = [ModelSpec(address, "openai", "-", "base", address) for address in addresses]
    async with open_providers([*specs, *visited]) as providers:
        probed = {name: p for name, p in providers.items() if isinstance(p, Probed)}
        served = {spec.name: probed[spec.name] for spec in specs if spec.name in probed}
        found, _ = await probe_served(served, cache, fresh=True, say=tell)
        told = [
            _answering(found[spec.name])
            if spec.name in found
            else _unserved(spec, providers[spec.name])
            for spec in specs
        ]
        failed = {probe.model for probe in told if probe.problem}
        able = {name: p for name, p in served.items() if name not in failed}
        listings = {p.endpoint: await list_models(p) for p in probed.values()}
        named = {probed[address].endpoint for address in addresses}
        return Looked(
            tuple(told),
            {url: said for url, said in listings.items() if not isinstance(said, Failure)},
            await _same(able, cache),
            {
                url: f"{url} does not say what it lists: {said.message}"
                for url, said in listings.items()
                if isinstance(said, Failure) and url in named
            },
        )


def _answering(found: Probe) -> Probe:
    """The findings of a model; one that did not answer has a problem, whatever a run would do."""
    if found.problem or found.honours:
        return found
    return replace(found, notes=(), problem="; ".join(found.notes))


def _unserved(spec: ModelSpec, provider: Provider) -> Probe:
    """A model that no server answers for."""
    where = IN_PROCESS.get(spec.provider, provider.endpoint)
    return Probe(spec.name, where, getattr(provider, "mode", spec.mode))


async def _same(served: Mapping[str, Probed], cache: Path) -> tuple[str, ...]:
    """A sentence for each two names at one endpoint that are one model, as far as can be told."""
    asking = partial(
        ask, cache=cache, retry=BRIEF, timeout=REQUEST_SECONDS, max_seconds=2 * REQUEST_SECONDS
    )
    requests = tuple(
        Request("models", "models", text, text, (Message("user", text),), SHORT)
        for text in QUESTIONS
    )
    said = []
    for (one, first), (other, second) in combinations(served.items(), 2):
        if (first.endpoint, first.mode) != (second.endpoint, second.mode):
            continue
        try:
            await require_two_models([Pair(one, other, requests)], served, asking)
        except ModelError:
            said.append(
                f"{one!r} and {other!r} are one model at {first.endpoint}, by all that its answers "
                "tell: probably an adapter's name is wrong, or the server answers every name with "
                "what it has loaded"
            )
    return tuple(said)
