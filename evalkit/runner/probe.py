"""Looking at served models before they are asked: their names, and a few small requests.

The findings are kept in the completion cache for a week at most; the endpoint's list of models
costs nothing and is asked for every time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from evalkit.errors import Interrupted, ModelError, nearest
from evalkit.models import Probed, Provider
from evalkit.models.listing import find_served
from evalkit.models.replies import parse_reply
from evalkit.runner.ask import ask
from evalkit.runner.cache import Cache, model_key
from evalkit.runner.job import AskStats, Job, aside
from evalkit.runner.observer import Say, silent
from evalkit.runner.purse import Purse
from evalkit.runner.retry import Retry
from evalkit.runner.stand_in import StandIn
from evalkit.runner.trials import UNPENALISED, Trial, honours, penalises, plain_trial, trials
from evalkit.schema import Answer, Failure, Probe, Request, ServedModel

VERSION = 2
"""Part of the key under which findings are kept: raised when other things are tried."""

WEEK = 7 * 86400
"""Seconds. Findings are kept under the week they are of, so that they end with it."""

REMEMBERED = 52
"""Weeks whose findings are looked through where nothing is asked any more."""

LISTING_SECONDS = 10.0
"""How long an endpoint may take to list its models."""

LOADING_SECONDS = 120.0
"""How long the first request may take: many servers load a model when it is first asked."""

REQUEST_SECONDS = 20.0
"""How long every other request may take."""

PATIENT_SECONDS = 5.0
"""After which a person is told what is waited for."""

CONCURRENCY = 4
"""Requests in flight: enough for a look, few enough for a small server."""

BRIEF = Retry(attempts=2, patience=5.0, after_timeout=False)
"""A probe is worth little patience: what it cannot find out, the run will meet."""

Outcomes = list[Answer | Failure]
Asking = Callable[[Sequence[Job], Mapping[str, Provider], float], Awaitable[Outcomes]]
"""Asks, with so many seconds for a request."""

_NO_TEMPLATE = re.compile(r"chat template|template not found", re.IGNORECASE)
"""How servers refuse mode chat for a model without a chat template; the second are TGI's words."""

_PENALISED = (
    "the server makes tokens less likely that have been said, unless it is told otherwise; to ask "
    f"without, give it `extra_body: {json.dumps(UNPENALISED)}` in evalkit.yaml"
)


async def probe_served(
    served: Mapping[str, Probed],
    cache: Path,
    *,
    timeout: float = LOADING_SECONDS,  # noqa: ASYNC109 - of one request, not of this call
    purse: Purse | None = None,
    fresh: bool = False,
    say: Say = silent,
) -> tuple[dict[str, Probe], list[dict[str, AskStats]]]:
    """Look at served models, all at once.

    Args:
        served: name of the arm -> opened provider.
        cache: folder of the completion cache, where the findings are kept.
        timeout: seconds that one request may take at most; all but the first have fewer.
        purse: pays for the requests; None pays whatever they cost.
        fresh: ask even if the findings of this week are there.
        say: takes a line for a person, if it takes long.

    Returns:
        Arm -> findings; what could not be found out is `unknown`, and a model that cannot be asked
        at all has a `problem`. And what was sent for it, one entry for each call of `ask`.

    Raises:
        CacheError: the cache cannot be used.
        Interrupted: Ctrl-C.
    """
    went: list[dict[str, AskStats]] = []

    async def asking(
        jobs: Sequence[Job], models: Mapping[str, Provider], seconds: float
    ) -> Outcomes:
        try:
            outcomes, stats = await ask(
                jobs,
                models,
                cache=None,
                concurrency=CONCURRENCY,
                retry=BRIEF,
                timeout=min(timeout, seconds),
                max_seconds=3 * seconds,
                purse=purse,
            )
        except Interrupted:
            raise Interrupted(
                "interrupted while the models were looked at; what was answered before is kept"
            ) from None
        went.append(aside(stats))
        return outcomes

    later = asyncio.get_running_loop().call_later(
        PATIENT_SECONDS,
        say,
        f"waiting for the first words of {', '.join(served)}; a server that loads a model may take "
        f"{min(timeout, LOADING_SECONDS):g} s",
    )
    try:
        found = await asyncio.gather(
            *(_probe(name, one, asking, cache, fresh=fresh) for name, one in served.items())
        )
    finally:
        later.cancel()
    return dict(zip(served, found, strict=True)), went


async def _probe(model: str, provider: Probed, ask: Asking, cache: Path, *, fresh: bool) -> Probe:
    listing = await list_models(provider)
    listed = () if isinstance(listing, Failure) else listing
    known = None if fresh else last_probe(model, provider, cache, weeks=1)
    found = known or Probe(model, provider.endpoint, provider.mode)
    names = [served.id for served in listed]
    name = provider.model
    served = find_served(listed, name)
    found = replace(found, listed=served is not None if names else None, served=served)
    if known is None:
        found = await _tried(found, provider, ask)
    if found.listed is False:
        found = _unlisted(found, name, names)
    if found.honours and not found.problem:
        await _keep(found, provider, cache)
    return found


def last_probe(
    model: str, provider: Probed, cache: Path, *, weeks: int = REMEMBERED
) -> Probe | None:
    """The latest findings of so many weeks, if there are any."""
    keys = [_key(provider, int(time.time()) // WEEK - past) for past in range(weeks)]
    with Cache(cache) as store:
        stored = store.get(keys)
    for key in keys:
        if key in stored:
            values = json.loads(stored[key].text)
            served = values.pop("served")
            return Probe(
                **{**values, "model": model, "notes": tuple(values["notes"])},
                served=None if served is None else ServedModel(**served),
            )
    return None


async def list_models(provider: Probed) -> tuple[ServedModel, ...] | Failure:
    """What an endpoint lists, or why that cannot be had."""
    try:
        async with asyncio.timeout(LISTING_SECONDS):
            return await provider.listing()
    except TimeoutError:
        return Failure("timeout", f"no answer in {LISTING_SECONDS:g} seconds")


async def _keep(found: Probe, provider: Probed, cache: Path) -> None:
    key = _key(provider, int(time.time()) // WEEK)
    with Cache(cache) as store:
        store.forget(key)
        await store.put([(key, Answer(json.dumps(asdict(found))))])


def _key(provider: Probed, week: int) -> str:
    text = json.dumps(["probe", VERSION, model_key(provider), week])
    return hashlib.sha256(text.encode()).hexdigest()


async def _tried(found: Probe, provider: Probed, ask: Asking) -> Probe:
    """The findings with what a few requests told."""
    plain = await _plain(found, provider, ask)
    if isinstance(plain, Failure):
        return await _without_answer(found, provider, ask, plain)
    replies: dict[str, bytes | Failure] = {"plain": plain}
    tried = list(trials(provider.mode, plain))
    replies |= await _ask(found.model, provider, ask, tried, REQUEST_SECONDS)
    if penalises(replies, provider.mode):
        found = replace(found, notes=(*found.notes, _PENALISED))
    return replace(found, honours=honours(replies, provider.mode, provider.refused))


async def _plain(found: Probe, provider: Probed, ask: Asking) -> bytes | Failure:
    """What comes back of the plain request."""
    replies = await _ask(found.model, provider, ask, [plain_trial()], LOADING_SECONDS)
    return next(iter(replies.values()))


async def _without_answer(found: Probe, provider: Probed, ask: Asking, failure: Failure) -> Probe:
    """A model that did not answer: perhaps it never will."""
    if found.mode == "chat" and _NO_TEMPLATE.search(failure.message):
        return _no_template(found, failure, "has no chat template for it")
    if found.mode == "chat" and await _only_continues(found, provider, ask, failure):
        return _no_template(
            found, failure, "answers it in mode completions only, probably without a chat template"
        )
    return replace(found, notes=(*found.notes, f"could not be probed: {failure.message}"))


def _no_template(found: Probe, failure: Failure, why: str) -> Probe:
    return replace(
        found,
        problem=f"model {found.model!r}: {found.endpoint} {why}, so it cannot be asked in mode "
        "chat; give it `mode: completions` in evalkit.yaml, or start the server with a template "
        f"(vLLM: --chat-template FILE). {failure.message}",
    )


async def _only_continues(found: Probe, provider: Probed, ask: Asking, failure: Failure) -> bool:
    """Whether a model that fails in chat answers plain text, and then fails in chat again.

    `transformers serve` says no more of a missing template than that it broke (status 500).
    """
    if failure.kind != "server":
        return False
    plain = provider.in_mode("completions")
    try:
        continued = await _plain(found, plain, ask)
    finally:
        await plain.close()
    return isinstance(continued, bytes) and isinstance(await _plain(found, provider, ask), Failure)


def _unlisted(found: Probe, name: str, names: Sequence[str]) -> Probe:
    """A name that the endpoint does not list: a mistake, or a server that answers any name."""
    if found.honours:
        adapter = next((listed for listed in names if listed.endswith(f":{name}")), None)
        advice = "make sure that it is not another model that answers"
        if adapter:
            advice = f"did you mean the adapter {adapter!r}?"
        note = f"{found.endpoint} does not list {name!r}, yet answers to it; {advice}"
        return replace(found, notes=tuple(dict.fromkeys((*found.notes, note))))
    return replace(
        found,
        notes=(),
        problem=found.problem
        or f"model {found.model!r}: {found.endpoint} does not serve {name!r}; "
        + nearest(name, names),
    )


async def _ask(
    model: str, provider: Probed, ask: Asking, tried: Sequence[Trial], seconds: float
) -> dict[str, bytes | Failure]:
    """Name of each trial -> what came back."""
    fields = {trial.request.example_id: trial.fields for trial in tried}
    trying = StandIn(provider, partial(_body, provider, fields), cacheable=False)
    jobs = [Job(model, trial.request) for trial in tried]
    try:
        outcomes = await ask(jobs, {model: trying}, seconds)
    except ModelError as error:  # the model never answers; the run itself says so better
        return {trial.name: Failure("refused", str(error)) for trial in tried}
    return {
        trial.name: outcome if isinstance(outcome, Failure) else outcome.text.encode()
        for trial, outcome in zip(tried, outcomes, strict=True)
    }


async def _body(
    provider: Probed, fields: Mapping[str, Mapping[str, Any]], request: Request
) -> Answer | Failure:
    """The body of the reply to a trial as the text of an answer, if the reply holds one."""
    content = await provider.reply(request, **fields[request.example_id])
    if isinstance(content, Failure):
        return content
    answer = parse_reply(content, provider.mode)
    if isinstance(answer, Failure):
        return answer
    return replace(answer, text=content.decode(errors="replace"))
