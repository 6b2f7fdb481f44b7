"""A run from its first option to its folder."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Unpack

from evalkit import store
from evalkit.pipeline.arguments import checked
from evalkit.pipeline.command import command_of
from evalkit.pipeline.concluding import Setup, conclude
from evalkit.pipeline.finished import Run, write
from evalkit.pipeline.gating import check_rules
from evalkit.pipeline.judging import judges_asked
from evalkit.pipeline.loading import Loaded, load_suites
from evalkit.pipeline.looks import Asked, ask_suites
from evalkit.pipeline.losses import load_losses
from evalkit.pipeline.means import Means
from evalkit.pipeline.options import RunOptions, check_options, listed
from evalkit.pipeline.plan import Plan, make_plan
from evalkit.pipeline.resume import asked_again
from evalkit.pipeline.spend import prices_of, purse_of
from evalkit.pipeline.sweep import Choice, choose
from evalkit.runner import AskStats, deadline_in, progress_observer
from evalkit.schema import GateRule, Loss, ModelSpec, Price, SuiteConfig

REPORTS = Path("reports")


@checked
def run(
    suites: str | Path | Sequence[str | Path] = (),
    *,
    out: str | Path | None = None,
    retry_missing: str | Path | None = None,
    force: bool = False,
    progress: bool = False,
    **options: Unpack[RunOptions],
) -> Run:
    """Ask base and tuned models, score, compare, check for overfitting, and write the run folder.

    Args:
        suites: suite folders, data files or names of shipped suites; empty: those of the project
            file, or the embedded quickstart.
        out: the run folder; default `reports/NAME-UTCTIME`.
        retry_missing: a run folder whose missing answers and log-probabilities are asked for, by
            its own set-up; only options of how it is asked may be given besides. A run that lacks
            none stays as it is.
        force: write to `out` even if the run in it was accepted as a reference.
        progress: show progress on stderr.
        options: see `RunOptions`.

    Returns:
        The finished run. Answers that could not be had are counted in `Run.missing`.

    Raises:
        EvalkitError: see `evalkit.errors`; what was answered is kept in the cache.
    """
    check_options(options)
    began, clock = datetime.now(UTC), time.perf_counter()
    if retry_missing is not None:
        given = {**options, "suites": listed(suites), "out": out}
        earlier, suites, options = asked_again(retry_missing, given)
        if not earlier.unanswered:
            return earlier
        out = retry_missing
    plan = make_plan(listed(suites), **options)
    folder = Path(out) if out is not None else _free_folder(plan, began)
    _check_folder(folder, plan, force=force)
    ready = _ready(plan, began.date())
    means = _means(ready, progress=progress)
    choice = choose(plan, ready.loaded, means)
    found = ask_suites(choice.plan, choice.loaded, means)
    setup = _setup(ready, choice, found, name=plan.name if out is None else folder.name)
    clocks = {
        "started": began.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
        "command": command_of(listed(suites), options),
        "models": {name: _clock(s, ready.prices.get(name)) for name, s in found.stats.items()},
    }
    record = conclude(dataclasses.replace(setup, clocks=clocks), found.results)
    done = write(record, folder if out is not None else _free_folder(plan, began))
    return dataclasses.replace(done, asked=True)


def _free_folder(plan: Plan, began: datetime) -> Path:
    """Where the run goes that was not told where."""
    return store.free_folder(REPORTS, f"{plan.name}-{began:%Y%m%dT%H%M%SZ}")


def _check_folder(folder: Path, plan: Plan, *, force: bool) -> None:
    """See, before anything is asked, that the run can be written and nothing is lost by it."""
    files = [m.model.partition("#")[0] for m in plan.models if m.provider == "file"]
    store.check_target(folder, [*plan.suites, *map(Path, files)])
    if not force:
        store.check_unaccepted(folder)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A plan with all that it needs, in which nothing was found wrong.

    Attributes:
        plan: the plan.
        loaded: its suites.
        judges: whom its scorers ask.
        prices: of arms and judges, where they are known.
        losses: what training jobs reported.
        unread: arm -> what of that could not be read.
    """

    plan: Plan
    loaded: Loaded
    judges: tuple[ModelSpec, ...]
    prices: Mapping[str, Price]
    losses: tuple[Loss, ...]
    unread: Mapping[str, tuple[str, ...]]


def _ready(plan: Plan, today: date) -> _Ready:
    """Read everything and look it over: what is wrong must show before anything is paid."""
    losses, unread = load_losses(plan.models)
    loaded = load_suites(plan)
    judges = judges_asked(plan, loaded.suites)
    check_rules(loaded.suites, plan.gate, plan.scorers)
    prices = prices_of([*plan.models, *judges], today, batch=plan.batch)
    return _Ready(plan, loaded, judges, prices, losses, unread)


def _means(ready: _Ready, *, progress: bool) -> Means:
    """What the asking may use; the time runs from now on."""
    purse = purse_of(ready.plan, ready.prices, ready.judges)
    observer = progress_observer() if progress else None
    return Means(observer, purse, deadline_in(ready.plan.max_seconds))


def _setup(ready: _Ready, choice: Choice, found: Asked, *, name: str) -> Setup:
    """What the run was, for its conclusions and its record; but for its clocks."""
    plan, loaded = choice.plan, found.loaded
    return Setup(
        name=name,
        models=plan.models,
        suites=tuple(_ruled(suite.config, plan.gate) for suite in loaded.suites),
        hashes={suite.config.name: suite.hashes for suite in loaded.suites},
        training=loaded.training,
        leaks=loaded.leaks,
        seed=plan.seed,
        limit=plan.limit,
        scorers=plan.scorers,
        prices=ready.prices,
        probes=found.probes,
        notes=_notes(ready, choice, found),
        completions=loaded.completions,
        repeats=plan.repeats,
        allow_identical=plan.allow_identical,
        looks=found.looks,
        perturb=plan.perturb,
        losses=ready.losses,
        checkpoints=choice.rows,
        clocks={},
    )


def _notes(ready: _Ready, choice: Choice, found: Asked) -> dict[str, tuple[str, ...]]:
    """Model -> what a reader must know of how it was asked, what it was trained on, and chosen."""
    return {
        model: notes
        for model, stats in found.stats.items()
        if (notes := (*stats.notes, *ready.unread.get(model, ()), *choice.notes.get(model, ())))
    }


def _ruled(config: SuiteConfig, rule: GateRule | None) -> SuiteConfig:
    """A suite under the project's rule, if the project has one."""
    return config if rule is None else dataclasses.replace(config, gate=rule)


def _clock(stats: AskStats, price: Price | None) -> dict[str, Any]:
    """What is different the next time: everything but the notes; and the money spent this time."""
    told = {key: value for key, value in dataclasses.asdict(stats).items() if key != "notes"}
    spent = None if price is None else price.of(stats.prompt_tokens, stats.completion_tokens)
    return told | {"tokens_per_second": stats.tokens_per_second, "spent": spent}
