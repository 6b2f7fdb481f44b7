"""Questions out: batch files for people who submit them by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Unpack

from evalkit import store
from evalkit.data import read_rows
from evalkit.errors import UsageError
from evalkit.models import Batched, Line, Provider, open_provider, write_files
from evalkit.pipeline.arguments import checked
from evalkit.pipeline.asking import batched, run_async
from evalkit.pipeline.jobs import make_jobs
from evalkit.pipeline.loading import load_suites
from evalkit.pipeline.options import RunOptions, listed
from evalkit.pipeline.plan import make_plan
from evalkit.pipeline.sweep import jobs_of
from evalkit.runner import Cache, Job, cache_key, model_key
from evalkit.schema import ModelSpec, Request

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


@checked
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
    cached = _drop_cached(questions, served, plan.cache)
    try:
        files = _write_all(folder, plan.models, served, questions)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"--out {folder} cannot be written: {reason}") from error
    return Exported(folder, files, cached, tuple(providers.keys() - served.keys()))


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


def _drop_cached(
    questions: Mapping[str, dict[str, Request]], providers: Mapping[str, Batched], folder: Path
) -> int:
    """Take out the questions whose answers the cache holds, and count them.

    Providers learn what the cache knows of their servers.
    """
    cached = 0
    with Cache(folder) as cache:
        for name, asked in questions.items():
            providers[name].learn(cache.notes(model_key(providers[name])))
            for key in cache.get(list(asked)):
                del asked[key]
                cached += 1
    return cached


def _write_all(
    folder: Path,
    models: Sequence[ModelSpec],
    providers: Mapping[str, Batched],
    questions: Mapping[str, Mapping[str, Request]],
) -> tuple[BatchFile, ...]:
    """The files of all models, and the manifest that says whose they are."""
    folder.mkdir(parents=True, exist_ok=True)
    files = tuple(
        file
        for spec in models
        for file in _write(folder, spec, providers.get(spec.name), questions.get(spec.name, {}))
    )
    manifest = {"format": FORMAT, "files": [asdict(file) for file in files]}
    store.replace_file(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    return files


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


async def _close(providers: Iterable[Provider]) -> None:
    for provider in providers:
        await provider.close()
