"""What the gate may look at: one tuned model on one suite, by one scorer, on one slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from evalkit.errors import nearest
from evalkit.schema import (
    Comparison,
    GateRule,
    Looks,
    ModelSpec,
    RunRecord,
    ScorerInfo,
    SplitResult,
    SuiteConfig,
)
from evalkit.stats.binary import is_table, tango_interval
from evalkit.stats.decisions import (
    OneSided,
    binary_decision,
    estimate_decision,
    paired_decision,
)
from evalkit.stats.intervals import Interval, constant_p_below, estimate_interval
from evalkit.stats.paired import difference_interval, standard_error
from evalkit.stats.samples import FEWEST_UNITS, Clusters, FloatArray, mean
from evalkit.verdict.compare import TEST
from evalkit.verdict.differences import refusals, told, way_out
from evalkit.verdict.leaks import MOST_LEAKED, leaked_share
from evalkit.verdict.looks import level_of, valid_p
from evalkit.verdict.parts import Part, clusters_of, slices_of, subset, whole
from evalkit.verdict.scores import FEWEST_REFERENCES
from evalkit.verdict.wording import plural, share

MOST_MISSING: Final = 0.05
"""Above this share of missing pairs there is no verdict."""
_RARE_CLASS: Final = f"unreliable, since a class has fewer than {FEWEST_REFERENCES} references"


@dataclass(frozen=True, slots=True)
class Measure:
    """A change, turned so that more is better, and what its two one-sided tests say.

    Attributes:
        gain: tuned - base, or base - tuned where less is better.
        se: its standard error, above 0.
        spread: mean square of the paired differences, for planning.
        p: the one-sided p-values.
    """

    gain: float
    se: float
    spread: float
    p: OneSided


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that the gate judges.

    Attributes:
        suite: the suite.
        rule: by which it is judged.
        base: name of the base.
        tuned: name of the tuned model.
        scorer: name of the scorer.
        slice: `field=value`, or empty for the whole test split.
        delta: tuned - base; None if nothing could be compared.
        bounds: the interval that is the picture of both tests; None if it is not known.
        n: pairs compared.
        missing: pairs without an answer on either side.
        seen: the change on the pairs that both answered; None if there is an obstacle.
        filled: the same if every missing answer of the tuned model scored worst, and every missing
            answer of the base best.
        obstacle: why there can be no verdict; empty if there can.
        doubt: why its interval covers less than it says; empty if it does not.
        looks: when the run looked, if it did before all was asked; p-values and bounds are
            repeated ones then.
    """

    suite: SuiteConfig
    rule: GateRule
    base: str
    tuned: str
    scorer: str
    slice: str = ""
    delta: float | None = None
    bounds: Interval | None = None
    n: int = 0
    missing: int = 0
    seen: Measure | None = None
    filled: Measure | None = None
    obstacle: str = ""
    doubt: str = ""
    looks: Looks | None = None

    @property
    def margin(self) -> float:
        """The largest acceptable loss on this suite."""
        return margin_of(self.suite, self.rule)

    @property
    def confidence(self) -> float:
        """Of `bounds`: two one-sided tests at alpha are an interval at 1 - 2 alpha."""
        return 1.0 - 2.0 * self.rule.alpha

    @property
    def blocks(self) -> bool:
        """Whether it cannot be judged and keeps the others from passing for that.

        A slice is there to fail the model, not to pass it: one that is too small is as good as one
        that is undecided. One that does not exist, or has no answers, is a mistake.
        """
        rule, known = self.rule, self.delta is not None
        undecided = self.slice and known and rule.mode == "three-way" and not rule.strict
        return self.seen is None and not undecided


def margin_of(suite: SuiteConfig, rule: GateRule) -> float:
    """The margin of a suite: general suites may have one of their own."""
    own = rule.forgetting_margin if suite.general else None
    return rule.margin if own is None else own


def gather_claims(record: RunRecord, rule: GateRule | None = None) -> list[Claim]:
    """Everything that the rules want judged, readable or not, in the order of models and suites.

    Args:
        record: a run, fresh or read from its folder. Means are judged from the per-example values
            of its test splits, other scores from its comparisons.
        rule: instead of each suite's own rule.
    """
    source = _Source(
        record,
        {split.suite: split for split in record.splits if split.split == TEST},
        {
            (row.suite, row.tuned, row.scorer, row.slice): row
            for row in record.comparisons
            if row.split == TEST
        },
    )
    return [
        claim
        for model in record.info.models
        if model.role == "tuned"
        for suite in record.info.suites
        for claim in _claims(source, model, suite, rule or suite.gate)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """A record, with its test splits and comparisons by name."""

    record: RunRecord
    splits: Mapping[str, SplitResult]
    rows: Mapping[tuple[str, str, str, str], Comparison]


def _claims(
    source: _Source, model: ModelSpec, suite: SuiteConfig, rule: GateRule
) -> Iterator[Claim]:
    """The claims of one model on one suite: gated scorers x (the whole, gated slices)."""
    computed = {scorer.name: scorer for scorer in source.record.info.scorers.get(suite.name, ())}
    split = source.splits.get(suite.name)
    leaked = leaked_share(source.record, suite.name, model.name)
    refused = [d for d in refusals(source.record.info.differences) if d.where == model.name]
    for name in rule.scorers or tuple(computed)[:1] or ("",):
        claim = Claim(
            suite, rule, model.tuned_from or "", model.name, name, looks=source.record.info.looks
        )
        if name not in computed:
            hint = nearest(name, computed)
            yield _stopped(claim, f"{name!r} is not among the run's scorers; {hint}")
        elif refused:
            yield _stopped(claim, f"{told(refused[0])}; {way_out(refused[0])}")
        elif leaked[0] > MOST_LEAKED * leaked[1]:
            yield _stopped(claim, f"{share(*leaked)} test prompts are in its training data")
        elif split is None:
            yield _stopped(claim, "the run has no test split of this suite")
        else:
            for part in _parts(split, rule.slices):
                yield _measured(source, split, computed[name], claim, part)


def _parts(split: SplitResult, wanted: Sequence[str]) -> Iterator[Part]:
    """The whole split and its gated slices; an empty part for a slice that is nowhere."""
    yield whole(split.examples)
    for name in wanted:
        found = slices_of(split.examples, [name.partition("=")[0]])
        chosen = [part for part in found if "=" not in name or part.label == name]
        yield from chosen or [Part(name, np.array([], np.intp))]


def _measured(
    source: _Source, split: SplitResult, scorer: ScorerInfo, claim: Claim, part: Part
) -> Claim:
    claim = replace(claim, slice=part.label)
    arms = [(model, scorer.name) for model in (claim.tuned, claim.base)]
    if not part.members.size:
        return _stopped(claim, f"no test row is in the slice {part.label!r}, or it has no slices")
    if scorer.better == 0:
        return _stopped(claim, f"{scorer.name} is a description: neither direction of it is worse")
    if scorer.unit != "score":
        return _stopped(claim, f"{scorer.name} counts {scorer.unit}; a margin is in score points")
    if scorer.kind == "corpus":
        row = source.rows.get((split.suite, claim.tuned, scorer.name, part.label))
        return _repeated(_from_row(claim, scorer, row))
    if not all(arm in split.values for arm in arms):
        return _nothing(claim)
    new, ref = (split.values[arm][part.members] for arm in arms)
    clusters = subset(clusters_of(split.examples), part.members)
    return _repeated(_from_values(claim, scorer, new, ref, clusters))


def _repeated(claim: Claim) -> Claim:
    """The claim with p-values that hold although the run could have stopped at any look."""
    return replace(claim, seen=_valid(claim.seen, claim), filled=_valid(claim.filled, claim))


def _valid(measure: Measure | None, claim: Claim) -> Measure | None:
    if measure is None:
        return None
    p = OneSided(
        worse=valid_p(measure.p.worse, claim.looks),
        noninferior=valid_p(measure.p.noninferior, claim.looks),
    )
    return replace(measure, p=p)


def _from_values(
    claim: Claim, scorer: ScorerInfo, new: FloatArray, ref: FloatArray, clusters: Clusters
) -> Claim:
    """Judge a mean by its per-example values (n,); NaN is missing."""
    worst = (0.0, 1.0) if scorer.better > 0 else (1.0, 0.0)
    missing = np.isnan(new) | np.isnan(ref)
    answered = np.flatnonzero(~missing)
    if not answered.size:
        return _nothing(claim)
    kept = subset(clusters, answered)
    seen = scorer.better * (new - ref)[answered]
    filled = scorer.better * (
        np.where(np.isnan(new), worst[0], new) - np.where(np.isnan(ref), worst[1], ref)
    )
    binary, level = scorer.binary and is_table(seen), level_of(claim.looks, claim.confidence)
    bounds = (
        tango_interval(int((seen > 0).sum()), int((seen < 0).sum()), seen.size, level)
        if binary and kept is None
        else difference_interval(seen, kept, level)
    )
    if scorer.better < 0:
        bounds = Interval(-bounds.high, -bounds.low)
    claim = replace(
        claim,
        delta=scorer.better * float(seen.mean()),
        bounds=bounds,
        n=answered.size,
        missing=int(missing.sum()),
    )
    units = seen.size if kept is None else int(kept.max()) + 1
    floor = worst[0]
    blind = bool((new[answered] == floor).all() and (ref[answered] == floor).all())
    obstacle = _blind(claim, floor) if blind else _obstacle(claim, units)
    if obstacle:
        return _stopped(claim, obstacle)
    return replace(
        claim,
        seen=_mean_measure(seen, kept, claim.margin, binary=binary),
        filled=_mean_measure(filled, clusters, claim.margin, binary=binary and is_table(filled)),
    )


def _mean_measure(d: FloatArray, clusters: Clusters, margin: float, *, binary: bool) -> Measure:
    """Tango for 0/1 values, t for fractional or clustered ones."""
    if binary and clusters is None:
        p = binary_decision(int((d > 0).sum()), int((d < 0).sum()), d.size, margin)
    else:
        p = paired_decision(d, margin, clusters)
    return Measure(float(d.mean()), standard_error(d, clusters), _spread(d, clusters), p)


def _spread(d: FloatArray, clusters: Clusters) -> float:
    """Mean square of the differences, times the design effect of clusters."""
    square = float((d * d).mean())
    alone = mean(d).se
    return square * (mean(d, clusters).se / alone) ** 2 if alone > 0 else square


def _from_row(claim: Claim, scorer: ScorerInfo, row: Comparison | None) -> Claim:
    """Judge a score of summed statistics by its delta and standard error."""
    if row is None and claim.slice:
        return _stopped(
            claim, f"{scorer.name} was not compared on it; list its field under `slices:` and "
            "make it the primary scorer"
        )  # fmt: skip
    if row is None or row.delta is None or row.se is None:
        return _nothing(claim)
    level = level_of(claim.looks, claim.confidence)
    claim = replace(
        claim,
        delta=row.delta,
        bounds=estimate_interval(row.delta, row.se, row.units, level),
        n=row.n,
        missing=row.missing,
        doubt=_RARE_CLASS if "unreliable" in row.note else "",
    )
    obstacle = _obstacle(claim, row.units)
    if obstacle:
        return _stopped(claim, obstacle)
    gain, rows = scorer.better * row.delta, row.n + row.missing
    # Without the statistics of what was never said, a missing pair counts as in a mean: its whole
    # range is lost.
    worst = (gain * row.n - row.missing) / rows
    return replace(
        claim,
        seen=_row_measure(gain, row, claim.margin),
        filled=_row_measure(worst, row, claim.margin),
    )


def _row_measure(gain: float, row: Comparison, margin: float) -> Measure:
    if row.se:
        p = estimate_decision(gain, row.se, row.units, margin)
        return Measure(gain, row.se, row.se**2 * row.n, p)
    p = OneSided(
        worse=constant_p_below(gain, row.units),
        noninferior=1.0 - constant_p_below(gain + margin, row.units),
    )
    se = standard_error(np.zeros(row.units))
    return Measure(gain, se, se**2 * row.n, p)


def _obstacle(claim: Claim, units: int) -> str:
    """Why so few or so incomplete pairs allow no verdict; empty if they do."""
    if units < FEWEST_UNITS:
        noun = "pair" if units == claim.n else "independent unit"
        return f"{plural(units, noun)} compared; a decision needs at least {FEWEST_UNITS}"
    rows = claim.n + claim.missing
    if claim.missing > MOST_MISSING * rows:
        return f"{share(claim.missing, rows)} pairs are missing; at most 5 % may be"
    return ""


def _blind(claim: Claim, floor: float) -> str:
    """Why nothing is ruled out where the base has nothing to lose (ICH E10: assay sensitivity)."""
    return (
        f"both score {floor:g} on every pair, so no loss could have shown; check the scorer, "
        f"`extract` and some answers, or leave {claim.suite.name} out"
    )


def _nothing(claim: Claim) -> Claim:
    reason = f"{claim.tuned} and {claim.base} have no answers in common on the test split"
    return _stopped(claim, reason)


def _stopped(claim: Claim, obstacle: str) -> Claim:
    return replace(claim, obstacle=obstacle)
