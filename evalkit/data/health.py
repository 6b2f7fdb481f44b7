"""Data health: what should be known about a suite before anybody believes a score of it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.data.leakage import find_leaks
from evalkit.data.units import repeated_prompts, units_of
from evalkit.errors import SHOWN_PROBLEMS
from evalkit.schema import Example, Leak, Suite, Task
from evalkit.stats.planning import (
    DISAGREEMENT,
    detectable_binary,
    units_for_binary,
    units_for_gap,
    units_for_pass,
)
from evalkit.stats.samples import SMALL_SAMPLE, THRESHOLD

RARE_LABEL = 10
"""Test rows of a label below which its scores are unreliable (statistics, section 3)."""

FIVE_POINTS = 0.05
SCATTER = 0.6
"""Planning value for the standard deviation of a model's gains, prompt by prompt."""

_NAMED = 5  # ids that one sentence names


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long texts are, in characters. All 0 if there are none."""

    smallest: int
    median: int
    p95: int
    largest: int


@dataclass(frozen=True, slots=True)
class SplitHealth:
    """What is in one split.

    Attributes:
        split: its name.
        n: rows.
        duplicates: (id, id of the first row) of rows that ask and accept what an earlier row does.
        conflicts: (id, id of the first row) of rows that ask what an earlier row asks and accept
            none of its references.
        empty_references: rows that accept an empty answer.
        prompts: lengths of the rows' own prompts.
        references: lengths of the references.
        labels: label -> rows, in the suite's order; empty unless it is a classification.
        slices: field -> value -> rows, the most frequent first; rows without it under "".
    """

    split: str
    n: int
    duplicates: tuple[tuple[str, str], ...]
    conflicts: tuple[tuple[str, str], ...]
    empty_references: int
    prompts: Lengths
    references: Lengths
    labels: Mapping[str, int]
    slices: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Planning:
    """What a suite of this size can show, planned for 0/1 scores before any answer is known.

    Two-sided at 5 % with a power of 80 %; the gate and overfitting one-sided at 5 %. Pairs are
    supposed to differ in 12.5 % of the prompts, gains to scatter by 0.6 (statistics, 5, 6 and 8).

    Attributes:
        units: distinct test prompts, or clusters of them.
        detectable: the smallest difference that these can show, in score points of [0, 1]; None if
            they are too few for any.
        for_five_points: prompts that a difference of 5 points needs.
        for_gate: prompts with which the gate passes 80 % of unchanged models, by the suite's
            margin; None with a margin of 0.
        for_overfitting: test and training prompts, of either, that the overfitting verdict needs.
    """

    units: int
    detectable: float | None
    for_five_points: int
    for_gate: int | None
    for_overfitting: int


@dataclass(frozen=True, slots=True)
class SuiteHealth:
    """What is in a suite, and what is wrong with it.

    Attributes:
        suite: its name.
        task: its task.
        splits: in the suite's order, `test` first.
        leaks: test rows that occur in another split.
        problems: a sentence each, the gravest first; empty if the suite is fine.
        planning: what its test split can show.
    """

    suite: str
    task: Task
    splits: tuple[SplitHealth, ...]
    leaks: tuple[Leak, ...]
    problems: tuple[str, ...]
    planning: Planning


def check_suite(suite: Suite) -> SuiteHealth:
    """Look a suite over: counts, duplicates, leakage, balance, lengths."""
    splits = tuple(_split_health(suite, split) for split in suite.splits)
    leaks = tuple(
        leak
        for split, examples in suite.splits.items()
        if split != "test"
        for leak in find_leaks(
            suite.config.name,
            split,
            suite.splits["test"],
            examples,
            template=suite.config.template,
        )
    )
    problems = (
        *_leakage_problems(leaks, len(suite.splits["test"])),
        *_unit_problems(suite.splits["test"]),
        *(problem for split in splits for problem in _row_problems(split)),
        *_balance_problems(splits),
        *_coverage_problems(splits),
    )
    planning = plan_suite(suite.splits["test"], suite.config.gate.margin)
    return SuiteHealth(suite.config.name, suite.config.task, splits, leaks, problems, planning)


def plan_suite(test: Sequence[Example], margin: float) -> Planning:
    """What a test split can show.

    Args:
        test: its examples; rows of one unit count once, which is the most careful plan.
        margin: of the suite's gate.
    """
    units = len(set(units_of(test) or range(len(test))))
    needed = None if margin == 0 else math.ceil(units_for_pass(DISAGREEMENT, margin))
    return Planning(
        units=units,
        detectable=detectable_binary(units),
        for_five_points=math.ceil(units_for_binary(FIVE_POINTS)),
        for_gate=needed,
        for_overfitting=math.ceil(units_for_gap(SCATTER, THRESHOLD)),
    )


def _split_health(suite: Suite, split: str) -> SplitHealth:
    examples = suite.splits[split]
    duplicates, conflicts = _repeated(examples)
    labels = Counter(r.strip() for e in examples for r in set(e.references))
    return SplitHealth(
        split=split,
        n=len(examples),
        duplicates=duplicates,
        conflicts=conflicts,
        empty_references=sum(any(not r.strip() for r in e.references) for e in examples),
        prompts=_lengths(e.prompt for e in examples),
        references=_lengths(r for e in examples for r in e.references),
        labels={label: labels[label] for label in suite.config.labels},
        slices={field: _counts(field, examples) for field in suite.config.slices},
    )


def _repeated(
    examples: Iterable[Example],
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Rows that repeat an earlier prompt: with the same references, and with none of them."""
    first: dict[object, Example] = {}
    duplicates, conflicts = [], []
    for example in examples:
        earlier = first.setdefault(example.messages, example)
        if earlier is example:
            continue
        if set(example.references) == set(earlier.references):
            duplicates.append((example.id, earlier.id))
        elif not set(example.references) & set(earlier.references):
            conflicts.append((example.id, earlier.id))
    return tuple(duplicates), tuple(conflicts)


def _lengths(texts: Iterable[str]) -> Lengths:
    lengths = sorted(map(len, texts))
    if not lengths:
        return Lengths(0, 0, 0, 0)
    last = len(lengths) - 1
    return Lengths(lengths[0], lengths[last // 2], lengths[round(last * 0.95)], lengths[last])


def _counts(field: str, examples: Iterable[Example]) -> dict[str, int]:
    """Value -> rows, the most frequent first, then by value."""
    counts = Counter(_text(value) for e in examples for value in _values(e.fields.get(field)))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _values(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    """A row with a list of values belongs to the slice of each."""
    return (value or [None]) if isinstance(value, list) else [value]


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _leakage_problems(leaks: Sequence[Leak], n: int) -> Iterator[str]:
    for split in dict.fromkeys(leak.train_split for leak in leaks):
        kinds = Counter(leak.kind for leak in leaks if leak.train_split == split)
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        yield f"{kinds.total()} of {n} test prompts occur in {split} ({counts})"


def _unit_problems(test: Sequence[Example]) -> Iterator[str]:
    repeated = repeated_prompts(test)
    if repeated:
        yield f"test: {repeated}"


def _row_problems(split: SplitHealth) -> Iterator[str]:
    if split.conflicts:
        rows = _rows(len(split.conflicts))
        yield f"{split.split}: {rows} asked before with another answer ({_named(split.conflicts)})"
    if split.duplicates:
        rows = _rows(len(split.duplicates))
        yield f"{split.split}: {rows} repeated from before ({_named(split.duplicates)})"
    if split.empty_references:
        yield f"{split.split}: {_rows(split.empty_references)} accepting an empty answer"
    if split.split == "test" and split.n < SMALL_SAMPLE:
        yield f"test: {_rows(split.n)}: a small sample, expected {SMALL_SAMPLE} or more"


def _balance_problems(splits: Sequence[SplitHealth]) -> Iterator[str]:
    test = next(split for split in splits if split.split == "test")
    train = next((split for split in splits if split.split == "train"), None)
    for label, count in list(test.labels.items())[:SHOWN_PROBLEMS]:
        if count < RARE_LABEL:
            yield (
                f"test: {_rows(count)} with the label {label!r}: its scores are unreliable, "
                f"expected {RARE_LABEL} or more"
            )
        if train is not None and count and not train.labels.get(label):
            yield f"train: no row with the label {label!r}, which test asks for"


def _coverage_problems(splits: Sequence[SplitHealth]) -> Iterator[str]:
    for split in splits:
        for field, counts in split.slices.items():
            if counts.get(""):
                yield f"{split.split}: {_rows(counts[''])} without the slice field {field!r}"
    if len(splits) == 1:
        yield "no training file: neither overfitting nor leakage can be checked"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _named(pairs: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f"{row!r} as {first!r}" for row, first in pairs[:_NAMED])
    return shown + (", ..." if len(pairs) > _NAMED else "")
