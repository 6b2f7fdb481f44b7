"""Results in: what came of batch files that people submitted by hand."""

from __future__ import annotations

import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evalkit.data import read_rows
from evalkit.errors import DataError, Problem, UsageError
from evalkit.models import Batched, Provider, open_provider
from evalkit.pipeline.arguments import checked
from evalkit.pipeline.exporting import FORMAT, MANIFEST, BatchFile
from evalkit.pipeline.opening import run_async
from evalkit.pipeline.plan import CACHE
from evalkit.runner import Cache, Joined, Reader, model_key
from evalkit.schema import Failure, ModelSpec


@dataclass(frozen=True, slots=True)
class Imported:
    """What `import_batches` found for one model.

    Attributes:
        model: name of the arm.
        requests: how many were exported.
        answers: how many of them are answered, and in the cache now.
        summary: both in words, and why the others are not.
        reason: the commonest reason of a failure, in the server's words; empty if there is none.
        notes: what its server turned out not to take; the next export knows it.
    """

    model: str
    requests: int
    answers: int
    summary: str
    reason: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """What `import_batches` found.

    Attributes:
        models: what there is of each model.
        oddities: in words, how many lines could not be used; empty if all could.
        waiting: judges that are to be asked about these answers: another export holds that.
    """

    models: tuple[Imported, ...]
    oddities: str
    waiting: tuple[str, ...]


@checked
def import_batches(folder: str | Path, *, cache: str | Path | None = None) -> Results:
    """Put the results of exported files into the cache.

    Args:
        folder: of `export_batches`, with the files of results beside those of requests.
        cache: folder of the completion cache.

    Raises:
        UsageError: no such folder, or no results in it.
        DataError: a file of requests that was changed.
    """
    place = Path(folder)
    manifest = _manifest(place)
    files = manifest.files
    asked = {place / file.file for file in files}
    results = sorted(path for path in set(place.glob("*.jsonl")) - asked if path.is_file())
    if not results:
        raise UsageError(
            f"{place} holds no results: expected files such as "
            f"{Path(files[0].file).stem}.results.jsonl beside the files of requests"
        )
    providers: dict[str, Batched] = {}
    keys: dict[str, list[str]] = {}
    readers: dict[str, Reader] = {}
    for file in files:
        provider = providers.setdefault(file.spec.name, _opened(file.spec))
        for key in _custom_ids(place / file.file):
            keys.setdefault(file.spec.name, []).append(key)
            readers[key] = partial(provider.read, stop=file.stop.get(key, ()))
    joined = Joined()
    for path in results:
        _take(path, joined, readers)
    run_async(_keep(joined, providers, CACHE if cache is None else Path(cache)))
    found = tuple(
        _imported(name, joined.of(keys[name]), len(keys[name]), provider)
        for name, provider in providers.items()
    )
    return Results(found, joined.oddities(), manifest.waiting)


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What an export says of itself."""

    files: tuple[BatchFile, ...]
    waiting: tuple[str, ...]


def _manifest(folder: Path) -> _Manifest:
    from pydantic import TypeAdapter, ValidationError

    path = folder / MANIFEST
    if not path.is_file():
        raise UsageError(f"{folder} has no {MANIFEST}: expected a folder of `evalkit batch export`")
    try:
        told = json.loads(path.read_bytes())
        if told["format"] != FORMAT:
            raise UsageError(
                f"{path}: found format {told['format']!r}, expected {FORMAT}; import with the "
                "version of evalkit that exported"
            )
        found = TypeAdapter(_Manifest).validate_python(
            {name: told[name] for name in ("files", "waiting")}
        )
    except (OSError, ValueError, TypeError, LookupError, ValidationError) as error:
        raise UsageError(
            f"{path} is damaged or was changed: expected what `evalkit batch export` wrote"
        ) from error
    if not found.files:
        raise UsageError(f"{folder} holds no requests: the cache held every answer at the export")
    return found


def _take(path: Path, joined: Joined, readers: Mapping[str, Reader]) -> None:
    """Take in one file of results."""
    try:
        with path.open("rb") as lines:
            if lines.read(2) in {BOM_UTF16_LE, BOM_UTF16_BE}:
                raise UsageError(
                    f"{path} is UTF-16, as `>` writes it in Windows PowerShell; expected UTF-8: "
                    "download it once more, or convert it"
                )
            lines.seek(0)
            for line in lines:
                joined.take(line, readers)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _opened(spec: ModelSpec) -> Batched:
    provider: Provider = open_provider(spec, read_rows=read_rows)
    if not isinstance(provider, Batched):
        raise UsageError(f"model {spec.name!r}: a `{spec.provider}:` cannot be asked by file")
    return provider


def _custom_ids(path: Path) -> list[str]:
    """Of every line of a file of requests."""
    found: list[str] = []
    problems: list[Problem] = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise DataError([Problem(str(path), "", reason, "the requests as exported")]) from error
    for number, line in enumerate(lines, 1):
        try:
            found.append(str(json.loads(line)["custom_id"]))
        except (ValueError, TypeError, LookupError, RecursionError):
            problems.append(
                Problem(f"{path}:{number}", "custom_id", "none", "a request as exported")
            )
    if problems:
        raise DataError(problems)
    return found


async def _keep(joined: Joined, providers: Mapping[str, Batched], folder: Path) -> None:
    notes = [(model_key(p), note) for p in providers.values() for note in p.notes]
    with Cache(folder) as cache:
        await cache.put(joined.answers, notes)


def _imported(name: str, joined: Joined, requests: int, provider: Batched) -> Imported:
    failures = Counter(o.message for o in joined.outcomes.values() if isinstance(o, Failure))
    return Imported(
        model=name,
        requests=requests,
        answers=len(joined.answers),
        summary=joined.summary(requests),
        reason=failures.most_common(1)[0][0] if failures else "",
        notes=tuple(provider.notes),
    )
