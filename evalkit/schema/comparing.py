"""Two sides of a comparison: what they don't have in common, and what changed between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.schema.scores import Comparison, Score

Severity = Literal["refuse", "flag"]
FlipKind = Literal["fixed", "broke"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing, by name, that makes two sides of a comparison less comparable.

    Sides are the arms of one run, or an earlier and a later run.

    Attributes:
        what: `system prompt`, `max_tokens`, `served model`, `test data`, ...
        where: name of the suite or of the tuned model it is about; empty if about all.
        base: what the base, or the earlier run, has; equal to `tuned` if having the same is what
            is wrong.
        tuned: what the tuned model, or the later run, has.
        severity: `refuse` if a comparison would mean nothing, `flag` if it is to be read with care.
    """

    what: str
    where: str
    base: str
    tuned: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Flip:
    """An example that one side of a comparison gets right and the other does not.

    Attributes:
        model: the tuned model, or the model of the later run.
        kind: `fixed` if only the tuned model, or the later run, is right, else `broke`.
        before: primary score of the base, or of the earlier run.
        after: primary score of the tuned model, or of the later run.
        prompt: the row's own prompt.
    """

    suite: str
    model: str
    id: str
    kind: FlipKind
    before: float
    after: float
    prompt: str


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs side by side.

    Attributes:
        earlier: name of the earlier run's folder.
        later: name of the later run's folder.
        differences: what changed in the set-up; what is refused is left out of the rest.
        comparisons: later minus earlier on the test prompts of both; `base` is `RUN/MODEL`.
        scores: of either side on these prompts.
        flips: by the primary scorer of each suite.
    """

    earlier: str
    later: str
    differences: tuple[Difference, ...]
    comparisons: tuple[Comparison, ...]
    scores: tuple[Score, ...]
    flips: tuple[Flip, ...]
