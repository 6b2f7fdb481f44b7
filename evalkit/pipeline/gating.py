"""The gate of a stored run: against its base, and against earlier runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from evalkit import store
from evalkit.errors import ComparabilityError, UsageError, nearest
from evalkit.pipeline.scoring import suite_scorers
from evalkit.pipeline.stored import stored_scorer
from evalkit.schema import (
    Comparison,
    Difference,
    GateRule,
    GateVerdict,
    RunRecord,
    SplitResult,
    Suite,
    SuiteConfig,
)
from evalkit.verdict import compare_rows, gate, join_runs, merge
from evalkit.verdict.wording import listed


@dataclass(frozen=True, slots=True)
class Reference:
    """An earlier run to be compared with.

    Attributes:
        folder: its run folder.
        suites: those that it is the reference of; None for all of both runs.
    """

    folder: Path
    suites: tuple[str, ...] | None


def gate_run(
    record: RunRecord,
    folder: Path,
    *,
    against: Path | None = None,
    rule: GateRule | None = None,
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> GateVerdict:
    """Judge a run against its base, `against`, and the last and first accepted run of each suite.

    Args:
        record: the run.
        folder: its folder; accepted runs are beside it.
        against: one more run to compare with.
        rule: instead of each suite's own rule.
        changes: fields of a `GateRule` that replace those of every rule.

    Raises:
        ComparabilityError: an earlier run that was not asked or scored alike.
        RunFolderError: an earlier run that cannot be read.
    """
    record = with_rules(record, rule, changes)
    earlier = references(record, folder, against)
    verdicts = [gate(record), *(gate(_compared(_joined(record, one))) for one in earlier)]
    found = merge(verdicts)
    return replace(found, differences=(*found.differences, *_without_reference(record, folder)))


def _without_reference(record: RunRecord, folder: Path) -> list[Difference]:
    """Suites that no accepted run has, where others have one: was one of them renamed?"""
    accepted = store.read_accepted(folder.resolve().parent)
    return [
        Difference("accepted runs", suite.name, listed(sorted(accepted)), "none of it", "flag")
        for suite in record.info.suites
        if accepted and suite.name not in accepted
    ]


def _joined(record: RunRecord, reference: Reference) -> RunRecord:
    """The run with its reference as base, or an error that says what to do."""
    earlier, name = store.read(reference.folder), reference.folder.name
    try:
        return join_runs(record, earlier, name=name, suites=reference.suites)
    except ComparabilityError as error:
        afresh = ""
        if reference.suites is not None:
            file = reference.folder.parent / store.ACCEPTED
            afresh = f", or remove {listed(reference.suites)} from {file} to accept runs afresh"
        raise ComparabilityError(
            f"{error}\nRun again with the set-up of {name!r}{afresh}"
        ) from None


def with_rules(record: RunRecord, rule: GateRule | None, changes: Mapping[str, Any]) -> RunRecord:
    """The record with another rule for its suites."""
    suites = tuple(
        replace(suite, gate=replace(rule or suite.gate, **changes)) for suite in record.info.suites
    )
    return replace(record, info=replace(record.info, suites=suites))


def check_rules(suites: Sequence[Suite], rule: GateRule | None, chosen: Sequence[str]) -> None:
    """See, before anything is asked, that the rules name scorers that there are.

    Args:
        suites: the suites of a run.
        rule: instead of each suite's own.
        chosen: scorers instead of the suites' own, which their rules may name nevertheless.

    Raises:
        UsageError: a rule names a scorer that its suite does not have.
    """
    for suite in suites:
        config, test = suite.config, suite.splits["test"]
        wanted = (rule or config.gate).scorers
        if not wanted:
            continue
        known = [s.name for names in ((), chosen) for s in suite_scorers(config, test, names)]
        for name in wanted:
            if name not in known:
                raise UsageError(
                    f"suite {config.name!r}: `gate.scorers` names {name!r}, which is none of its "
                    f"scorers; {nearest(name, known)}"
                )


def references(record: RunRecord, folder: Path, against: Path | None) -> list[Reference]:
    """The earlier runs of a run, each once; never itself.

    Raises:
        UsageError: `against` is the run itself.
        RunFolderError: an accepted run that is not there any more, or `against` is no run.
    """
    folder = folder.resolve()
    found = []
    if against is not None:
        if against.resolve() == folder:
            raise UsageError(f"--against {against} is the run itself; name an earlier one")
        found.append(Reference(against, None))
    accepted = store.read_accepted(folder.parent)
    suites: dict[store.Pinned, list[str]] = {}
    for config in record.info.suites:
        mine = accepted.get(config.name)
        for pinned in dict.fromkeys((mine.last, mine.anchor)) if mine else ():
            suites.setdefault(pinned, []).append(config.name)
    for pinned, names in suites.items():
        if pinned.run == folder.name and pinned.sha256 == store.run_digest(folder):
            continue
        place = store.pinned_folder(pinned, folder.parent)
        if against is None or store.run_digest(against) != pinned.sha256:
            found.append(Reference(place, tuple(names)))
    return found


def _compared(joined: RunRecord) -> RunRecord:
    """The joined runs with the comparisons of scores that are no means, from their completions."""
    configs = {config.name: config for config in joined.info.suites}
    rows = [
        row for split in joined.splits for row in _corpus_rows(joined, configs[split.suite], split)
    ]
    return replace(joined, comparisons=tuple(rows))


def _corpus_rows(
    joined: RunRecord, config: SuiteConfig, split: SplitResult
) -> Iterator[Comparison]:
    known = joined.info.scorers.get(config.name, ())
    gated = config.gate.scorers or tuple(scorer.name for scorer in known[:1])
    for told in known:
        if told.kind != "corpus" or told.name not in gated:
            continue
        scorer, stats = stored_scorer(config, split, told)
        fields = _fields(config.gate.slices)
        yield from compare_rows(
            split,
            stats,
            [scorer],
            models=joined.info.models,
            slices=fields,
            seed=joined.info.seed,
        )


def _fields(slices: Sequence[str]) -> tuple[str, ...]:
    """The fields of gated slices: `language` of `language=de`."""
    return tuple(dict.fromkeys(name.partition("=")[0] for name in slices))
