"""Questions out: batch files for people who submit them by hand."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Unpack

from evalkit import store
from evalkit.errors import UsageError
from evalkit.models import Batched, Line, write_files
from evalkit.pipeline.arguments import checked
from evalkit.pipeline.foreseeing import Foreseen, foresee
from evalkit.pipeline.judging import judges_asked
from evalkit.pipeline.loading import load_suites
from evalkit.pipeline.opening import require_batched, run_async
from evalkit.pipeline.options import RunOptions, listed
from evalkit.pipeline.plan import make_plan
from evalkit.pipeline.sweep import jobs_of
from evalkit.runner import Cache, cache_key, model_key
from evalkit.schema import ModelSpec, Request

MANIFEST = "batch.json"
"""Says of each file of a folder whose questions it holds."""

FORMAT = 1
"""Of the manifest: raised when an older evalkit could not read it."""


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
        left_out: arms and judges that cannot be asked by file.
        waiting: judges that will be asked about answers which are not there yet: once they are, the
            next export holds those questions.
    """

    folder: Path
    files: tuple[BatchFile, ...]
    cached: int
    left_out: tuple[str, ...]
    waiting: tuple[str, ...]


@checked
def export_batches(
    suites: str | Path | Sequence[str | Path] = (),
    *,
    out: str | Path,
    **options: Unpack[RunOptions],
) -> Exported:
    """Write everything that a run would ask as files for `vllm run-batch` or the Batch API.

    Nothing is asked, and no key is needed. What the cache holds is left out. Of judges it is what
    they are asked about the completions that the cache holds: more are there after an import.

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
    loaded = load_suites(plan)
    models = (*plan.models, *judges_asked(plan, loaded.suites))
    providers, foreseen = run_async(foresee(plan, loaded, models))
    served = require_batched(providers)
    questions, cached = _questions(foreseen, served)
    _learn(served, plan.cache)
    waiting = {one.job.model for one in foreseen if not one.certain} & served.keys()
    try:
        files = _write_all(folder, models, served, questions, waiting)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"--out {folder} cannot be written: {reason}") from error
    left_out = tuple(name for name in providers if name not in served)
    return Exported(folder, files, cached, left_out, tuple(sorted(waiting)))


def _questions(
    foreseen: Iterable[Foreseen], providers: Mapping[str, Batched]
) -> tuple[dict[str, dict[str, Request]], int]:
    """Model -> cache key -> request, of what can be asked by file now; and how many are answered.

    A question of several arms that are one model is there once.
    """
    found: dict[str, dict[str, Request]] = {}
    seen: set[str] = set()
    cached = 0
    for one in foreseen:
        job = one.job
        if job.model not in providers or job.request.scored is not None or not one.certain:
            continue
        key = cache_key(providers[job.model], job.request, job.repeat)
        if key in seen:
            continue
        seen.add(key)
        if one.answer is None:
            found.setdefault(job.model, {})[key] = job.request
        else:
            cached += 1
    return found, cached


def _learn(providers: Mapping[str, Batched], folder: Path) -> None:
    """Tell providers what the cache knows of their servers."""
    with Cache(folder) as cache:
        for provider in providers.values():
            provider.learn(cache.notes(model_key(provider)))


def _write_all(
    folder: Path,
    models: Sequence[ModelSpec],
    providers: Mapping[str, Batched],
    questions: Mapping[str, Mapping[str, Request]],
    waiting: Collection[str],
) -> tuple[BatchFile, ...]:
    """The files of all models, and the manifest that says whose they are and who is waiting."""
    folder.mkdir(parents=True, exist_ok=True)
    files = tuple(
        file
        for spec in models
        for file in _write(folder, spec, providers.get(spec.name), questions.get(spec.name, {}))
    )
    manifest = {
        "format": FORMAT,
        "files": [asdict(file) for file in files],
        "waiting": sorted(waiting),
    }
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
    model = model.replace(":", "-")  # of a judge: not every file system takes it
    path = folder / (f"{model}.jsonl" if number == 1 else f"{model}-{number}.jsonl")
    return _file_name(folder, f"{model}_", number) if path.exists() else path
