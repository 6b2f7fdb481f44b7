"""Two runs as one: the tuned models of an earlier run take the place of the base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from evalkit.errors import ComparabilityError
from evalkit.schema import Answer, Failure, ModelSpec, RunRecord, SplitResult, SuiteConfig
from evalkit.stats.samples import FloatArray
from evalkit.verdict.compare import TEST
from evalkit.verdict.wording import listed, share

FEWEST_MATCHED: Final = 0.90
"""Below this share of test prompts in common two runs are not compared."""
_ASKED_BY = ("task", "system", "template", "few_shot", "generation", "extract", "labels")
"""Fields of a suite that shape a completion or what is scored of it."""
_SHOWN = 60

Outcome = Answer | Failure


@dataclass(frozen=True, slots=True)
class _Arms:
    """A tuned model and the model of the earlier run that it is compared with."""

    tuned: ModelSpec
    earlier: ModelSpec
    label: str


def join_runs(
    record: RunRecord, earlier: RunRecord, *, name: str, suites: Sequence[str] | None = None
) -> RunRecord:
    """The tuned models of a run on its test splits, with those of an earlier run as their bases.

    Examples are paired by id, prompt as asked, and references. The result has no comparisons: means
    are judged from its values, other scores have to be compared first.

    Args:
        record: the run to be judged.
        earlier: the run it is compared with.
        name: what to call the earlier run.
        suites: those that are compared; None demands that both runs have the same suites.

    Raises:
        ComparabilityError: the runs differ in what was asked, how, or how it was scored; every
            difference is named.
    """
    arms, faults = _paired_arms(record, earlier, name)
    chosen = [c for c in record.info.suites if suites is None or c.name in suites]
    others = {config.name: config for config in earlier.info.suites}
    if suites is None:
        dropped = others.keys() - {config.name for config in chosen}
        faults += [f"suite {suite!r} was not run this time" for suite in sorted(dropped)]
    splits = []
    for config in chosen:
        found = list(_faults(record, earlier, config, others.get(config.name)))
        if not found:
            split, matched, of = _joined(record, earlier, config.name, arms)
            if matched < FEWEST_MATCHED * of:
                common = share(matched, of)
                found = [f"only {common} test prompts are in both; at least 90 % must be"]
            splits.append(split)
        faults += [f"suite {config.name!r}: {fault}" for fault in found]
    if faults:
        told = "\n".join(f"  {fault}" for fault in faults)
        raise ComparabilityError(
            f"{record.info.name!r} cannot be compared with the earlier run {name!r}:\n{told}"
        )
    bases = {a.label: replace(a.earlier, name=a.label, role="base", tuned_from=None) for a in arms}
    return replace(
        record,
        info=replace(
            record.info,
            models=(*bases.values(), *(replace(a.tuned, tuned_from=a.label) for a in arms)),
            suites=tuple(chosen),
            overfit=(),
            overfit_levels={},
        ),
        splits=tuple(splits),
        comparisons=(),
        scores=(),
        confusions=(),
        leaks=(),
    )


def _paired_arms(record: RunRecord, earlier: RunRecord, name: str) -> tuple[list[_Arms], list[str]]:
    """Tuned models of one name; or the only one of either run, whatever its name."""
    mine = [model for model in record.info.models if model.role == "tuned"]
    theirs = {model.name: model for model in earlier.info.models if model.role == "tuned"}
    if len(mine) == len(theirs) == 1:
        theirs = {mine[0].name: next(iter(theirs.values()))}
    arms, faults = [], []
    for model in mine:
        other = theirs.get(model.name)
        if other is None:
            known = f"it has {listed(list(theirs))}" if theirs else "it has none"
            faults.append(f"it has no tuned model {model.name!r}; {known}")
        else:
            if other.mode != model.mode:
                faults.append(_differs(f"mode of {model.name!r}", model.mode, other.mode))
            arms.append(_Arms(model, other, f"{name}/{other.name}"))
    return arms, faults


def _faults(
    record: RunRecord, earlier: RunRecord, config: SuiteConfig, other: SuiteConfig | None
) -> Iterator[str]:
    """What differs between two runs of one suite."""
    if other is None:
        yield "the earlier run does not have it"
        return
    for field in _ASKED_BY:
        if getattr(config, field) != getattr(other, field):
            yield _differs(field, getattr(config, field), getattr(other, field))
    digests = [r.info.hashes.get(config.name, {}).get(TEST) for r in (record, earlier)]
    if digests[0] != digests[1]:
        yield _differs("test data", *(f"sha256 {str(digest)[:12]}" for digest in digests))
    signatures = [
        {s.name: s.signature for s in r.info.scorers.get(config.name, ())}
        for r in (record, earlier)
    ]
    for name in config.gate.scorers or tuple(signatures[0])[:1]:
        here, there = (found.get(name, "not computed") for found in signatures)
        if here != there:
            yield _differs(f"scorer {name!r}", here, there)


def _differs(what: str, here: Any, there: Any) -> str:  # noqa: ANN401 - any field of a record
    texts = [str(value) for value in (here, there)]
    shown = [text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..." for text in texts]
    return f"{what}: {shown[0]} now, {shown[1]} then"


def _joined(
    record: RunRecord, earlier: RunRecord, suite: str, arms: Sequence[_Arms]
) -> tuple[SplitResult, int, int]:
    """The examples that both runs asked; how many those are, and of how many."""
    now, then = (_test_split(r, suite) for r in (record, earlier))
    known = {_key(then, i): i for i in range(len(then.examples))}
    pairs = [(i, known.get(_key(now, i))) for i in range(len(now.examples))]
    left = [i for i, j in pairs if j is not None]
    right = [j for _, j in pairs if j is not None]
    answers = {a.label: _chosen(then.answers, a.earlier.name, right) for a in arms}
    answers |= {a.tuned.name: _chosen(now.answers, a.tuned.name, left) for a in arms}
    values: dict[tuple[str, str], FloatArray] = {}
    for source, rows, names in (
        (then, right, {a.earlier.name: a.label for a in arms}),
        (now, left, {a.tuned.name: a.tuned.name for a in arms}),
    ):
        values |= {
            (names[model], scorer): np.asarray(scores)[rows]
            for (model, scorer), scores in source.values.items()
            if model in names
        }
    split = SplitResult(suite, TEST, tuple(now.examples[i] for i in left), answers, values)
    return split, len(left), max(len(now.examples), len(then.examples))


def _test_split(record: RunRecord, suite: str) -> SplitResult:
    for split in record.splits:
        if (split.suite, split.split) == (suite, TEST):
            return split
    return SplitResult(suite, TEST, (), {}, {})


def _key(split: SplitResult, i: int) -> tuple[object, ...]:
    example = split.examples[i]
    return example.id, example.messages, example.references


def _chosen(
    answers: Mapping[str, Sequence[Outcome]], model: str, rows: Sequence[int]
) -> tuple[Outcome, ...]:
    found = answers.get(model, ())
    return tuple(found[i] for i in rows) if found else ()
