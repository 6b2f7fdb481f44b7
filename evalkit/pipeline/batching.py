"""Batch files for people who submit them by hand: questions out, results in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Unpack

from evalkit import store
from evalkit.data import read_rows
from evalkit.errors import DataError, Problem, UsageError
from evalkit.models import Batched, Line, Provider, open_provider, write_files
from evalkit.pipeline.asking import batched, run_async
from evalkit.pipeline.jobs import make_jobs
from evalkit.pipeline.loading import load_suites
from evalkit.pipeline.options import RunOptions, listed
from evalkit.pipeline.plan import CACHE, make_plan
from evalkit.pipeline.sweep import jobs_of
from evalkit.runner import Cache, Job, Joined, Reader, cache_key, model_key
from evalkit.schema import Failure, ModelSpec, Request

MANIFEST = "batch.json"
"""Says of each file of a folder whose questions it holds."""

FORMAT = 1


@dataclass(frozen=True, slots=True)
class BatchFile:
    """One file of requests to one model.

    Attributes:
        file: its name in the folder.
        requests: how many it holds.
        spec: the arm, its address included.
        stop: custom_id -> stop texts that its server is known to refuse, to cut the answer at.
    """

    file: str
    requests: int
    spec: ModelSpec
    stop: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Exported:
    """What `export_batches` wrote.

    Attributes:
        folder: where.
        files: one or more a model.
        cached: questions whose answers the cache holds, so that they are in no file.
        left_out: arms that cannot be asked by file.
    """

    folder: Path
    files: tuple[BatchFile, ...]
    cached: int
    left_out: tuple[str, ...]


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


def export_batches(
    suites: str | Path | Sequence[str | Path] = (),
    *,
    out: str | Path,
    **options: Unpack[RunOptions],
) -> Exported:
    """Write everything that a run would ask as files for `vllm run-batch` or the Batch API.

    Nothing is asked, and no key is needed. What the cache holds is left out.

    Args:
        suites: as for `run`.
        out: a folder that is new or empty.
        options: as for `run`, which has nothing to ask any more once the results are imported.

    Raises:
        UsageError: a folder that holds something, or no model that can be asked by file.
    """
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"--out {folder}: found something there; expected a new or empty folder")
    plan = make_plan(listed(suites), **options)
    for job in jobs_of(plan.models):
        raise UsageError(
            f"the checkpoints of {job!r} are chosen by their answers to validation rows, which "
            "nobody has yet; expected one of them as --tuned, or `evalkit run --batch`"
        )
    providers = {m.name: open_provider(m, read_rows=read_rows) for m in plan.models}
    run_async(_close(providers.values()))  # nothing will be sent
    served = batched(providers)
    questions = _questions(make_jobs(plan, load_suites(plan)), served)
    cached = 0
    with Cache(plan.cache) as cache:
        for name, asked in questions.items():
            served[name].learn(cache.notes(model_key(served[name])))
            for key in cache.get(list(asked)):
                del asked[key]
                cached += 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = [
            file
            for spec in plan.models
            for file in _write(folder, spec, served.get(spec.name), questions.get(spec.name, {}))
        ]
        manifest = {"format": FORMAT, "files": [asdict(file) for file in files]}
        store.replace_file(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"--out {folder} cannot be written: {reason}") from error
    return Exported(folder, tuple(files), cached, tuple(providers.keys() - served.keys()))


def import_batches(
    folder: str | Path, *, cache: str | Path | None = None
) -> tuple[tuple[Imported, ...], str]:
    """Put the results of exported files into the cache.

    Args:
        folder: of `export_batches`, with the files of results beside those of requests.
        cache: folder of the completion cache.

    Returns:
        What was found for each model; and in words, how many lines could not be used.

    Raises:
        UsageError: no such folder, or no results in it.
        DataError: a file of requests that was changed.
    """
    place = Path(folder)
    files = _manifest(place)
    results = sorted(set(place.glob("*.jsonl")) - {place / file.file for file in files})
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
        with path.open("rb") as lines:
            for line in lines:
                joined.take(line, readers)
    run_async(_keep(joined, providers, CACHE if cache is None else Path(cache)))
    found = tuple(
        _imported(name, joined.of(keys[name]), len(keys[name]), provider)
        for name, provider in providers.items()
    )
    return found, joined.oddities()


def _questions(
    jobs: Sequence[Job], providers: Mapping[str, Batched]
) -> dict[str, dict[str, Request]]:
    """Model -> cache key -> request; a question of several arms that are one model once."""
    found: dict[str, dict[str, Request]] = {}
    seen: set[str] = set()
    for job in jobs:
        if job.model not in providers or job.request.scored is not None:
            continue
        key = cache_key(providers[job.model], job.request, job.repeat)
        if key not in seen:
            seen.add(key)
            found.setdefault(job.model, {})[key] = job.request
    return found


def _write(
    folder: Path, spec: ModelSpec, provider: Batched | None, questions: Mapping[str, Request]
) -> Iterator[BatchFile]:
    """The files of one model, as few as the Batch API's limits allow."""
    if provider is None:
        return
    written = write_files(
        (Line(key, provider.path, provider.body(asked)) for key, asked in questions.items()),
        partial(_file_name, folder, spec.name),
    )
    asked_there = replace(spec, base_url=provider.endpoint, train=None)
    for file in written:
        stops = {key: provider.unsent_stop(questions[key]) for key in file.custom_ids}
        unsent = {key: stop for key, stop in stops.items() if stop}
        yield BatchFile(file.path.name, len(file.custom_ids), asked_there, unsent)


def _file_name(folder: Path, model: str, number: int) -> Path:
    """`MODEL.jsonl`, `MODEL-2.jsonl`, ...; a name that is taken, perhaps in other case, is not."""
    path = folder / (f"{model}.jsonl" if number == 1 else f"{model}-{number}.jsonl")
    return _file_name(folder, f"{model}_", number) if path.exists() else path


def _manifest(folder: Path) -> list[BatchFile]:
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
        files = TypeAdapter(list[BatchFile]).validate_python(told["files"])
    except (OSError, ValueError, TypeError, LookupError, ValidationError) as error:
        raise UsageError(
            f"{path} is damaged or was changed: expected what `evalkit batch export` wrote"
        ) from error
    if not files:
        raise UsageError(f"{folder} holds no requests: the cache held every answer at the export")
    return files


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


async def _close(providers: Iterable[Provider]) -> None:
    for provider in providers:
        await provider.close()


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
