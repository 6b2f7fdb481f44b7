"""What can be done with finished runs, and with suites before a run; as on the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit import store
from evalkit.data import SuiteHealth, check_suite, load_project, load_suite, parse_extract
from evalkit.errors import UsageError
from evalkit.pipeline.arguments import checked
from evalkit.pipeline.comparing import compare_runs
from evalkit.pipeline.concluding import Setup, conclude
from evalkit.pipeline.finished import Run, load, write
from evalkit.pipeline.options import listed
from evalkit.pipeline.plan import suites_to_check
from evalkit.pipeline.scoring import suite_scorers
from evalkit.report import write_report
from evalkit.schema import GateRule, GateVerdict, RunComparison


@checked
def report(folder: str | Path) -> Run:
    """Write the report of a run again, from its folder."""
    done = load(folder)
    write_report(done.record, done.report)
    return done


@checked
def gate(
    folder: str | Path,
    rule: GateRule | None = None,
    *,
    against: str | Path | None = None,
    changes: Mapping[str, Any] | None = None,
) -> GateVerdict:
    """PASS, FAIL or INCONCLUSIVE of a run, from its folder; see `Run.gate`."""
    return load(folder).gate(rule, against=against, changes=changes)


@checked
def compare(earlier: str | Path, later: str | Path) -> RunComparison:
    """Two stored runs side by side: changes with intervals, flips, what changed in the set-up.

    Every model is compared with the model of the same name and role in the earlier run.

    Raises:
        ComparabilityError: nothing of the two can be compared; every reason is named.
        RunFolderError: a run that cannot be read.
        UsageError: the two are one run.
    """
    return compare_runs(Path(earlier), Path(later))


@checked
def project_rule(config: str | Path) -> GateRule:
    """The gate's rule of a project file.

    Raises:
        ConfigError: a file that is wrong.
        UsageError: one without a `gate:`.
    """
    rule = load_project(Path(config)).gate
    if rule is None:
        raise UsageError(f"{config} has no `gate:`; add one, or leave --config out")
    return rule


@checked
def score(
    folder: str | Path,
    *,
    scorers: str | Sequence[str] = (),
    extract: str | Sequence[str] = (),
    out: str | Path | None = None,
    force: bool = False,
) -> Run:
    """Score the stored completions of a run again, without a model.

    Args:
        folder: the run folder.
        scorers: instead of the suites' own; `default` stands for those.
        extract: steps to the part of a completion that is scored, such as `number` or
            `after=Answer:`, instead of those that the run was last scored with; empty for those.
            `whole` alone scores completions as they are.
        out: where to write; default: the same folder, whose run is replaced.
        force: replace a run even if it was accepted as a reference.

    Returns:
        The run with its new scores, written.

    Raises:
        UsageError: the run to be replaced is an accepted reference.
    """
    target = Path(folder if out is None else out)
    if out is not None:
        store.check_target(target)
    if not force:
        store.check_unaccepted(target)
    record = store.read(Path(folder))
    info = record.info
    suites = info.suites
    if extract:
        steps = parse_extract(listed(extract))
        suites = tuple(dataclasses.replace(c, extract=steps) for c in suites)
    setup = Setup(
        name=info.name,
        models=info.models,
        suites=suites,
        hashes=info.hashes,
        training={(v.suite, v.tuned): v.train_split for v in info.overfit},
        leaks=record.leaks,
        seed=info.seed,
        limit=info.limit,
        scorers=tuple(listed(scorers)),
        probes=info.probes,
        prices={used.model: used.price for used in info.usage if used.price is not None},
        notes=info.notes,
        clocks=info.clocks,
        earlier=info.overfit,
        repeats=info.repeats,
        allow_identical=info.allow_identical,
        looks=info.looks,
        perturb=info.perturb,
        losses=record.losses,
        checkpoints=record.checkpoints,
    )
    return write(conclude(setup, record.splits), target)


@checked
def check(
    suites: str | Path | Sequence[str | Path] = (),
    *,
    train: str | Path | None = None,
    config: str | Path | None = None,
) -> tuple[SuiteHealth, ...]:
    """The health of suites: counts, duplicates, leakage, balance, lengths.

    Raises:
        DataError: rows that cannot be read, all of them.
        ScorerError: a scorer that is unknown or doesn't fit its suite.
    """
    paths, extra = suites_to_check(listed(suites), config=config)
    path = None if train is None else Path(train)
    healths = []
    for place in paths:
        suite = load_suite(place, train=path, extra_train=extra)
        suite_scorers(suite.config, suite.splits["test"])
        healths.append(check_suite(suite))
    return tuple(healths)
