"""What changed between two runs: models, suites, data, scorers, versions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final

from evalkit.schema import Difference, Generation, ModelSpec, RunRecord, SuiteConfig
from evalkit.schema.comparing import Severity
from evalkit.verdict.compare import TEST
from evalkit.verdict.differences import NO_EXTRA, endpoint, shown
from evalkit.verdict.wording import listed

_ELSEWHERE: Final = {
    "name", "description", "scorers", "slices", "general", "gate", "generation", "judge",
}  # fmt: skip
"""Fields of a suite that shape neither a completion nor what is scored of it, or that are looked at
one by one. Any other field, also one that is added some day, must be equal."""
_CALLED: Final = {"system": "system prompt", "few_shot": "few-shot", "extract": "extraction"}
_HARMLESS: Final = {"seed"}
"""Decoding that draws other answers of the same kind."""
_OWN_MODE: Final = "the provider's own"


@dataclass(frozen=True, slots=True)
class Arms:
    """A model of the later run and the model of the earlier run that it is compared with.

    Attributes:
        later: as the later run has it.
        earlier: as the earlier run has it.
        label: what the earlier one is called beside the later one: `RUN/MODEL`.
    """

    later: ModelSpec
    earlier: ModelSpec
    label: str


def pair_arms(
    record: RunRecord, earlier: RunRecord, name: str, roles: Collection[str] = ("tuned",)
) -> tuple[list[Arms], list[Difference]]:
    """Models of one role and name; or the only one of its role in either run, whatever its name.

    Args:
        record: the later run.
        earlier: the earlier run.
        name: what to call the earlier run.
        roles: whose models are paired.

    Returns:
        The pairs, and the models of the later run that are in none.
    """
    arms, lonely = list[Arms](), list[Difference]()
    for role in dict.fromkeys(model.role for model in record.info.models if model.role in roles):
        mine = [model for model in record.info.models if model.role == role]
        theirs = {model.name: model for model in earlier.info.models if model.role == role}
        if len(mine) == len(theirs) == 1:
            theirs = {mine[0].name: next(iter(theirs.values()))}
        for model in mine:
            other = theirs.get(model.name)
            if other is None:
                there = listed(list(theirs)) or "none"
                lonely.append(Difference(f"{role} model", model.name, there, model.name, "refuse"))
            else:
                arms.append(Arms(model, other, f"{name}/{other.name}"))
    return arms, lonely


def run_differences(
    record: RunRecord, earlier: RunRecord, arms: Sequence[Arms]
) -> list[Difference]:
    """What changed for all suites: how models were asked, who served them, versions.

    Args:
        record: the later run.
        earlier: the earlier run.
        arms: the models that are compared.
    """
    now, then = record.info, earlier.info
    found = [difference for pair in arms for difference in _arm(record, earlier, pair)]
    for name in dict.fromkeys([*then.versions, *now.versions]):
        versions = (run.versions.get(name) for run in (then, now))
        found += _unequal(f"version of {name}", "", versions, "flag")
    found += _judged(record, earlier)
    found += _unequal("repeats", "", (then.repeats, now.repeats), "flag")
    found += _unequal("limit", "", (then.limit, now.limit), "flag")
    return found


def suite_differences(
    record: RunRecord, earlier: RunRecord, config: SuiteConfig
) -> list[Difference]:
    """What changed in one suite of the later run: how it is asked and scored, and its data.

    Args:
        record: the later run.
        earlier: the earlier run.
        config: the suite, as the later run has it.
    """
    other = next((c for c in earlier.info.suites if c.name == config.name), None)
    if other is None:
        return [Difference("suite", config.name, "not run", "run", "refuse")]
    return [
        *_asked(config, other),
        *_data(record, earlier, config.name),
        *_scored(record, earlier, config),
    ]


def _arm(record: RunRecord, earlier: RunRecord, pair: Arms) -> Iterator[Difference]:
    """One pair of models: how they are asked, where, and who answered."""
    where, sides = pair.later.name, (pair.earlier, pair.later)
    # Where only one run says how it asked, both may have asked alike.
    severity: Severity = "refuse" if all(side.mode for side in sides) else "flag"
    yield from _unequal("mode", where, (side.mode or _OWN_MODE for side in sides), severity)
    yield from _unequal("model", where, (side.model for side in sides), "flag")
    yield from _unequal("endpoint", where, map(endpoint, sides), "flag")
    severity = "refuse" if pair.later.provider == pair.earlier.provider else "flag"
    yield from _unequal("extra_body", where, (s.extra_body or NO_EXTRA for s in sides), severity)
    served = [
        {usage.model: usage.served_models for usage in run.info.usage}.get(side.name, ())
        for run, side in zip((earlier, record), sides, strict=True)
    ]
    if all(served):
        yield from _unequal("served model", where, served, "flag")


def _judged(record: RunRecord, earlier: RunRecord) -> Iterator[Difference]:
    """Judges that both runs name alike, but that servers answered for under other names."""
    then, now = (
        {usage.model: usage.served_models for usage in run.info.judging}
        for run in (earlier, record)
    )
    for name in sorted(now.keys() & then.keys()):
        if now[name] and then[name]:
            yield from _unequal("served judge", name, (then[name], now[name]), "flag")


def _asked(config: SuiteConfig, other: SuiteConfig) -> Iterator[Difference]:
    for field in fields(SuiteConfig):
        if field.name not in _ELSEWHERE:
            what = _CALLED.get(field.name, field.name)
            sides = (getattr(side, field.name) for side in (other, config))
            yield from _unequal(what, config.name, sides, "refuse")
    for field in fields(Generation):
        severity: Severity = "flag" if field.name in _HARMLESS else "refuse"
        sides = (getattr(side.generation, field.name) for side in (other, config))
        yield from _unequal(field.name, config.name, sides, severity)


def _data(record: RunRecord, earlier: RunRecord, suite: str) -> Iterator[Difference]:
    """Other rows; of splits that only one run knows nothing is said."""
    then, now = (run.info.hashes.get(suite, {}) for run in (earlier, record))
    for split in sorted((now.keys() & then.keys()) | {TEST}):
        digests = (f"sha256 {found.get(split, 'unknown')[:12]}" for found in (then, now))
        severity: Severity = "refuse" if split == TEST else "flag"
        yield from _unequal(f"{split} data", suite, digests, severity)


def _scored(record: RunRecord, earlier: RunRecord, config: SuiteConfig) -> Iterator[Difference]:
    """Judged scorers must be computed alike; others that are not are told."""
    then, now = (
        {scorer.name: scorer.signature for scorer in run.info.scorers.get(config.name, ())}
        for run in (earlier, record)
    )
    judged = config.gate.scorers or tuple(now)[:1]
    for name in dict.fromkeys([*judged, *(name for name in now if name in then)]):
        signatures = (found.get(name, "not computed") for found in (then, now))
        severity: Severity = "refuse" if name in judged else "flag"
        yield from _unequal(f"scorer {name}", config.name, signatures, severity)


def _unequal(
    what: str, where: str, sides: Iterable[object], severity: Severity
) -> Iterator[Difference]:
    """The difference, if the two sides are not equal: then, now."""
    then, now = sides
    if then != now:
        yield Difference(what, where, shown(then), shown(now), severity)
