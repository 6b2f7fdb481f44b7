"""Look-ups in a run record that more than one section needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evalkit.schema import Comparison, ModelSpec, RunInfo, RunRecord, Score, ScorerInfo

TEST = "test"


@dataclass(frozen=True, slots=True)
class Arm:
    """A model as the report draws it.

    Attributes:
        name: the model's name.
        role: `base` or `tuned`.
        hue: number of its colour and marker; 0 for a base.
    """

    name: str
    role: str
    hue: int


HUES = 6
"""How many colours there are for tuned models before they repeat."""


def arms(info: RunInfo) -> tuple[Arm, ...]:
    """The models in the order of the run, each with its colour."""
    tuned = [model.name for model in info.models if model.role == "tuned"]
    return tuple(
        Arm(
            model.name,
            model.role,
            tuned.index(model.name) % HUES + 1 if model.name in tuned else 0,
        )
        for model in info.models
    )


def base_of(info: RunInfo, model: ModelSpec) -> str:
    """Name of the model that a tuned one is compared with."""
    if model.tuned_from:
        return model.tuned_from
    return next(other.name for other in info.models if other.role == "base")


def tuned_pairs(info: RunInfo) -> tuple[tuple[str, str], ...]:
    """(base, tuned) for every tuned model, in the order of the run."""
    return tuple((base_of(info, m), m.name) for m in info.models if m.role == "tuned")


def primary(info: RunInfo, suite: str) -> ScorerInfo | None:
    """The scorer a suite is judged by."""
    scorers = info.scorers.get(suite, ())
    return scorers[0] if scorers else None


ScoreKey = tuple[str, str, str, str]


def whole_scores(record: RunRecord) -> Mapping[ScoreKey, Score]:
    """(suite, split, model, scorer) -> the score of the whole split."""
    return {(s.suite, s.split, s.model, s.scorer): s for s in record.scores if not s.slice}


def whole_deltas(record: RunRecord) -> Mapping[ScoreKey, Comparison]:
    """(suite, split, tuned, scorer) -> the comparison with its base on the whole split."""
    return {(c.suite, c.split, c.tuned, c.scorer): c for c in record.comparisons if not c.slice}


def ordered(values: Iterable[str], first: Sequence[str] = ()) -> tuple[str, ...]:
    """Each value once: those of `first` in that order, then the others as they come."""
    present = dict.fromkeys(values)
    head = [value for value in first if value in present]
    return tuple(dict.fromkeys([*head, *present]))


def splits_of(record: RunRecord, suite: str) -> tuple[str, ...]:
    """The splits of a suite that were asked, `test` first."""
    return ordered((s.split for s in record.splits if s.suite == suite), (TEST,))
