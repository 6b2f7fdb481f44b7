"""Where a run folder may be written: nowhere that holds somebody's own files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from evalkit.errors import UsageError


def check_target(folder: Path, inputs: Iterable[Path] = ()) -> None:
    """See that a run folder can be written here, before anything is asked.

    An earlier run is replaced; any other folder must be empty or new.

    Args:
        folder: where the run folder shall be.
        inputs: files that the run reads; none of them may be inside an earlier run that goes.

    Raises:
        UsageError: a file, a folder with other things in it, one that holds an input, or a place
            that cannot be written to.
    """
    if not str(folder).strip() or folder.resolve() == Path.cwd():
        raise UsageError(
            f"--out {str(folder)!r}: found the working folder, expected one of its own"
        )
    if folder.exists():
        _check_existing(folder, inputs)
    parent = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not parent.is_dir():
        raise UsageError(f"--out {folder}: {parent} is a file, expected a folder")
    _check_writable(folder, parent.absolute())


def _check_writable(folder: Path, parent: Path) -> None:
    """Make the folder and a file in it, but in a place of its own below what is there already.

    So nothing is taken away under the feet of another run that has just begun.
    """
    try:
        with TemporaryDirectory(dir=parent, prefix=".evalkit-") as scratch:
            place = scratch / folder.absolute().relative_to(parent)
            place.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=place):
                pass
    except OSError as error:
        raise UsageError(
            f"--out {folder}: cannot be written to ({error.strerror}); name another folder"
        ) from None


def _check_existing(folder: Path, inputs: Iterable[Path]) -> None:
    if not folder.is_dir():
        raise UsageError(f"--out {folder}: found a file, expected a folder")
    if any(folder.iterdir()) and not _is_run(folder):
        raise UsageError(
            f"--out {folder}: found a folder with other files in it, expected an empty one, a new "
            "one, or an earlier run to replace"
        )
    for path in inputs:
        if path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                f"--out {folder}: found {path}, which this run reads, in it; name another folder"
            )


def _is_run(folder: Path) -> bool:
    """Whether the folder holds a run, whole or changed."""
    try:
        body = json.loads((folder / "run.json").read_bytes())
        return isinstance(body, dict) and {"format", "files", "run"} <= body.keys()
    except (OSError, ValueError):
        return False
