"""The gate: may this change ship? Decided from a run folder alone.

Two one-sided questions are asked of every suite: is a loss certain, and is a loss beyond the margin
ruled out? Suites of one tuned model are one declared family: any of them can fail it (Holm), all of
them together must rule the loss out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from evalkit.schema import (
    Decided,
    GateDecision,
    GateMode,
    GateResult,
    GateRule,
    GateVerdict,
    Level,
    RunRecord,
)
from evalkit.stats.decisions import OneSided, pooled, three_way
from evalkit.stats.families import holm
from evalkit.stats.planning import units_to_settle
from evalkit.verdict.claims import Claim, Measure, gather_claims
from evalkit.verdict.looks import valid_p
from evalkit.verdict.reasons import NOTHING, Change, finding, reason_of

SEVERITY: tuple[Decided, ...] = ("FAIL", "INCONCLUSIVE", "PASS")
"""Verdicts from the gravest on."""
CODES = (1, 3, 0)
"""Exit codes from the gravest on."""
_BLOCKED_BY: Mapping[str, tuple[Level, ...]] = {
    "strong": ("strong",),
    "mild": ("strong", "mild"),
    "none": (),
}


def gate(record: RunRecord, rule: GateRule | None = None) -> GateVerdict:
    """PASS, FAIL or INCONCLUSIVE; whatever cannot be read is never a PASS.

    Args:
        record: a run, fresh or read from its folder.
        rule: instead of each suite's own rule.
    """
    levels = {(v.suite, v.tuned): v.level for v in record.info.overfit}
    families: dict[tuple[str, str, GateMode], list[Claim]] = {}
    for claim in gather_claims(record, rule):
        families.setdefault((claim.base, claim.tuned, claim.rule.mode), []).append(claim)
    if not families:
        code = (rule or GateRule()).inconclusive
        return GateVerdict("INCONCLUSIVE", "none", NOTHING, (), (), code)
    verdict = merge([_judge(family, levels) for family in families.values()])
    return replace(verdict, differences=record.info.differences)


def merge(verdicts: Sequence[GateVerdict]) -> GateVerdict:
    """One verdict of several, which all must pass: the gravest, with the reasons for it."""
    decisions = tuple(d for verdict in verdicts for d in verdict.decisions)
    verdict = worst([one.verdict for one in verdicts])
    return GateVerdict(
        verdict=verdict,
        mode=" and ".join(dict.fromkeys(one.mode for one in verdicts)),
        reason=" ".join(one.reason for one in verdicts if one.verdict == verdict),
        results=tuple(result for one in verdicts for result in one.results),
        decisions=decisions,
        exit_code=min((one.exit_code for one in verdicts), key=CODES.index),
        differences=tuple(dict.fromkeys(d for one in verdicts for d in one.differences)),
    )


def worst(verdicts: Sequence[Decided]) -> Decided:
    """The gravest verdict; nothing to judge is INCONCLUSIVE."""
    return min(verdicts, key=SEVERITY.index, default="INCONCLUSIVE")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the tests of one family come to, obstacles and overfitting apart.

    Attributes:
        verdict: of the family.
        each: of every claim.
        adjusted: Holm-adjusted p-value of a regression of every claim.
        changes: the mean change of the general and of the other suites.
    """

    verdict: Decided
    each: tuple[Decided, ...] = ()
    adjusted: tuple[float, ...] = ()
    changes: tuple[Change, ...] = ()


def _judge(family: Sequence[Claim], levels: Mapping[tuple[str, str], Level]) -> GateVerdict:
    """All claims on one tuned model of one mode."""
    readable = [claim for claim in family if claim.seen and claim.filled]
    seen = _outcome(readable, [claim.seen for claim in readable if claim.seen])
    # What the missing answers would have said is not known; if it matters, nothing is.
    filled = _outcome(readable, [claim.filled for claim in readable if claim.filled])
    places = {id(claim): i for i, claim in enumerate(readable)}
    results = tuple(
        _result(claim, seen, filled, places.get(id(claim)), _blocking(claim, levels))
        for claim in family
    )
    turned = seen.verdict != filled.verdict
    verdict: Decided = seen.verdict
    if any(result.verdict == "FAIL" for result in results):
        verdict = "FAIL"
    elif turned or any(claim.blocks for claim in family):
        verdict = "INCONCLUSIVE"
    base, tuned, mode = family[0].base, family[0].tuned, family[0].rule.mode
    reason = reason_of(verdict, family, results, seen.changes, turned=turned)
    decision = GateDecision(base, tuned, mode, verdict, reason)
    return GateVerdict(verdict, mode, reason, results, (decision,), _exit_code(verdict, family))


def _outcome(claims: Sequence[Claim], measures: Sequence[Measure]) -> _Outcome:
    """The tests of claims that share a mode."""
    if not claims:
        return _Outcome("INCONCLUSIVE")
    adjusted = tuple(holm([m.p.worse for m in measures]))
    each = tuple(map(_decide, claims, measures, adjusted))
    if claims[0].rule.mode != "three-way":
        return _Outcome(worst(each), each, adjusted)
    changes = tuple(_changes(claims, measures))
    alpha = min(claim.rule.alpha for claim in claims)
    strict = [word for claim, word in zip(claims, each, strict=True) if claim.rule.strict]
    verdict: Decided = "INCONCLUSIVE"
    if "FAIL" in each:
        verdict = "FAIL"
    elif all(c.p <= alpha for c in changes) and all(word == "PASS" for word in strict):
        verdict = "PASS"
    return _Outcome(verdict, each, adjusted, changes)


def _decide(claim: Claim, measure: Measure, worse: float) -> Decided:
    """The verdict on one claim by its mode, from its adjusted p-value of a regression."""
    alpha, noninferior = claim.rule.alpha, measure.p.noninferior
    if claim.rule.mode == "significant-regression":
        return "FAIL" if worse <= alpha else "PASS"
    if claim.rule.mode == "non-inferiority":
        return "PASS" if noninferior <= alpha else "FAIL"
    return three_way(OneSided(worse, noninferior), alpha)


def _changes(claims: Sequence[Claim], measures: Sequence[Measure]) -> Iterator[Change]:
    """The mean change of general suites and of the others: a gain here must not hide a loss there.

    Suites weigh equally. Scorers of one suite see the same answers: their standard errors are
    averaged as if they erred together, which can only be too careful. Slices have no part in it.
    """
    for general in (False, True):
        mine = [
            (claim, measure)
            for claim, measure in zip(claims, measures, strict=True)
            if claim.suite.general == general and not claim.slice
        ]
        if len(mine) == 1:
            ((_, only),) = mine
            yield Change(only.gain, only.p.noninferior, 1)
        elif mine:
            suites = [list(group) for _, group in groupby(mine, lambda pair: pair[0].suite.name)]
            mean = pooled(
                [math.fsum(m.gain for _, m in suite) / len(suite) for suite in suites],
                [math.fsum(m.se for _, m in suite) / len(suite) for suite in suites],
            )
            margin = math.fsum(suite[0][0].margin for suite in suites) / len(suites)
            p = valid_p(mean.decision(margin).noninferior, claims[0].looks)
            yield Change(mean.value, p, len(suites))


def _blocking(claim: Claim, levels: Mapping[tuple[str, str], Level]) -> Level | None:
    """The level of overfitting on this suite, if its rule fails the model for it."""
    level = levels.get((claim.suite.name, claim.tuned))
    return level if level in _BLOCKED_BY[claim.rule.overfit] and not claim.slice else None


def _exit_code(verdict: Decided, family: Sequence[Claim]) -> int:
    if verdict != "INCONCLUSIVE":
        return 1 if verdict == "FAIL" else 0
    code = min((claim.rule.inconclusive for claim in family), key=CODES.index)
    # A rule may let uncertainty pass, but not a gate that could not read what it needs.
    return 3 if code == 0 and any(claim.delta is None for claim in family) else code


def _result(
    claim: Claim, seen: _Outcome, filled: _Outcome, place: int | None, blocked: Level | None
) -> GateResult:
    """The verdict on one claim, with its reason."""
    verdict: Decided = "INCONCLUSIVE"
    p = needed = turned = None
    if place is not None and claim.seen is not None:
        p, verdict = seen.adjusted[place], seen.each[place]
        if verdict != filled.each[place]:
            turned, verdict = verdict, "INCONCLUSIVE"
        elif verdict == "INCONCLUSIVE":
            units = units_to_settle(claim.seen.gain, claim.seen.spread, claim.margin)
            needed = None if units is None else math.ceil(units)
    if blocked is not None:
        verdict, needed = "FAIL", None
    return GateResult(
        suite=claim.suite.name,
        base=claim.base,
        tuned=claim.tuned,
        scorer=claim.scorer,
        slice=claim.slice,
        verdict=verdict,
        delta=claim.delta,
        low=claim.bounds.low if claim.bounds else None,
        high=claim.bounds.high if claim.bounds else None,
        n=claim.n,
        missing=claim.missing,
        margin=claim.margin,
        p_regression=p,
        p_noninferior=None if claim.seen is None else claim.seen.p.noninferior,
        needed=needed,
        overfit=blocked,
        reason=finding(claim, p, needed, turned=turned, blocked=blocked),
    )
