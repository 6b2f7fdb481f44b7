"""Comparable? What makes two sides of a comparison less comparable, by name, and how it is told.

One kind of list serves the arms of one run, the gate against an earlier run, and two runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from evalkit.schema import Answer, Difference, Failure, ModelSpec
from evalkit.stats.binary import mcnemar_midp
from evalkit.stats.samples import ALPHA
from evalkit.verdict.wording import share

SAME_MODEL: Final = "same model"
"""What two arms are that never differ."""
IF_MEANT: Final = "if it is meant, run again with --allow-identical"
_SHOWN = 60
_REMEDIES: Final = {
    SAME_MODEL: "probably a wrong adapter name, an adapter that was not loaded, a server that "
    f"ignores the name, or the wrong file; {IF_MEANT}",
    "served model": "make sure that the server knows both names",
    "served model, which changed": "something was loaded or updated meanwhile; run again",
    "mode": "ask both in one mode, unless the mode is what is compared",
    "endpoint": "servers differ in templates, precision and limits; ask both at one, if you can",
    "decoding": "use parameters that both models take",
    "judge": "models prefer what reads like their own; let a third one judge (--judge)",
    "cut off by max_tokens": "raise `generation.max_tokens`, unless rambling is what is judged",
}

Outcomes = Sequence[Answer | Failure]


def refusals(differences: Iterable[Difference]) -> list[Difference]:
    """Those across which a comparison would mean nothing."""
    return [difference for difference in differences if difference.severity == "refuse"]


def told(difference: Difference) -> str:
    """`max_tokens: 64 → 256`, from base to tuned or from then to now; `served model: x (both)`."""
    first, second = (_cut(text) for text in (difference.base, difference.tuned))
    if difference.what == SAME_MODEL:
        return f"looks like the same model, with {first}"
    if difference.base == difference.tuned:
        return f"{difference.what}: {first} (both)"
    return f"{difference.what}: {first} → {second}"


def placed(difference: Difference) -> str:
    """The same with its suite or model before it, if it is not about all."""
    return f"{difference.where}: {told(difference)}" if difference.where else told(difference)


def remedy(difference: Difference) -> str:
    """What to do about it; empty where its name says it."""
    return _REMEDIES.get(difference.what, "")


def shown(value: object) -> str:
    """A field's value as a reader knows it: `none`, the text itself, a list of texts."""
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return ", ".join(repr(part) if isinstance(part, str) else str(part) for part in value)
    return str(value)


def endpoint(model: ModelSpec) -> str:
    """Where a model is asked."""
    return model.base_url or f"{model.provider}: by its own address"


def truncated(where: str, pairs: Iterable[tuple[Outcomes, Outcomes]]) -> Iterator[Difference]:
    """Answers cut off by max_tokens significantly more often on one side (McNemar's mid-p).

    Args:
        where: what it is about.
        pairs: outcomes of both sides to the same prompts, split by split.
    """
    cut = [
        (base.finish_reason == "length", tuned.finish_reason == "length")
        for split in pairs
        for base, tuned in zip(*split, strict=True)
        if isinstance(base, Answer) and isinstance(tuned, Answer)
    ]
    if mcnemar_midp(cut.count((True, False)), cut.count((False, True))) <= ALPHA:
        first, second = (share(sum(side), len(cut)) for side in zip(*cut, strict=True))
        yield Difference("cut off by max_tokens", where, first, second, "flag")


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
