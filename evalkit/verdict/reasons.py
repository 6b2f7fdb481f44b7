"""Why the gate says what it says, in sentences with figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalkit.schema import Decided, GateResult, Level
from evalkit.verdict.claims import Claim
from evalkit.verdict.wording import between, listed, p_value, plural, points

NOTHING = "There is nothing to judge: no tuned model, or no suite."


@dataclass(frozen=True, slots=True)
class Change:
    """The equal-weight mean change of some suites.

    Attributes:
        gain: the mean; a loss is negative.
        p: one-sided p-value of "a loss by the margin or more".
        suites: how many.
    """

    gain: float
    p: float
    suites: int


def finding(
    claim: Claim,
    p: float | None,
    needed: int | None,
    *,
    turned: Decided | None,
    blocked: Level | None,
) -> str:
    """One sentence on one claim.

    Args:
        claim: what was judged.
        p: adjusted p-value of a regression; None if there is an obstacle.
        needed: pairs that would settle it.
        turned: the verdict that the missing answers could change.
        blocked: the level of overfitting that fails it.
    """
    said = claim.obstacle
    if p is not None and turned is not None:
        said = f"{plural(claim.missing, 'missing answer')} could change the {turned}"
    elif p is not None:
        said = _tested(claim, p, needed)
    said += f"; {claim.doubt}" if claim.doubt and p is not None else ""
    overfit = "" if blocked is None else f"{blocked} overfitting; "
    return _ended(f"{overfit}{_measured(claim)}{said}")


def _ended(sentence: str) -> str:
    """With a full stop, unless it ends in a question of its own."""
    return sentence if sentence.endswith("?") else f"{sentence}."


def _measured(claim: Claim) -> str:
    """`exact_match +7.0 points on 200 pairs (90 % CI +3.0..+11.4): `."""
    where = f" where {claim.slice}" if claim.slice else ""
    if claim.delta is None:
        return f"{claim.scorer}{where}: " if claim.slice else ""
    interval = between(*((b.low, b.high) if (b := claim.bounds) else (None, None)))
    return (
        f"{claim.scorer} {points(claim.delta)} points on {plural(claim.n, 'pair')}{where} "
        f"({100 * claim.confidence:g} % CI {interval}): "
    )


def _tested(claim: Claim, p: float, needed: int | None) -> str:
    """What the two tests show, and what would settle what they don't."""
    seen = claim.seen
    if seen is None:
        return claim.obstacle
    lost, kept = f"adjusted one-sided {p_value(p)}", f"one-sided {p_value(seen.p.noninferior)}"
    limit = f"a loss of {100 * claim.margin:g} points" if claim.margin else "any loss"
    certain, ruled_out = p <= claim.rule.alpha, seen.p.noninferior <= claim.rule.alpha
    if claim.rule.mode == "significant-regression":
        return f"{'a' if certain else 'no'} significant loss ({lost})"
    if ruled_out:
        real = f"; a real loss, but inside the margin ({lost})" if certain else ""
        return f"{limit} is ruled out ({kept}){real}"
    if claim.rule.mode == "non-inferiority":
        return f"{limit} is not ruled out ({kept})"
    if certain:
        return f"a significant loss ({lost})"
    settle = "" if needed is None else f"; about {needed:,} pairs would settle it"
    return f"no significant loss ({lost}), but {limit} is not ruled out ({kept}){settle}"


def reason_of(
    verdict: Decided,
    claims: Sequence[Claim],
    results: Sequence[GateResult],
    changes: Sequence[Change],
    *,
    turned: bool,
) -> str:
    """One sentence on one tuned model against what it is compared with.

    Args:
        verdict: of that model.
        claims: what was judged, of one tuned model, base and mode.
        results: the verdict on each claim.
        changes: mean changes, general suites last.
        turned: whether missing answers could change the verdict.
    """
    tuned, base, mode = claims[0].tuned, claims[0].base, claims[0].rule.mode
    named = _places([result for result in results if result.verdict == verdict])
    if verdict == "FAIL":
        return f"{tuned} against {base}: {_failing(claims, results)}."
    if verdict == "PASS":
        suites = plural(len({claim.suite.name for claim in claims}), "suite")
        if mode == "significant-regression":
            return f"{tuned} against {base}: no significant loss on {suites}."
        return f"{tuned} against {base}: no loss beyond the margin on {suites}{_means(changes)}."
    stopped = [r for r, claim in zip(results, claims, strict=True) if claim.blocks]
    if stopped:
        why = list(dict.fromkeys(claim.obstacle for claim in claims if claim.blocks))
        told = f": {why[0]}" if len(why) == 1 else ""
        return _ended(f"{tuned} against {base}: {_places(stopped)} cannot be judged{told}")
    if turned:
        missing = plural(sum(claim.missing for claim in claims), "missing answer")
        return f"{tuned} against {base}: {missing} could change the verdict."
    return f"{tuned} against {base}: undecided on {named}{_means(changes)}{_more(results)}."


def _failing(claims: Sequence[Claim], results: Sequence[GateResult]) -> str:
    """`significantly worse on a and b; overfitted on b`."""
    overfitted = [result for result in results if result.overfit is not None]
    lost = [r for claim, r in zip(claims, results, strict=True) if _fails(claim, r)]
    by_margin = claims[0].rule.mode == "non-inferiority"
    word = "may lose more than the margin" if by_margin else "significantly worse"
    parts = [f"{word} on {_places(lost)}"] if lost else []
    if overfitted:
        parts.append(f"overfitted on {_places(overfitted)}")
    return "; ".join(parts)


def _fails(claim: Claim, result: GateResult) -> bool:
    """Whether the tests fail a claim, overfitting apart."""
    p, kept = result.p_regression, result.p_noninferior
    if result.verdict != "FAIL" or p is None or kept is None:
        return False
    certain, ruled_out = p <= claim.rule.alpha, kept <= claim.rule.alpha
    if claim.rule.mode == "significant-regression":
        return certain
    return not ruled_out and (certain or claim.rule.mode == "non-inferiority")


def _means(changes: Sequence[Change]) -> str:
    """`; mean change +1.2 points (one-sided p = 0.012 of a loss beyond the margin)`."""
    told = [
        f"{points(change.gain)} points over {plural(change.suites, 'suite')} "
        f"(one-sided {p_value(change.p)} of a loss beyond the margin)"
        for change in changes
        if change.suites > 1
    ]
    return f"; mean change {', '.join(told)}" if told else ""


def _more(results: Sequence[GateResult]) -> str:
    """How many more pairs an undecided verdict lacks, where it lacks most."""
    lacking = [(r.needed - r.n, r) for r in results if r.needed is not None and r.needed > r.n]
    if not lacking:
        return ""
    most, where = max(lacking, key=lambda pair: pair[0])
    return f"; about {most:,} more pairs would settle {_places([where])}"


def _places(results: Sequence[GateResult]) -> str:
    places = [f"{r.suite} ({r.slice})" if r.slice else r.suite for r in results]
    return listed(list(dict.fromkeys(places)))
