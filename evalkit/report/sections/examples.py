"""Examples side by side: what was asked, what was expected, what each model said."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from evalkit.report.sections.registry import Context, section
from evalkit.report.text import plural, visible
from evalkit.report.view import arms, base_of, ordered, primary, splits_of
from evalkit.schema import Answer, Example, Failure, RunInfo, RunRecord, SplitResult
from evalkit.verdict.flips import RIGHT

PER_SUITE = 400
"""Examples of a suite that the page carries at most."""

FIRST = 20
"""Examples that can be read without JavaScript."""

TEXT_LIMIT = 2_000
"""Characters of one prompt, reference or completion in the page."""

REFERENCES = 5
"""References of one example in the page."""

BUDGET = 2_000_000
"""Bytes of all examples in the page."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pick:
    """The examples of one suite that the page carries, in the order of interest."""

    suite: str
    rows: tuple[Mapping[str, object], ...]
    total: int


@section(100, "Examples")
def examples(record: RunRecord) -> Context | None:
    """The examples as data for the page's script, and the first of them as they stand."""
    asked = [config for config in record.info.suites if splits_of(record, config.name)]
    if not asked:
        return None
    share = BUDGET // len(asked)
    picks = [_pick(record, number, config.name, share) for number, config in enumerate(asked)]
    turns = itertools.zip_longest(*(pick.rows for pick in picks))
    rows = [row for turn in turns for row in turn if row is not None]
    models = arms(record.info)
    names = [arm.name for arm in models]
    bases = {model.name: base_of(record.info, model) for model in record.info.models}
    data = {
        "right": RIGHT,
        "arms": [
            {
                "name": visible(arm.name),
                "hue": arm.hue,
                "base": names.index(bases[arm.name]) if arm.role == "tuned" else None,
            }
            for arm in models
        ],
        "suites": [_suite(record.info, pick) for pick in picks],
        "examples": rows,
    }
    return {
        "data": script_json(data),
        "first": rows[:FIRST],
        "shown": len(rows),
        "total": sum(pick.total for pick in picks),
        "per_suite": PER_SUITE,
        "picks": picks,
        "names": [pick.suite for pick in picks],
        "splits": ordered((split.split for split in record.splits), ("test",)),
        "tuned": [(number, arm) for number, arm in enumerate(models) if arm.role == "tuned"],
    }


def script_json(data: object) -> Markup:
    """JSON that may stand in a script element: no text in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - no markup character is left in it


def _suite(info: RunInfo, pick: Pick) -> dict[str, object]:
    """What the script knows of a suite; the first scorer is the primary one."""
    scorers = info.scorers.get(pick.suite, ())
    return {
        "name": visible(pick.suite),
        "scorers": [visible(scorer.name) for scorer in scorers],
        "better": scorers[0].better if scorers else 1,
        "shown": len(pick.rows),
        "total": pick.total,
    }


def _pick(record: RunRecord, number: int, suite: str, share: int) -> Pick:
    """The most telling examples of a suite, as many as its share of bytes holds."""
    splits = [split for split in record.splits if split.suite == suite]
    names = splits_of(record, suite)
    splits.sort(key=lambda split: names.index(split.split))
    quota = _quotas([len(split.examples) for split in splits])
    scorers = record.info.scorers.get(suite, ())
    ranked = []
    for rank, (split, most) in enumerate(zip(splits, quota, strict=True)):
        interest = _interest(record.info, split)
        order = np.argsort(-interest, kind="stable")[:most]
        ranked += [(-int(interest[i]), rank, -float(interest[i]), int(i)) for i in order]
    rows: list[Mapping[str, object]] = []
    for _, rank, _, i in sorted(ranked):
        row = _row(record.info, number, splits[rank], i, [s.name for s in scorers])
        share -= len(json.dumps(row, ensure_ascii=False).encode()) + 1
        if share < 0 and rows:
            break
        rows.append(row)
    return Pick(suite, tuple(rows), sum(len(split.examples) for split in splits))


def _quotas(sizes: Sequence[int]) -> list[int]:
    """How many examples of each split: the first gets three quarters, and what others leave."""
    rest = min(PER_SUITE // 4, sum(sizes[1:]))
    first = min(sizes[0], PER_SUITE - rest)
    room = PER_SUITE - first
    quotas = [first]
    for left, size in zip(range(len(sizes) - 1, 0, -1), sizes[1:], strict=True):
        quotas.append(min(size, room // left))
        room -= quotas[-1]
    return quotas


def _interest(info: RunInfo, split: SplitResult) -> Values:
    """How telling each example is: 2 and more for flips, 1 without a score, then the difference.

    A flip is an answer that one of base and tuned gets right and the other does not.
    """
    interest = np.zeros(len(split.examples))
    scorer = primary(info, split.suite)
    for model in info.models:
        if model.role != "tuned" or scorer is None:
            continue
        base = split.values.get((base_of(info, model), scorer.name))
        tuned = split.values.get((model.name, scorer.name))
        if base is None or tuned is None:
            continue
        flipped = (base >= RIGHT) != (tuned >= RIGHT)
        change = np.abs(tuned - base)
        unscored = np.isnan(change)
        own = np.where(unscored, 1.0, np.nan_to_num(change / (1 + change)) + 2 * flipped)
        interest = np.maximum(interest, own)
    return interest


def _row(
    info: RunInfo, number: int, split: SplitResult, i: int, scorers: Sequence[str]
) -> Mapping[str, object]:
    """One example as the script and the template read it."""
    example = split.examples[i]
    return {
        "suite": number,
        "split": visible(split.split),
        "id": visible(example.id),
        "prompt": _clipped(example.prompt),
        "references": list(_references(example)),
        "answers": [
            _answer(split, model.name, i, scorers) if model.name in split.answers else None
            for model in info.models
        ],
    }


def _references(example: Example) -> Iterator[str]:
    """The first references; a last line counts the others."""
    yield from (_clipped(reference) for reference in example.references[:REFERENCES])
    if len(example.references) > REFERENCES:
        yield f"… and {plural(len(example.references) - REFERENCES, 'other reference')}"


def _answer(split: SplitResult, model: str, i: int, scorers: Sequence[str]) -> Mapping[str, object]:
    """One model's answer with its scores; `text` is None where the answer is missing."""
    outcome = split.answers[model][i]
    scores: list[float | None] = []
    for name in scorers:
        values = split.values.get((model, name))
        value = None if values is None else float(values[i])
        scores.append(None if value is None or np.isnan(value) else value)
    part = split.scored[model][i] if model in split.scored else None
    notes = [_note(outcome), _repeated(split, model, i), _unscored(outcome, part, scorers, scores)]
    return {
        "text": _told(outcome),
        "part": _part(outcome, part),
        "judged": list(_judged(split, model, i, scorers)),
        "note": visible("; ".join(filter(None, notes))),
        "scores": scores,
    }


def _part(outcome: Answer | Failure, part: str | None) -> str | None:
    """What was scored, where that is not all of the completion."""
    if isinstance(outcome, Failure) or not part or part.strip() == outcome.text.strip():
        return None
    return _clipped(part)


def _judged(
    split: SplitResult, model: str, i: int, scorers: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """(scorer, what its judge said about this answer)."""
    for name in scorers:
        said = split.remarks.get((model, name), ())
        if said and said[i]:
            yield visible(name), _clipped(said[i])


def _unscored(
    outcome: Answer | Failure,
    part: str | None,
    scorers: Sequence[str],
    scores: Sequence[float | None],
) -> str:
    """Why an answer is scored as empty, or not at all."""
    if isinstance(outcome, Failure):
        return ""
    unparsable = ["unparsable, scored as empty"] if part == "" and outcome.text.strip() else []
    without = [name for name, score in zip(scorers, scores, strict=True) if score is None]
    failed = [f"no score by {', '.join(without)}"] if without else []
    return "; ".join([*unparsable, *failed])


def _repeated(split: SplitResult, model: str, i: int) -> str:
    """`first of 5 answers, 2 of them unlike it`; empty for a model asked once."""
    if model not in split.repeats:
        return ""
    row = split.repeats[model][i]
    texts = [outcome.text for outcome in row if isinstance(outcome, Answer)]
    if not texts:
        return f"asked {len(row)} times"
    missing = f", {len(row) - len(texts)} missing" if len(texts) < len(row) else ""
    if len(texts) == 1:
        return f"the only one of {len(row)} answers{missing}"
    differing = sum(text != texts[0] for text in texts)
    alike = f"{differing} of them unlike it" if differing else "all alike"
    return f"first of {len(row)} answers, {alike}{missing}"


def _told(outcome: Answer | Failure) -> str | None:
    return None if isinstance(outcome, Failure) else _clipped(outcome.text)


def _note(outcome: Answer | Failure) -> str:
    """What must be said beside a completion."""
    if isinstance(outcome, Failure):
        return f"no answer ({outcome.kind}): {outcome.message[:200]}"
    notes = []
    if not outcome.text:
        notes.append("empty answer")
    if len(outcome.text) > TEXT_LIMIT:
        notes.append(f"the first {TEXT_LIMIT:,} of {len(outcome.text):,} characters")
    if outcome.finish_reason != "stop":
        notes.append(f"ended by {outcome.finish_reason[:40]}")
    return "; ".join(notes)


def _clipped(text: str) -> str:
    """The beginning of a text, with its invisible characters marked."""
    if len(text) <= TEXT_LIMIT:
        return visible(text)
    return visible(text[:TEXT_LIMIT]) + f" … [{len(text):,} characters]"
