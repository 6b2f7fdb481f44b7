"""Worked examples and plans, computed by the functions that evalkit computes with."""

from __future__ import annotations

import math

from evalkit.stats import planning
from evalkit.stats.binary import mcnemar_midp, tango_interval
from evalkit.stats.decisions import binary_decision, three_way
from evalkit.stats.families import benjamini_hochberg, holm
from evalkit.stats.intervals import score_interval
from evalkit.stats.samples import DECISION, floats
from evalkit.verdict.wording import between, p_value, points
from tests.calibration.markdown import markdown

MARGIN = 0.05
GATED = ((9, 8, 200), (4, 10, 200), (6, 20, 200), (4, 7, 60), (40, 70, 2000))
"""Pairs of one suite: only the tuned model right, only the base right, all."""
P_VALUES = (0.001, 0.01, 0.03, 0.04, 0.2)


def scores() -> str:
    """Intervals of single scores."""
    rows = []
    for right, n in ((5, 10), (30, 30), (81, 100), (405, 500)):
        bounds = score_interval(floats([1] * right + [0] * (n - right)))
        ends = f"{100 * bounds.low:.1f} to {100 * bounds.high:.1f}"
        rows.append([f"{right} of {n}", f"{100 * right / n:.1f}", ends])
    return markdown(["right", "score", "95 % interval"], rows)


def gated() -> str:
    """The three-way rule on counts of pairs."""
    rows = []
    for wins, losses, n in GATED:
        p = binary_decision(wins, losses, n, MARGIN)
        bounds = tango_interval(wins, losses, n)
        inner = tango_interval(wins, losses, n, DECISION)
        rows.append(
            [
                f"{n:,}",
                str(wins),
                str(losses),
                points((wins - losses) / n),
                between(bounds.low, bounds.high),
                between(inner.low, inner.high),
                p_value(mcnemar_midp(wins, losses)),
                p_value(p.worse),
                p_value(p.noninferior),
                three_way(p),
            ]
        )
    head = ["pairs", "only tuned right", "only base right", "change", "95 % interval"]
    head += ["90 % interval", "two-sided", "worse", "loss within margin", "verdict"]
    return markdown(head, rows)


def families() -> str:
    """Five p-values, adjusted in either way."""
    rows = [
        [name, *(f"{p:.3f}" for p in adjusted)]
        for name, adjusted in (
            ("p", P_VALUES),
            ("Holm", holm(P_VALUES)),
            ("Benjamini-Hochberg", benjamini_hochberg(P_VALUES)),
        )
    ]
    return markdown(["", "1", "2", "3", "4", "5"], rows)


def plans() -> str:
    """What n prompts can show, in points."""
    rows = [
        [
            f"{n:,}",
            *(_smallest(planning.detectable_binary(n, share)) for share in (0.05, 0.125, 0.3)),
            _smallest(planning.detectable_mean(n, 0.3)),
            _smallest(planning.detectable_gap(n, 0.6)),
        ]
        for n in (50, 100, 200, 500, 1000, 2000)
    ]
    head = ["n", "5 % disagree", "12.5 % disagree", "30 % disagree", "F1-like, sd 0.3"]
    return markdown([*head, "overfitting gap, sd 0.6"], rows)


def needed() -> str:
    """How many prompts a decision needs."""
    shares, margins = (0.05, 0.1, 0.2, 0.3), (0.02, 0.05, 0.1)
    passing = [
        [
            f"rule out a loss of {100 * margin:.0f} points, if nothing changed",
            *(f"{math.ceil(planning.units_for_pass(share, margin)):,}" for share in shares),
        ]
        for margin in margins
    ]
    showing = [
        [
            f"show a difference of {100 * delta:.0f} points",
            *(
                f"{math.ceil(planning.units_for_binary(delta, share)):,}"
                if delta <= share
                else "never"
                for share in shares
            ),
        ]
        for delta in margins
    ]
    head = ["prompts needed to", *(f"{100 * share:.0f} % disagree" for share in shares)]
    return markdown(head, passing + showing)


def _smallest(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.1f}"
