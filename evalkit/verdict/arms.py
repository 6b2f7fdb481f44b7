"""What the arms of one run do not have in common, although they should.

Prompts, templates, stop texts and decoding are sent alike by construction. What can differ is how a
server took them, who answered, and whether two names are two models at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from evalkit.schema import Answer, Difference, ModelSpec, OverfitVerdict, SplitResult, Usage
from evalkit.verdict.compare import TEST
from evalkit.verdict.differences import (
    EXCHANGED,
    MIXED,
    NO_EXTRA,
    NO_TEXT,
    SAME_ANSWERS,
    SAME_MODEL,
    Outcomes,
    emptiness,
    endings,
    endpoint,
    is_empty,
    refusals,
)
from evalkit.verdict.wording import plural

FEWEST_EQUAL: Final = 8
"""Fewer equal answers than this prove nothing."""
APART: Final = "its log-probabilities tell it from"
"""How a note begins on a tuned model that nothing else tells from its base."""
REFUSED: Final = "the server refused"
"""How a note begins on a decoding parameter that a model does not take."""
_TOOK_ALL: Final = "the server took every parameter"

Pairs = Sequence[tuple[Outcomes, Outcomes]]
"""Outcomes of base and tuned to the same prompts, split by split."""


def arm_differences(
    models: Sequence[ModelSpec],
    splits: Sequence[SplitResult],
    *,
    usages: Sequence[Usage] = (),
    notes: Mapping[str, Sequence[str]] | None = None,
    allow_identical: bool = False,
) -> tuple[Difference, ...]:
    """The differences of every tuned model and its base; `where` is the tuned model's name.

    Args:
        models: the arms.
        splits: their answers.
        usages: what each consumed.
        notes: model -> what must be known about how it was asked.
        allow_identical: whether two arms may be one model.
    """
    used = {usage.model: usage for usage in usages}
    by_name = {model.name: model for model in models}
    found: list[Difference] = []
    for tuned in models:
        base = by_name.get(tuned.tuned_from or "")
        if base is None:
            continue
        shared = [s for s in splits if base.name in s.answers and tuned.name in s.answers]
        pairs = [(s.answers[base.name], s.answers[tuned.name]) for s in shared]
        asked = [(notes or {}).get(model.name, ()) for model in (base, tuned)]
        apart = any(note.startswith(APART) for note in asked[1])
        found += _identical(tuned.name, pairs, apart=apart, allowed=allow_identical)
        found += _addressed(base, tuned)
        if base.name in used and tuned.name in used:
            found += _served(base, tuned, used)
        found += _taken(tuned.name, *asked)
        found += endings(
            tuned.name, [p for s, p in zip(shared, pairs, strict=True) if s.split == TEST]
        )
    return tuple(found)


def nothing_compared(differences: Iterable[Difference], model: ModelSpec) -> tuple[str, str]:
    """In a word and in a sentence why a tuned model shows nothing beside its base; else empty.

    It looks like its base and nobody meant it to, or neither says anything.
    """
    for found in refusals(differences):
        if (found.what, found.where) == (SAME_MODEL, model.name):
            alike = f"{model.name} looks like the same model as {model.tuned_from}"
            return "same model", f"{alike}: {found.tuned}."
        if (found.what, found.where) == (NO_TEXT, model.name):
            return "no text", f"{model.name} and {model.tuned_from} said nothing: {found.tuned}."
    return "", ""


def without_alike(
    verdicts: Iterable[OverfitVerdict],
    models: Sequence[ModelSpec],
    differences: Sequence[Difference],
) -> tuple[OverfitVerdict, ...]:
    """The overfitting verdicts; of a model that was compared with nothing nothing can be told.

    It gains nothing on any row, and would be acquitted for that.
    """
    alike = {model.name: nothing_compared(differences, model)[1] for model in models}
    return tuple(
        replace(verdict, level="inconclusive", advice=f"Cannot tell: {alike[verdict.tuned]}")
        if alike.get(verdict.tuned)
        else verdict
        for verdict in verdicts
    )


def _identical(where: str, pairs: Pairs, *, apart: bool, allowed: bool) -> Iterator[Difference]:
    """One model under two names, as far as answers tell; two that say nothing tell nothing.

    Args:
        where: name of the tuned model.
        pairs: the answers of both.
        apart: whether log-probabilities have told that they are two.
        allowed: whether they may be one.
    """
    answered = [
        (base, tuned)
        for split in pairs
        for base, tuned in zip(*split, strict=True)
        if isinstance(base, Answer) and isinstance(tuned, Answer)
    ]
    told = [pair for pair in answered if not all(map(is_empty, pair))]
    if told and all(base.text == tuned.text for base, tuned in told):
        said = f"equal answers to {'all ' * (len(told) > 1)}{plural(len(told), 'prompt')}"
        proved = len(told) >= FEWEST_EQUAL and not allowed
        what = SAME_ANSWERS if apart else SAME_MODEL
        yield Difference(what, where, said, said, "refuse" if proved and not apart else "flag")
    if answered and not told:
        said = emptiness([answer for pair in answered for answer in pair])
        proved = len(answered) >= FEWEST_EQUAL
        yield Difference(NO_TEXT, where, said, said, "refuse" if proved else "flag")


def _addressed(base: ModelSpec, tuned: ModelSpec) -> Iterator[Difference]:
    """Other modes and other servers; a mode that the provider chose is not known here."""
    if base.mode and tuned.mode and base.mode != tuned.mode:
        yield Difference("mode", tuned.name, base.mode, tuned.mode, "flag")
    if endpoint(base) != endpoint(tuned):
        yield Difference("endpoint", tuned.name, endpoint(base), endpoint(tuned), "flag")
    if base.extra_body != tuned.extra_body:
        first, second = (model.extra_body or NO_EXTRA for model in (base, tuned))
        yield Difference("extra_body", tuned.name, first, second, "flag")


def _served(base: ModelSpec, tuned: ModelSpec, used: Mapping[str, Usage]) -> Iterator[Difference]:
    """One served model behind both names or some answers of both, or several behind one."""
    names = [used[model.name].served_models for model in (base, tuned)]
    first, second = (" and ".join(served) for served in names)
    if base.model != tuned.model and tuned.model in names[0] and base.model in names[1]:
        yield Difference(EXCHANGED, tuned.name, first, second, "refuse")
    elif set(names[0]) & set(names[1]) and len({*names[0], *names[1]}) > 1:
        yield Difference(MIXED, tuned.name, first, second, "refuse")
    elif max(map(len, names)) > 1:
        yield Difference("served model, which changed", tuned.name, first, second, "flag")
    elif first and first == second:
        yield Difference("served model", tuned.name, first, second, "flag")


def _taken(where: str, base: Sequence[str], tuned: Sequence[str]) -> Iterator[Difference]:
    """Decoding parameters that only one of the two models takes."""
    sides = [sorted(note for note in notes if note.startswith(REFUSED)) for notes in (base, tuned)]
    if sides[0] != sides[1]:
        first, second = ("; ".join(side) or _TOOK_ALL for side in sides)
        yield Difference("decoding", where, first, second, "flag")
