"""Scorers: completions and references in, numbers out. No I/O, no models, no randomness.

Every score of a suite is a vectorised function of summed per-example statistics: `stats` turns
one example into a short row of numbers, `corpus` turns sums of such rows into a score. From this
follow, for every scorer at once, intervals, paired tests, slices and sharding.
"""

from __future__ import annotations

from evalkit.scorers.base import (
    MeanScorer,
    Scorer,
    SuiteContext,
    SuiteScorer,
    info,
    scorer,
)
from evalkit.scorers.classes import ClassReport, class_report, count_confusions
from evalkit.scorers.compute import OnFailure, leave_out, score_predictions
from evalkit.scorers.extract import make_extractor
from evalkit.scorers.judges import (
    JudgedScorer,
    Question,
    Replies,
    remark_on,
    replies_to,
    score_judged,
)
from evalkit.scorers.labels import find_labels
from evalkit.scorers.likelihood import LikelihoodScorer, score_likelihoods
from evalkit.scorers.load import known_scorers, make_scorers
from evalkit.scorers.templates import EmptyPlaceError

__all__ = [
    "ClassReport",
    "EmptyPlaceError",
    "JudgedScorer",
    "LikelihoodScorer",
    "MeanScorer",
    "OnFailure",
    "Question",
    "Replies",
    "Scorer",
    "SuiteContext",
    "SuiteScorer",
    "class_report",
    "count_confusions",
    "find_labels",
    "info",
    "known_scorers",
    "leave_out",
    "make_extractor",
    "make_scorers",
    "remark_on",
    "replies_to",
    "score_judged",
    "score_likelihoods",
    "score_predictions",
    "scorer",
]
