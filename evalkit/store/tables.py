"""The tables of a run folder: records to rows and back."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from evalkit.schema import Answer, Failure, OverfitVerdict, SplitResult
from evalkit.store.csvfile import as_float, csv_bytes, parse, read_csv

Record = TypeVar("Record")


def record_bytes(kind: type[Record], records: Iterable[Record]) -> bytes:
    """A CSV file of flat records: one column a field."""
    names = [field.name for field in dataclasses.fields(typing.cast("Any", kind))]
    return csv_bytes(names, ([getattr(record, name) for name in names] for record in records))


def read_records(kind: type[Record], path: Path) -> tuple[Record, ...]:
    """The records that `record_bytes` wrote."""
    converters = _converters(kind)
    return tuple(kind(**parse(row, converters)) for row in read_csv(path))


def _converters(kind: type[Record]) -> dict[str, Callable[[str], Any]]:
    """Field name -> how its cell is read, from the type hints of the record."""
    hints = typing.get_type_hints(kind)
    found: dict[str, Callable[[str], Any]] = {}
    for field in dataclasses.fields(typing.cast("Any", kind)):
        hint = hints[field.name]
        if isinstance(hint, types.UnionType):
            found[field.name] = as_float
        elif hint in {int, float}:
            found[field.name] = hint
        elif hint is bool:
            found[field.name] = "True".__eq__
        else:
            found[field.name] = str
    return found


OVERFIT_COLUMNS = (
    "suite", "base", "tuned", "train_split", "scorer", "signal", "level", "value", "low", "high",
    "p", "p_adjusted", "threshold", "train_base", "train_tuned", "test_base", "test_tuned",
    "n_train", "n_test", "detail",
)  # fmt: skip


def overfit_bytes(verdicts: Sequence[OverfitVerdict]) -> bytes:
    """overfit.csv: a row a signal, then the row `verdict` that they join to, with the advice."""

    def rows() -> Iterator[list[object]]:
        for v in verdicts:
            head = [v.suite, v.base, v.tuned, v.train_split, v.scorer]
            tail = [v.train_base, v.train_tuned, v.test_base, v.test_tuned, v.n_train, v.n_test]
            for s in v.signals:
                level = s.level or "unavailable"
                numbers = [s.value, s.low, s.high, s.p, s.p_adjusted, s.threshold]
                yield [*head, s.name, level, *numbers, *tail, s.detail]
            yield [*head, "verdict", v.level, *[None] * 6, *tail, v.advice]

    return csv_bytes(OVERFIT_COLUMNS, rows())


EXAMPLE_COLUMNS = (
    "suite", "split", "id", "model", "prompt", "references", "completion", "scored",
    "finish_reason", "failure", "fields",
)  # fmt: skip


def examples_bytes(
    splits: Sequence[SplitResult], scorers: Sequence[str], *, clip: int = 32_000
) -> bytes:
    """examples.csv: a row an example and model, a column a scorer; empty where not scored.

    Args:
        splits: what was asked, answered and scored.
        scorers: the score columns.
        clip: longest text of a cell, in characters: spreadsheets stop at 32,767. The whole text
            is in completions.jsonl.
    """

    def rows() -> Iterator[list[object]]:
        for split in splits:
            values = {key: scores.tolist() for key, scores in split.values.items()}
            for i, example in enumerate(split.examples):
                references = json.dumps(list(example.references), ensure_ascii=False)
                fields = json.dumps(dict(example.fields), ensure_ascii=False, sort_keys=True)
                for model, answers in split.answers.items():
                    yield [
                        split.suite, split.split, example.id, model,
                        example.prompt[:clip], references[:clip],
                        *_outcome(answers[i], split.scored.get(model, ())[i : i + 1], clip),
                        fields[:clip] if example.fields else None,
                        *(_score(values.get((model, name)), i) for name in scorers),
                    ]  # fmt: skip

    return csv_bytes([*EXAMPLE_COLUMNS, *scorers], rows())


def _outcome(
    outcome: Answer | Failure, scored: Sequence[str | None], clip: int
) -> tuple[str | None, ...]:
    """The cells completion, scored, finish_reason and failure.

    An empty completion has a finish reason. `scored` is empty where all of it is, or nothing.
    """
    if isinstance(outcome, Failure):
        return None, None, None, f"{outcome.kind}: {outcome.message}"
    part = scored[0] if scored else None
    return outcome.text[:clip], part and part[:clip], outcome.finish_reason, None


def _score(scores: Sequence[float] | None, i: int) -> float | None:
    """The i-th score, or None where this scorer or this answer is missing."""
    if scores is None or math.isnan(scores[i]):
        return None
    return scores[i]


Rows = dict[tuple[str, str], dict[tuple[str, str], list[float]]]
Parts = dict[tuple[str, str], dict[str, tuple[str | None, ...]]]


def read_values(
    path: Path, scorers: Mapping[str, Sequence[str]], extracting: Collection[str] = ()
) -> tuple[Rows, Parts]:
    """Scores, and the parts of completions that were scored, in the order of the examples.

    Args:
        path: an examples.csv.
        scorers: suite -> names of its scorers.
        extracting: suites that don't score all of a completion.

    Returns:
        (suite, split) -> (model, scorer) -> scores; (suite, split) -> model -> parts.
    """
    scores: Rows = {}
    parts: dict[tuple[str, str], dict[str, list[str | None]]] = {}
    for row in read_csv(path):
        place = row["suite"], row["split"]
        table = scores.setdefault(place, {})
        for name in scorers.get(row["suite"], ()):
            cell = row[name]
            table.setdefault((row["model"], name), []).append(float(cell) if cell else float("nan"))
        if row["suite"] in extracting:
            part = None if row["failure"] else row.get("scored")
            parts.setdefault(place, {}).setdefault(row["model"], []).append(part)
    return scores, {
        place: {model: tuple(texts) for model, texts in found.items()}
        for place, found in parts.items()
    }
