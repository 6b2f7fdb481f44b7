"""Writing a run folder as a whole, and reading one only if it is whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from evalkit.errors import RunFolderError, UsageError
from evalkit.schema import (
    Checkpoint,
    Comparison,
    Confusion,
    Leak,
    Loss,
    Noise,
    RunInfo,
    RunRecord,
    Score,
    SplitResult,
)
from evalkit.store.lines import lines_bytes, read_lines
from evalkit.store.tables import (
    examples_bytes,
    overfit_bytes,
    read_records,
    read_values,
    record_bytes,
)

FORMAT = 2
"""Version of the run folder; a reader refuses any other."""

Found = TypeVar("Found")
Key = TypeVar("Key")


def write(record: RunRecord, folder: Path) -> None:
    """Write a run folder; `run.json` comes last and holds the hashes of the rest.

    A folder that was left half written is noticed by them.

    Args:
        record: what the run found out.
        folder: made if it doesn't exist; files of an earlier run in it are replaced.

    Raises:
        RunFolderError: the folder cannot be written.
    """
    files = {
        "completions.jsonl": lines_bytes(record.splits),
        "examples.csv": examples_bytes(record.splits, scorer_columns(record.info)),
        "summary.csv": record_bytes(Score, record.scores),
        "comparison.csv": record_bytes(Comparison, record.comparisons),
        "overfit.csv": overfit_bytes(record.info.overfit),
        "confusion.csv": record_bytes(Confusion, record.confusions),
        "leakage.csv": record_bytes(Leak, record.leaks),
        "losses.csv": record_bytes(Loss, record.losses),
        "checkpoints.csv": record_bytes(Checkpoint, record.checkpoints),
        "noise.csv": record_bytes(Noise, record.info.noise),
    }
    run = _info_adapter().dump_python(record.info, mode="json")
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    body = {"format": FORMAT, "files": hashes, "run": run}
    files["run.json"] = _seal(body)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            replace_file(folder / name, data)
    except OSError as error:
        raise RunFolderError(
            f"cannot write the run folder {folder}: {error.strerror or error}; the answers are "
            "in the cache, so running again with another --out costs nothing"
        ) from error


def read(folder: Path) -> RunRecord:
    """Read a run folder.

    Raises:
        RunFolderError: the folder is missing, incomplete, of another format, or was changed after
            it was written; the message names the file.
    """
    body = _read_body(folder)
    for name, digest in body["files"].items():
        _check_file(folder / name, digest)
    try:
        info: RunInfo = _info_adapter().validate_python(_with_steps(body["run"]))
        return RunRecord(
            info=info,
            splits=_read_splits(folder, info),
            scores=read_records(Score, folder / "summary.csv"),
            comparisons=read_records(Comparison, folder / "comparison.csv"),
            confusions=read_records(Confusion, folder / "confusion.csv"),
            leaks=read_records(Leak, folder / "leakage.csv"),
            losses=_if_written(Loss, folder / "losses.csv", body["files"]),
            checkpoints=_if_written(Checkpoint, folder / "checkpoints.csv", body["files"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{folder}: not a run folder that evalkit wrote: {error}") from error


def _with_steps(run: Any) -> Any:  # noqa: ANN401 - JSON, yet to be checked
    """A run as it is written now: extraction was one pattern before it was steps."""
    for suite in run["suites"]:
        rule = suite["extract"]
        if not isinstance(rule, list):
            suite["extract"] = [{"kind": "regex", "value": rule["regex"]}] if rule else []
    return run


def _if_written(kind: type[Found], path: Path, files: Mapping[str, str]) -> tuple[Found, ...]:
    """A table that folders written by an earlier evalkit don't have."""
    return read_records(kind, path) if path.name in files else ()


def scorer_columns(info: RunInfo) -> list[str]:
    """Every scorer of the run once, in the order in which the suites name them."""
    return list(dict.fromkeys(scorer.name for found in info.scorers.values() for scorer in found))


def free_folder(parent: Path, name: str) -> Path:
    """A folder under `parent` that doesn't exist yet, named like `name` but safe as a path."""
    safe = re.sub(r"[^\w.+-]+", "-", name).strip("-.")[:80] or "run"
    folder = parent / safe
    number = 2
    while folder.exists():
        folder = parent / f"{safe}-{number}"
        number += 1
    return folder


def _info_adapter() -> Any:  # noqa: ANN401 - pydantic is imported where it is used
    from pydantic import TypeAdapter

    return TypeAdapter(RunInfo)


def _seal(body: Mapping[str, Any]) -> bytes:
    """run.json with its own hash, so that a change by hand shows."""
    text = json.dumps(body, ensure_ascii=True, indent=1)
    sealed = {**body, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return (json.dumps(sealed, ensure_ascii=True, indent=1) + "\n").encode()


def replace_file(path: Path, data: bytes) -> None:
    """Write beside and rename: a reader sees the old file or the new one, never half of one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _read_body(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is not a folder; expected a run folder that `evalkit run` wrote"
        )
    if not path.is_file():
        runs = sorted(path.parent.name for path in folder.glob("*/run.json"))
        if runs:
            raise UsageError(f"{folder} holds runs, but is none; name one: {folder / runs[-1]}")
        raise RunFolderError(
            f"{folder} has no run.json: it is no run folder, or its run did not finish; run it "
            "again"
        )
    try:
        body = json.loads(path.read_bytes())
        digest = body.pop("sha256")
        found = body["format"]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise RunFolderError(
            f"{path} is damaged, or not what `evalkit run` wrote; restore it or run again"
        ) from error
    if found != FORMAT:
        raise RunFolderError(f"{path} has format {found}; this evalkit reads format {FORMAT}")
    if json.loads(_seal(body))["sha256"] != digest:
        raise RunFolderError(f"{path} was changed after the run; restore it or run again")
    return dict(body)


def _check_file(path: Path, digest: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror or error}") from error
    if found != digest:
        raise RunFolderError(
            f"{path} was changed or cut off after the run; restore it or run again"
        )


def _read_splits(folder: Path, info: RunInfo) -> tuple[SplitResult, ...]:
    names = {suite: [scorer.name for scorer in found] for suite, found in info.scorers.items()}
    extracting = [config.name for config in info.suites if config.extract]
    values, parts = read_values(folder / "examples.csv", names, extracting)
    splits = []
    lines = read_lines(folder / "completions.jsonl")
    for (suite, split), group in groupby(lines, key=attrgetter("suite", "split")):
        rows = list(group)
        splits.append(
            SplitResult(
                suite=suite,
                split=split,
                examples=tuple(row.example for row in rows),
                answers=_by_model([row.outcomes for row in rows]),
                values={
                    key: np.asarray(scores)
                    for key, scores in values.get((suite, split), {}).items()
                    # A split that this scorer never scored has no column, not a column of NaN.
                    if not np.isnan(scores).all() or len(scores) == 0
                },
                scored=parts.get((suite, split), {}),
                repeats=_by_model([row.repeats for row in rows]),
                again=_by_model([row.again for row in rows]),
                likelihoods=_by_model([row.likelihoods for row in rows]),
                judgements=_if_any([row.judgements for row in rows]),
                remarks=_by_model([row.remarks for row in rows]),
            )
        )
    return tuple(splits)


def _if_any(rows: Sequence[tuple[Found, ...]]) -> tuple[tuple[Found, ...], ...]:
    """The rows, or none where each is empty."""
    return tuple(rows) if any(rows) else ()


def _by_model(rows: Sequence[Mapping[Key, Found]]) -> dict[Key, tuple[Found, ...]]:
    """What each example has of every model, turned into what each model has of every example."""
    return {model: tuple(row[model] for row in rows) for model in rows[0]}
