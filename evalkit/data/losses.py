"""Loss files of training jobs, as trainers write them.

    OpenAI result file      step,train_loss,valid_loss,full_valid_loss   cells may be empty; the API
                            gives the file out in base64, which is read as well
    Hugging Face, TRL,      trainer_state.json with `log_history`: loss, eval_loss, step
    axolotl
    any other log           one JSON object a line, or a table, with a step and a loss

Numbers that are none (a diverged loss is NaN, and JSON of trainers has NaN in it) are missing.
"""

from __future__ import annotations

import base64
import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit.data.describe import describe, listed
from evalkit.data.problems import Problems
from evalkit.data.readers.text import lines_of
from evalkit.errors import Problem, UsageError
from evalkit.schema import Loss

STEPS = ("step", "current_steps", "global_step", "iteration", "iter", "epoch")
TRAIN = ("train_loss", "loss", "training_loss")
VALID = ("valid_loss", "eval_loss", "val_loss", "validation_loss")
FULL_VALID = ("full_valid_loss",)
_COLUMNS = (TRAIN, VALID, FULL_VALID)
_SUMMARY = "train_runtime"
"""Hugging Face's last entry, whose `train_loss` is the mean over all steps."""
_EXPECTED = (
    "a step (step, epoch) and a loss (train_loss, loss, valid_loss, eval_loss, full_valid_loss)"
)
_NUMBER = "a number from 0 on, or nothing"

_Entry = tuple[str, Mapping[str, Any]]


def read_losses(path: Path, model: str) -> tuple[Loss, ...]:
    """The losses that a training job reported, by step.

    Entries of one step are one point; of several values of a step the last counts, as when a job
    was resumed.

    Args:
        path: a `.csv`, `.tsv`, `.json` or `.jsonl` file.
        model: name of the model that the job made.

    Raises:
        UsageError: no such file.
        DataError: everything in it that cannot be meant, or no loss at all.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise UsageError(f"{path}: found {found}, expected a file of losses with {_EXPECTED}")
    problems = Problems()
    points: dict[int, list[float | None]] = {}
    keys: dict[str, None] = {}
    try:
        for where, entry in _entries(path, problems):
            keys |= dict.fromkeys(entry)
            step = _step(where, entry, problems)
            if step is None or _SUMMARY in entry:
                continue
            point = points.setdefault(step, [None, None, None])
            for column, names in enumerate(_COLUMNS):
                loss = _loss(where, entry, names, problems)
                point[column] = point[column] if loss is None else loss
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    losses = [
        Loss(model, step, *point)
        for step, point in sorted(points.items())
        if any(loss is not None for loss in point)
    ]
    if not losses and not problems.total:
        there = listed("only the key", keys) if keys else "nothing"
        problems.add(Problem(str(path), "", there, _EXPECTED))
    problems.raise_if_any()
    return tuple(losses)


def _entries(path: Path, problems: Problems) -> Iterator[_Entry]:
    """What the file logs, with its place; broken entries become problems."""
    lines = list(lines_of(path))
    start = next((line.lstrip()[:1] for line in lines if line.strip()), "")
    if start not in {"{", "["}:
        yield from _cells(path, _decoded(lines), problems)
        return
    whole = not {".jsonl", ".ndjson"} & set(path.suffixes)
    numbered = [(1, "".join(lines))] if whole else enumerate(lines, 1)
    for number, text in numbered:
        if not text.strip():
            continue
        where = f"{path}:{number}"
        try:
            # Not strictly: Python's own writer puts NaN into the files of trainers.
            value = json.loads(text.rstrip())
        except (ValueError, RecursionError) as error:
            at = getattr(error, "lineno", 1) + number - 1
            found = f"broken JSON ({getattr(error, 'msg', 'nested too deep').lower()})"
            problems.add(Problem(f"{path}:{at}", "", found, "a log of losses as JSON"))
            continue
        yield from _logged(where, value, problems)


def _logged(where: str, value: object, problems: Problems) -> Iterator[_Entry]:
    """The entries of one JSON value: a log, the state of a trainer, or one entry."""
    if isinstance(value, dict) and "log_history" in value:
        value = value["log_history"]
    if isinstance(value, dict):
        yield where, value
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            place = f"{where} entry {number + 1}"
            if isinstance(entry, dict):
                yield place, entry
            else:
                problems.add(Problem(place, "", describe(entry), "an object"))
    else:
        problems.add(Problem(where, "", describe(value), "objects, or `log_history` with objects"))


def _cells(path: Path, lines: Iterable[str], problems: Problems) -> Iterator[_Entry]:
    """The rows of a table with a header."""
    lines = iter(lines)
    header = next(lines, "")
    mark = next((mark for mark in ",;\t" if mark in header), ",")
    names = [name.strip() for name in next(csv.reader([header], delimiter=mark), [])]
    rows = csv.reader(lines, delimiter=mark)
    try:
        for row in rows:
            where = f"{path}:{rows.line_num + 1}"
            if row and len(row) != len(names):
                found, expected = f"{len(row)} cells", f"{len(names)}, as in the header"
                problems.add(Problem(where, "", found, expected))
            elif row:
                yield where, dict(zip(names, row, strict=True))
    except csv.Error as error:
        where = f"{path}:{rows.line_num + 1}"
        problems.add(Problem(where, "", f"a broken table ({error})", "rows of numbers"))


def _decoded(lines: list[str]) -> list[str]:
    """The lines of a table; those of a table in base64 if that is what it is."""
    text = "".join(line.strip() for line in lines)
    if "," in text or "\t" in text or ";" in text:
        return lines
    try:
        table = base64.b64decode(text, validate=True).decode()
    except ValueError:  # neither base64 nor text
        return lines
    return table.splitlines(keepends=True)


def _step(where: str, entry: Mapping[str, Any], problems: Problems) -> int | None:
    """The step of an entry; None if it logs none."""
    name = next((name for name in STEPS if not _blank(entry.get(name))), None)
    if name is None:
        return None
    step = _number(entry[name])
    if step is None or step < 0 or not step.is_integer():
        problems.add(Problem(where, name, describe(entry[name]), "a whole number from 0 on"))
        return None
    return int(step)


def _loss(
    where: str, entry: Mapping[str, Any], names: tuple[str, ...], problems: Problems
) -> float | None:
    """The loss under the first of these names that the entry has; None if it is missing."""
    name = next((name for name in names if not _blank(entry.get(name))), None)
    if name is None:
        return None
    loss = _number(entry[name])
    if loss is None and _no_number(entry[name]):
        return None
    if loss is None or loss < 0:
        problems.add(Problem(where, name, describe(entry[name]), _NUMBER))
        return None
    return loss


def _number(value: object) -> float | None:
    """A finite number, also as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _blank(value: object) -> bool:
    return value is None or value == ""


def _no_number(value: object) -> bool:
    """Whether a value is one that trainers log where there is no number."""
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, str) and value.strip().lower() in {
        "nan", "inf", "-inf", "infinity", "-infinity", "none", "null", "n/a",
    }  # fmt: skip
