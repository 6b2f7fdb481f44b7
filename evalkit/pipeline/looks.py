"""Asking in declared looks, and stopping as soon as every suite is decided (`--stop-early`).

The test prompts are asked in the order of a seeded shuffle, a fifth at a time. Stopping at what one
likes to see is wrong far more often than it says; intervals and p-values of such a run are repeated
ones, which hold at whichever look it stops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evalkit.pipeline.asking import ask_models, open_models
from evalkit.pipeline.concluding import Setup, conclude
from evalkit.pipeline.loading import Loaded
from evalkit.pipeline.means import Means
from evalkit.pipeline.opening import run_async
from evalkit.pipeline.plan import Plan
from evalkit.runner import AskStats, together
from evalkit.schema import ORIGINAL, PERTURBED, Example, Looks, Probe, SplitResult, Suite
from evalkit.stats.samples import rng
from evalkit.stats.sequential import LOOKS
from evalkit.verdict import settled


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and what came of it.

    Attributes:
        loaded: the suites, cut to what was asked.
        results: the outcomes, split by split.
        stats: how the asking of each model went.
        probes: what was found out about the models.
        looks: when it looked; None if everything was asked at once.
    """

    loaded: Loaded
    results: tuple[SplitResult, ...]
    stats: Mapping[str, AskStats]
    probes: tuple[Probe, ...]
    looks: Looks | None = None


def ask_suites(plan: Plan, loaded: Loaded, means: Means) -> Asked:
    """Ask everything, or as much as decides every suite if the plan is to stop early.

    The answers of a look are in the cache when the next one asks for them again. Training rows and
    rewordings are asked last: they decide nothing.

    Raises:
        ModelError: an arm that cannot be asked at all.
        Interrupted: Ctrl-C.
    """
    if not plan.stop_early:
        return Asked(loaded, *ask_models(plan, loaded, means))
    return run_async(_ask_until_decided(plan, loaded, means))


async def _ask_until_decided(plan: Plan, loaded: Loaded, means: Means) -> Asked:
    went: list[Mapping[str, AskStats]] = []
    taken, part = 0, loaded
    async with open_models(plan, means) as models:
        while taken < LOOKS:
            taken += 1
            part = _part(loaded, taken, plan.seed)
            if taken < LOOKS:
                results, stats, _ = await models.ask(_tests(part))
                went.append(stats)
                if _decided(plan, part, results, _looks(loaded, part, taken)):
                    break
        results, stats, probes = await models.ask(part)
    return Asked(part, results, together(stats, went), probes, _looks(loaded, part, taken))


def _part(loaded: Loaded, taken: int, seed: int) -> Loaded:
    """The suites as the first looks have them, with what belongs to their test prompts."""
    suites = tuple(_first(suite, taken, seed) for suite in loaded.suites)
    kept = {s.config.name: {example.id for example in s.splits["test"]} for s in suites}
    return replace(
        loaded,
        suites=suites,
        leaks=tuple(leak for leak in loaded.leaks if leak.test_id in kept[leak.suite]),
    )


def _first(suite: Suite, taken: int, seed: int) -> Suite:
    """The test prompts of the first looks, in file order, and the rewordings of these."""
    test = suite.splits["test"]
    order = rng(f"{suite.config.name}/looks", seed).permutation(len(test))
    chosen = sorted(order[: -(-len(test) * taken // LOOKS)].tolist())
    splits: dict[str, tuple[Example, ...]] = {
        **suite.splits,
        "test": tuple(test[i] for i in chosen),
    }
    if PERTURBED in splits:
        kept = {example.id for example in splits["test"]}
        reworded = tuple(e for e in splits[PERTURBED] if e.fields[ORIGINAL] in kept)
        splits[PERTURBED] = reworded
    return replace(suite, splits=splits)


def _tests(loaded: Loaded) -> Loaded:
    """Nothing but the test splits."""
    suites = tuple(replace(s, splits={"test": s.splits["test"]}) for s in loaded.suites)
    return replace(loaded, suites=suites, training={}, completions={})


def _looks(loaded: Loaded, part: Loaded, taken: int) -> Looks:
    planned, asked = (
        {suite.config.name: len(suite.splits["test"]) for suite in one.suites}
        for one in (loaded, part)
    )
    return Looks(taken, LOOKS, asked=asked, planned=planned)


def _decided(plan: Plan, part: Loaded, results: Sequence[SplitResult], looks: Looks) -> bool:
    """Whether nothing that is still to be asked could be needed for the verdict."""
    configs = [suite.config for suite in part.suites]
    record = conclude(
        Setup(
            name=plan.name,
            models=plan.models,
            suites=tuple(replace(c, gate=plan.gate or c.gate) for c in configs),
            hashes={},
            training={},
            leaks=(),
            seed=plan.seed,
            limit=plan.limit,
            scorers=plan.scorers,
            notes={},
            clocks={},
            allow_identical=plan.allow_identical,
            looks=looks,
        ),
        results,
    )
    return settled(record)
