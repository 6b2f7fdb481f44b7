"""Asking again for what a run lacks, by the set-up that its folder remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evalkit.errors import ComparabilityError, RunFolderError, UsageError
from evalkit.pipeline.command import given_of
from evalkit.pipeline.finished import Run, load
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


def asked_again(
    folder: str | Path, given: Mapping[str, object]
) -> tuple[Run, list[str], RunOptions]:
    """A run that may lack something, and the suites and options to ask for it.

    Args:
        folder: of the run.
        given: what is to be different this time, as `run` was given it: only how it is asked.

    Returns:
        The run as it is, its suites and its options; no suites if it lacks nothing.

    Raises:
        UsageError: a change of what is asked.
        ComparabilityError: suites or models are not what they were.
        RunFolderError: a folder that cannot be read, or does not remember its set-up.
    """
    earlier = load(folder)
    changes = _changes(earlier.folder, given)
    if not earlier.unanswered:
        return earlier, [], {}
    suites, options = _command(earlier.record, earlier.folder)
    options |= changes  # type: ignore[typeddict-item]
    _require_same(earlier.record, suites, options)
    return earlier, suites, options


def _changes(folder: Path, given: Mapping[str, object]) -> dict[str, object]:
    """What is to be different: only how it is asked."""
    changes = given_of(given)
    if others := sorted(changes.keys() - MANNER):
        raise UsageError(
            f"--retry-missing takes {', '.join(others)} from {folder}; leave it out, or make a new "
            "run"
        )
    return changes


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
