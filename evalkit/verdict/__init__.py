"""Conclusions: scores with intervals, comparisons, overfitting, the gate, the five answers.

Everything here is a pure function from records to records.
"""

from evalkit.verdict.against import join_runs
from evalkit.verdict.arms import arm_differences, without_alike
from evalkit.verdict.chance import chance_scores
from evalkit.verdict.compare import adjust, compare_rows
from evalkit.verdict.differences import cautions, emptiness, placed, refusals, remedy, told
from evalkit.verdict.evidence import Evidence, gather, judge_of
from evalkit.verdict.flips import flips
from evalkit.verdict.gain import gain_splits
from evalkit.verdict.gate import gate, merge
from evalkit.verdict.headline import Finding, Headline, headline
from evalkit.verdict.judges import judge_differences
from evalkit.verdict.noise import noise_rows, within_noise
from evalkit.verdict.overfit import overfit, overfit_levels
from evalkit.verdict.parts import slice_warnings
from evalkit.verdict.scores import Stats, score_rows
from evalkit.verdict.settled import settled
from evalkit.verdict.signals import signal

__all__ = [
    "Evidence",
    "Finding",
    "Headline",
    "Stats",
    "adjust",
    "arm_differences",
    "cautions",
    "chance_scores",
    "compare_rows",
    "emptiness",
    "flips",
    "gain_splits",
    "gate",
    "gather",
    "headline",
    "join_runs",
    "judge_differences",
    "judge_of",
    "merge",
    "noise_rows",
    "overfit",
    "overfit_levels",
    "placed",
    "refusals",
    "remedy",
    "score_rows",
    "settled",
    "signal",
    "slice_warnings",
    "told",
    "within_noise",
    "without_alike",
]
