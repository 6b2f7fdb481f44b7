"""accepted.json, beside the run folders: the run of each suite that was accepted first, and last.

The first one is the anchor. It stays, so that losses of a margin each cannot add up unseen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from evalkit.errors import RunFolderError, UsageError
from evalkit.store.folder import replace_file

FILE: Final = "accepted.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Pinned:
    """One run that was accepted.

    Attributes:
        run: name of its folder, beside the file.
        sha256: of its run.json, so that it is the same run later on.
    """

    run: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The runs that one suite is held against."""

    anchor: Pinned
    last: Pinned


def read_accepted(runs: Path) -> dict[str, Accepted]:
    """Suite -> accepted runs; empty if nothing was accepted yet.

    Args:
        runs: the folder that holds the run folders.

    Raises:
        RunFolderError: a file that cannot be read; without it no gate may pass.
    """
    path = runs / FILE
    try:
        return _parsed(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(
            f"{path} is not a list of accepted runs ({error}); restore it, or remove it to accept "
            "runs afresh"
        ) from error


def accept(folder: Path, suites: Sequence[str]) -> dict[str, Accepted]:
    """Make a run the last accepted one of its suites, and the anchor of those that have none.

    Args:
        folder: the run folder.
        suites: its suites.

    Returns:
        What the file holds now.

    Raises:
        RunFolderError: the file cannot be read or written.
    """
    folder = folder.resolve()
    known = read_accepted(folder.parent)
    pinned = Pinned(folder.name, run_digest(folder))
    for suite in suites:
        before = known.get(suite)
        known[suite] = Accepted(before.anchor if before else pinned, pinned)
    body = {"format": _FORMAT, "suites": {suite: asdict(a) for suite, a in sorted(known.items())}}
    path = folder.parent / FILE
    try:
        replace_file(path, (json.dumps(body, ensure_ascii=True, indent=1) + "\n").encode())
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error.strerror or error}") from error
    return known


def check_unaccepted(folder: Path) -> None:
    """See that no reference is lost by writing a run here.

    Args:
        folder: where a run folder shall be written.

    Raises:
        UsageError: the run in it is one that was accepted.
        RunFolderError: what was accepted cannot be read.
    """
    place = folder.resolve()
    if not place.exists():
        return
    accepted = read_accepted(place.parent).items()
    suites = [suite for suite, a in accepted if place.name in {a.anchor.run, a.last.run}]
    if suites:
        raise UsageError(
            f"the run in {folder} is an accepted reference (of {', '.join(suites)}), and would be "
            f"replaced; write to another folder by --out, or replace it by --force and then remove "
            f"{place.parent / FILE} to accept runs afresh"
        )


def pinned_folder(pinned: Pinned, runs: Path) -> Path:
    """Where an accepted run is.

    Raises:
        RunFolderError: it is gone, or is not the run that was accepted.
    """
    folder = runs / pinned.run
    if not (folder / "run.json").is_file():
        raise RunFolderError(
            f"the accepted run {folder} is not there; restore it, or remove {runs / FILE} to "
            "accept runs afresh"
        )
    if run_digest(folder) != pinned.sha256:
        raise RunFolderError(
            f"the run in {folder} is not the one that was accepted; restore it, or remove "
            f"{runs / FILE} to accept runs afresh"
        )
    return folder


def run_digest(folder: Path) -> str:
    """SHA-256 of a run's run.json, which holds the hashes of its other files."""
    try:
        return hashlib.sha256((folder / "run.json").read_bytes()).hexdigest()
    except OSError as error:
        raise RunFolderError(f"{folder}/run.json cannot be read: {error.strerror}") from error


def _parsed(body: Mapping[str, Any]) -> dict[str, Accepted]:
    if body["format"] != _FORMAT:
        raise ValueError(f"format {body['format']}, expected {_FORMAT}")
    return {
        str(suite): Accepted(_pinned(found["anchor"]), _pinned(found["last"]))
        for suite, found in body["suites"].items()
    }


def _pinned(value: Mapping[str, Any]) -> Pinned:
    run, digest = value["run"], value["sha256"]
    if not isinstance(run, str) or not isinstance(digest, str):
        raise TypeError("`run` and `sha256` must be texts")
    if Path(run).name != run:
        raise ValueError(f"{run!r} is not the name of a folder beside it")
    return Pinned(run, digest)
