"""The gate: may this change ship? Decided from comparisons alone, so that files are enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from evalkit.schema import Comparison, GateResult, GateRule, GateVerdict, RunRecord, SuiteConfig
from evalkit.stats.families import holm
from evalkit.stats.samples import FEWEST_UNITS
from evalkit.verdict.wording import between, listed, p_value, plural, points, share

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]
SEVERITY: tuple[Verdict, ...] = ("FAIL", "INCONCLUSIVE", "PASS")
"""Verdicts from the gravest on."""
MOST_MISSING: Final = 0.05
"""Above this share of missing pairs there is no verdict."""


@dataclass(frozen=True, slots=True)
class Case:
    """What the gate knows of one suite and one tuned model.

    Attributes:
        suite: the suite.
        rule: by which it is judged.
        base: name of the base.
        tuned: name of the tuned model.
        scorer: name of the primary scorer.
        row: its comparison on the whole test split; None if there is none.
    """

    suite: SuiteConfig
    rule: GateRule
    base: str
    tuned: str
    scorer: str
    row: Comparison | None


def gate(record: RunRecord, rule: GateRule | None = None) -> GateVerdict:
    """PASS, FAIL or INCONCLUSIVE; whatever cannot be read is never a PASS.

    Args:
        record: a run, fresh or read from its folder; only its comparisons are looked at.
        rule: instead of each suite's own rule.
    """
    cases = _cases(record, rule)
    modes = list(dict.fromkeys(case.rule.mode for case in cases))
    results: dict[int, GateResult] = {}
    # Suites of one tuned model are one declared family: any of them can fail it.
    for tuned in dict.fromkeys(case.tuned for case in cases):
        for mode in modes:
            mine = [
                i for i, case in enumerate(cases) if (case.tuned, case.rule.mode) == (tuned, mode)
            ]
            decided = RULES[mode]([cases[i] for i in mine])
            results |= dict(zip(mine, decided, strict=True))
    ordered = tuple(results[i] for i in range(len(cases)))
    verdict = worst([result.verdict for result in ordered])
    return GateVerdict(
        verdict=verdict,
        mode=" and ".join(modes) if modes else "none",
        reason=_reason(verdict, ordered),
        results=ordered,
    )


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The gravest verdict; nothing to judge is INCONCLUSIVE."""
    return min(verdicts, key=SEVERITY.index, default="INCONCLUSIVE")


def _cases(record: RunRecord, rule: GateRule | None) -> list[Case]:
    """Every suite with every tuned model, compared or not."""
    info = record.info
    rows = {
        (row.suite, row.tuned, row.scorer): row
        for row in record.comparisons
        if row.split == "test" and not row.slice
    }
    found = []
    for model in info.models:
        for suite in info.suites if model.role == "tuned" else ():
            scorers = info.scorers.get(suite.name, ())
            scorer = scorers[0].name if scorers else ""
            row = rows.get((suite.name, model.name, scorer))
            base = model.tuned_from or ""
            found.append(Case(suite, rule or suite.gate, base, model.name, scorer, row))
    return found


def _significant_regression(cases: Sequence[Case]) -> list[GateResult]:
    """FAIL where a loss is certain: one-sided p <= alpha, Holm-adjusted over the suites."""
    obstacles = [_obstacle(case) for case in cases]
    p_values = {
        i: case.row.p_regression
        for i, case in enumerate(cases)
        if not obstacles[i] and case.row is not None and case.row.p_regression is not None
    }
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    return [
        _result(case, "INCONCLUSIVE", obstacles[i], None)
        if i not in adjusted
        else _judged(case, adjusted[i])
        for i, case in enumerate(cases)
    ]


RULES: Mapping[str, Callable[[Sequence[Case]], list[GateResult]]] = {
    "significant-regression": _significant_regression,
}
"""Mode of a `GateRule` -> what decides all suites of one tuned model."""


def _obstacle(case: Case) -> str:
    """Why there can be no verdict on a suite; empty if there can."""
    row = case.row
    if row is None or row.delta is None:
        return f"{case.tuned} and {case.base} have no answers in common on the test split"
    if row.p_regression is None:
        return f"{case.scorer} is a description: neither direction of it is worse"
    if row.n < FEWEST_UNITS:
        return f"{plural(row.n, 'pair')} compared; a decision needs at least {FEWEST_UNITS}"
    if row.missing > MOST_MISSING * (row.n + row.missing):
        return f"{share(row.missing, row.n + row.missing)} pairs are missing; at most 5 % may be"
    return ""


def _judged(case: Case, p: float) -> GateResult:
    verdict: Verdict = "FAIL" if p <= case.rule.alpha else "PASS"
    finding = "a significant loss" if verdict == "FAIL" else "no significant loss"
    return _result(case, verdict, f"{finding} (adjusted one-sided {p_value(p)})", p)


def _result(case: Case, verdict: Verdict, finding: str, p: float | None) -> GateResult:
    row = case.row
    measured = ""
    if row is not None and row.delta is not None:
        measured = (
            f"{case.scorer} {points(row.delta)} points on {plural(row.n, 'pair')} "
            f"(95 % CI {between(row.low, row.high)}): "
        )
    return GateResult(
        suite=case.suite.name,
        base=case.base,
        tuned=case.tuned,
        scorer=case.scorer,
        verdict=verdict,
        delta=None if row is None else row.delta,
        p_regression=p,
        reason=f"{measured}{finding}.",
    )


def _reason(verdict: Verdict, results: Sequence[GateResult]) -> str:
    if not results:
        return "There is nothing to judge: no tuned model, or no suite."
    named = [f"{r.tuned} on {r.suite}" for r in results if r.verdict == verdict]
    if verdict == "PASS":
        return f"No significant loss against the base in {plural(len(results), 'comparison')}."
    if verdict == "FAIL":
        return f"Significantly worse than the base: {listed(named)}."
    return f"Not enough to judge by: {listed(named)}."
