"""Looking at the models before they are asked: for a run, and for `evalkit models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evalkit.errors import ModelError
from evalkit.models import Probed, Provider
from evalkit.pipeline.means import Means
from evalkit.pipeline.plan import Plan
from evalkit.runner import AskStats, Job, last_probe, probe_served, recalled
from evalkit.schema import Probe, SuiteConfig


async def probe_models(
    plan: Plan, jobs: Sequence[Job], providers: Mapping[str, Provider], means: Means
) -> tuple[tuple[Probe, ...], list[dict[str, AskStats]]]:
    """What is known of the served models of a run, in the order of the arms; and what was sent.

    Those that have something left to be asked are looked at; of the others what an earlier run
    found out is remembered.

    Raises:
        ModelError: a model that cannot be asked: no such name, no chat template.
    """
    if not plan.probe or plan.batch:
        return (), []
    served = {name: p for name, p in providers.items() if isinstance(p, Probed)}
    mine = [job for job in jobs if job.model in served]
    held = recalled(mine, providers, plan.cache)
    wanted = {job.model for job, answer in zip(mine, held, strict=True) if answer is None}
    left = {name: p for name, p in served.items() if name in wanted}
    found, went = await require_answering(plan, left, means)
    remembered = {
        name: one
        for name, provider in served.items()
        if name not in wanted and (one := last_probe(name, provider, plan.cache)) is not None
    }
    found |= remembered
    return tuple(found[name] for name in providers if name in found), went


async def require_answering(
    plan: Plan, served: Mapping[str, Probed], means: Means
) -> tuple[dict[str, Probe], list[dict[str, AskStats]]]:
    """Look at served models: name -> findings; and what was sent for it.

    Raises:
        ModelError: a model that cannot be asked: no such name, no chat template.
    """
    found, went = await probe_served(
        served,
        plan.cache,
        timeout=plan.timeout,
        purse=means.purse,
        say=means.say,
    )
    if problems := [one.problem for one in found.values() if one.problem]:
        raise ModelError("\n".join(problems))
    return found, went


def with_remarks(
    stats: Mapping[str, AskStats], probes: Sequence[Probe], suites: Sequence[SuiteConfig]
) -> dict[str, AskStats]:
    """How the asking went, with what a reader must know of what was found out before."""
    said = {found.model: _remarks(found, suites) for found in probes}
    return {
        model: replace(one, notes=(*one.notes, *said.get(model, ())))
        for model, one in stats.items()
    }


def _remarks(found: Probe, suites: Sequence[SuiteConfig]) -> tuple[str, ...]:
    """What a reader of a run must know of what was found out."""
    said = list(found.notes)
    generations = [suite.generation for suite in suites]
    ignored = {name for name, honour in found.honours.items() if honour == "ignored"}
    if "stop" in ignored and any(generation.stop for generation in generations):
        said.append("the endpoint ignores `stop`; answers were cut at the stop texts here")
    if "seed" in ignored and any(generation.temperature > 0 for generation in generations):
        said.append("the endpoint ignores `seed`; sampled answers cannot be had again")
    if "max_tokens" in ignored:
        said.append("the endpoint ignores `max_tokens`; answers may be longer than asked for")
    if found.served is not None and found.served.retires is not None:
        said.append(f"its endpoint says that it is switched off on {found.served.retires}")
    return tuple(said)
