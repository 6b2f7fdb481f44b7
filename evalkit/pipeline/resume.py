"""Asking again for what a run lacks, by the set-up that its folder remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evalkit.errors import ComparabilityError, RunFolderError, UsageError
from evalkit.pipeline.command import is_given
from evalkit.pipeline.judging import judges_asked
from evalkit.pipeline.loading import load_suites
from evalkit.pipeline.options import RunOptions
from evalkit.pipeline.plan import make_plan
from evalkit.schema import RunRecord

MANNER = frozenset(
    (
        "allow_identical",
        "batch",
        "cache",
        "concurrency",
        "max_cost",
        "max_seconds",
        "probe",
        "timeout",
    )
)
"""Options that say how it is asked, not what: they may be others the second time."""


def changes_of(folder: Path, given: Mapping[str, object]) -> dict[str, object]:
    """What is to be different when a run is asked again: only how it is asked.

    Raises:
        UsageError: a change of what is asked.
    """
    # That nothing is to be probed is said by a False.
    changes = {name: told for name, told in given.items() if is_given(told) or name == "probe"}
    if others := sorted(changes.keys() - MANNER):
        raise UsageError(
            f"--retry-missing takes {', '.join(others)} from {folder}; leave it out, or make a new "
            "run"
        )
    return changes


def setup_of(
    record: RunRecord, folder: Path, changes: Mapping[str, object]
) -> tuple[list[str], RunOptions]:
    """The suites and options of a run, to ask for what it lacks.

    Args:
        record: the run.
        folder: where it lies.
        changes: what is to be different this time; see `changes_of`.

    Raises:
        ComparabilityError: suites or models are not what they were.
        RunFolderError: a folder that does not remember its set-up.
    """
    suites, options = _command(record, folder)
    options |= changes  # type: ignore[typeddict-item]
    _require_same(record, suites, options)
    return suites, options


def _command(record: RunRecord, folder: Path) -> tuple[list[str], RunOptions]:
    """The suites and options that a run was made with."""
    command = record.info.clocks.get("command")
    if not isinstance(command, Mapping):
        raise RunFolderError(
            f"{folder} does not remember how it was made; run the same command again, which asks "
            "only for what is missing"
        )
    options: RunOptions = dict(command["options"])  # type: ignore[assignment]
    return list(command["suites"]), options


def _require_same(record: RunRecord, suites: Sequence[str], options: RunOptions) -> None:
    """Models and data must be those of the run, or its answers would not belong together."""
    plan = make_plan(suites, **options)
    loaded = load_suites(plan)
    hashes = {suite.config.name: dict(suite.hashes) for suite in loaded.suites}
    changed = [name for name, told in record.info.hashes.items() if hashes.get(name) != dict(told)]
    if changed or hashes.keys() != record.info.hashes.keys():
        names = ", ".join(changed) or ", ".join(hashes)
        raise ComparabilityError(
            f"the data of {names} is not what it was when {record.info.name!r} was run; make a "
            "new run, whose unchanged prompts come from the cache"
        )
    judges = judges_asked(plan, loaded.suites)
    if judges != record.info.judges:
        before, now = (
            ", ".join(f"{j.name} ({j.provider}:{j.model})" for j in judges) or "none"
            for judges in (record.info.judges, judges)
        )
        raise ComparabilityError(
            f"the judges are not those of {record.info.name!r}: it had {before}, and now it would "
            f"be {now}; was evalkit.yaml or a grader changed?"
        )
    # Of a training job the run knows only the checkpoint that was chosen.
    models = tuple(m for m in plan.models if m.job is None or m in record.info.models)
    if models != record.info.models:
        before, now = (
            ", ".join(f"{m.name} ({m.provider}:{m.model})" for m in models)
            for models in (record.info.models, plan.models)
        )
        raise ComparabilityError(
            f"the models are not those of {record.info.name!r}: it had {before}, and now it would "
            f"be {now}; was evalkit.yaml changed, or is this another folder?"
        )
