"""Comparable? What makes two sides of a comparison less comparable, by name, and how it is told.

One kind of list serves the arms of one run, the gate against an earlier run, and two runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from evalkit.schema import Answer, Difference, Failure, ModelSpec
from evalkit.stats.binary import mcnemar_midp
from evalkit.stats.samples import ALPHA
from evalkit.verdict.wording import counted, share

SAME_MODEL: Final = "same model"
"""What two arms are that never differ."""
SAME_ANSWERS: Final = "same answers"
"""What two arms have that never differ, but are two models by their log-probabilities."""
EXCHANGED: Final = "served models, exchanged"
"""What two arms have if a server says that each gave answers of the other."""
MIXED: Final = "served model, in part the same"
"""What two arms have if a server says that one model gave answers of both, and another some."""
NO_TEXT: Final = "no text in any answer"
"""What two arms have in common that both say nothing; it does not make them one model."""
IF_MEANT: Final = "if it is meant, run again with --allow-identical"
_SHOWN = 60
_REMEDIES: Final = {
    SAME_MODEL: "probably a wrong adapter name, an adapter that was not loaded, a server that "
    f"ignores the name, or the wrong file; {IF_MEANT}",
    NO_TEXT: "see how the answers ended; raise `generation.max_tokens` if they were cut off",
    "served model": "make sure that the server knows both names",
    "served model, which changed": "something was loaded or updated meanwhile; run again",
    EXCHANGED: "results were put to the wrong model; ask or import them again, with another "
    "--cache, because this one holds those answers",
    MIXED: "an adapter was unloaded, or a router sent prompts elsewhere; mend the server, and run "
    "again with another --cache, because this one holds those answers",
    "mode": "ask both in one mode, unless the mode is what is compared",
    "endpoint": "servers differ in templates, precision and limits; ask both at one, if you can",
    "extra_body": "send the same to both, unless that is what is compared",
    "decoding": "use parameters that both models take",
    "judge": "models prefer what reads like their own; let a third one judge (--judge)",
    "cut off by max_tokens": "raise `generation.max_tokens`, unless rambling is what is judged",
    "empty answers": "see how they ended; raise `generation.max_tokens` if they were cut off",
}

_CAUSES: Final = {"length": "cut off by max_tokens", "content_filter": "filtered by the server"}
"""Finish reason -> why an answer can be empty."""

Outcomes = Sequence[Answer | Failure]


def refusals(differences: Iterable[Difference]) -> list[Difference]:
    """Those across which a comparison would mean nothing."""
    return [difference for difference in differences if difference.severity == "refuse"]


def cautions(differences: Iterable[Difference]) -> list[Difference]:
    """Those that a verdict is to be read with; what is refused is its reason already."""
    return [difference for difference in differences if difference.severity == "flag"]


def told(difference: Difference) -> str:
    """`max_tokens: 64 → 256`, from base to tuned or from then to now; `served model: x (both)`."""
    first, second = (_cut(text) for text in (difference.base, difference.tuned))
    if difference.what == SAME_MODEL:
        return f"looks like the same model, with {first}"
    if difference.what == NO_TEXT:
        return f"nothing to compare: {first}"
    if difference.base == difference.tuned:
        return f"{difference.what}: {first} (both)"
    return f"{difference.what}: {first} → {second}"


def placed(difference: Difference) -> str:
    """The same with its suite or model before it, if it is not about all."""
    return f"{difference.where}: {told(difference)}" if difference.where else told(difference)


def remedy(difference: Difference) -> str:
    """What to do about it; empty where its name says it."""
    return _REMEDIES.get(difference.what, "")


def way_out(difference: Difference) -> str:
    """The remedy, of a model that looks like its base only how to mean it."""
    return IF_MEANT if difference.what == SAME_MODEL else remedy(difference)


def shown(value: object) -> str:
    """A field's value as a reader knows it: `none`, the text itself, a list of texts."""
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return ", ".join(repr(part) if isinstance(part, str) else str(part) for part in value)
    return str(value)


NO_EXTRA: Final = "nothing besides"
"""What the requests of a model without `extra_body` have in its place."""


def endpoint(model: ModelSpec) -> str:
    """Where a model is asked."""
    return model.base_url or f"{model.provider}: by its own address"


def endings(where: str, pairs: Iterable[tuple[Outcomes, Outcomes]]) -> Iterator[Difference]:
    """Answers cut off, or empty, significantly more often on one side (McNemar's mid-p).

    Args:
        where: what it is about.
        pairs: outcomes of both sides to the same prompts, split by split.
    """
    answered = [
        (base, tuned)
        for split in pairs
        for base, tuned in zip(*split, strict=True)
        if isinstance(base, Answer) and isinstance(tuned, Answer)
    ]
    for what, ended in _ENDINGS.items():
        found = [(ended(base), ended(tuned)) for base, tuned in answered]
        if mcnemar_midp(found.count((True, False)), found.count((False, True))) <= ALPHA:
            first, second = (share(sum(side), len(found)) for side in zip(*found, strict=True))
            yield Difference(what, where, first, second, "flag")


def emptiness(answers: Sequence[Answer]) -> str:
    """`all 32 answers are empty (32 cut off by max_tokens)`; empty where every answer has text."""
    empty = [answer for answer in answers if is_empty(answer)]
    if not empty:
        return ""
    every = len(empty) == len(answers) > 1
    count = f"all {len(empty)}" if every else share(len(empty), len(answers))
    causes = Counter(_CAUSES[a.finish_reason] for a in empty if a.finish_reason in _CAUSES)
    why = f" ({counted(dict(sorted(causes.items())))})" if causes else ""
    return f"{count} answers are empty{why}"


def is_empty(answer: Answer) -> bool:
    """Whether an answer has no text."""
    return not answer.text.strip()


_ENDINGS: Final[Mapping[str, Callable[[Answer], bool]]] = {
    "cut off by max_tokens": lambda answer: answer.finish_reason == "length",
    "empty answers": is_empty,
}


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
