"""`file:` completions already made, by any system, found again by id or by prompt.

A row names its example by `id`, `prompt` or `messages`, and holds the text under the first of
`completion`, `response`, `output`, `text`, `prediction` that it has. `suite` and `split` narrow a
row down where ids repeat. A run folder's own file is read as `file:RUN/completions.jsonl#MODEL`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from evalkit.errors import DataError, ModelError, Problem, nearest
from evalkit.models.prompts import canonical, flatten
from evalkit.models.provider import ReadRows
from evalkit.models.stored import BadRow, Stored, read_stored
from evalkit.schema import Answer, Failure, ModelSpec, Request

SHOWN = 3
"""How many ids of either side a message shows."""


def open_file(spec: ModelSpec, read_rows: ReadRows) -> FileProvider:
    """Read a file of completions.

    Args:
        spec: `model` is the path, with `#MODEL` where rows hold the completions of several models.
        read_rows: reads any data file row by row.

    Raises:
        ModelError: there is no such file, or no such model in it.
        DataError: rows that are no completions, or that contradict each other.
    """
    path, inner = _locate(spec)
    index = _Index()
    problems: list[Problem] = []
    models: set[str] = set()
    for row in read_rows(path):
        try:
            entry = read_stored(row, path, inner, models)
        except BadRow as bad:
            problems.append(bad.problem)
            continue
        if entry is not None:
            problems.extend(index.add(entry, path))
    if problems:
        raise DataError(problems)
    if inner is not None and inner not in models:
        raise ModelError(
            f"model {spec.name!r}: {path} holds no completions of {inner!r}; "
            + nearest(inner, models)
        )
    if not index.size:
        raise ModelError(f"model {spec.name!r}: {path} holds no rows")
    return FileProvider(spec.name, path, inner, index)


class FileProvider:
    """Stored completions; see `Provider`. Instant, and nothing of it goes into the cache."""

    endpoint = "file"
    batch = 1_000_000
    parallel: int | None = 1
    cacheable = False

    def __init__(self, name: str, path: Path, inner: str | None, index: _Index) -> None:
        self.identity = f"{path}#{inner}" if inner else str(path)
        self.notes: list[str] = []
        self._name = name
        self._path = path
        self._index = index
        self._matched = False

    def prompt_key(self, request: Request) -> str:
        """Whatever a row can name: suite, split, id and messages."""
        place = f"{request.suite}/{request.split}/{request.example_id}"
        return f"{place} {canonical(request.messages)}"

    async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        """Look up every request.

        Raises:
            ModelError: no row of the file belongs to any example asked so far.
        """
        found = [self._index.find(request) for request in requests]
        self._matched = self._matched or any(entry is not None for entry in found)
        if requests and not self._matched:
            raise ModelError(self._stranger(requests))
        self._doubt(requests, found)
        return [self._outcome(entry) for entry in found]

    async def close(self) -> None:
        """Nothing is held open."""

    def _outcome(self, entry: Stored | None) -> Answer | Failure:
        if entry is None:
            return Failure("absent", f"{self._path.name} has no completion for this example")
        return entry.outcome

    def _doubt(self, requests: Sequence[Request], found: Sequence[Stored | None]) -> None:
        """Note completions whose id fits and whose prompt does not: perhaps of other data."""
        pairs = zip(requests, found, strict=True)
        doubtful = sum(
            entry is not None and entry.prompt is not None and entry.prompt not in _texts(request)
            for request, entry in pairs
        )
        if doubtful:
            self.notes.append(
                f"{self._path.name}: {doubtful} of {len(requests)} completions were found by id, "
                "while the prompt beside them is not the example's"
            )

    def _stranger(self, requests: Sequence[Request]) -> str:
        asked = ", ".join(repr(request.example_id) for request in requests[:SHOWN])
        stored = ", ".join(islice(self._index.shown(), SHOWN))
        return (
            f"model {self._name!r}: no row of {self._path} belongs to an example that was asked; "
            f"asked for ids {asked}; the file starts with {stored}; expected rows whose `id` or "
            "`prompt` equals an example's"
        )


_Place = tuple[str | None, str | None, str]


@dataclass(slots=True)
class _Index:
    """Completions by id and by prompt, each with the suite and split its row names, if any."""

    by_id: dict[_Place, Stored] = field(default_factory=dict)
    by_prompt: dict[_Place, Stored | None] = field(default_factory=dict)
    size: int = 0

    def add(self, entry: Stored, path: Path) -> Iterator[Problem]:
        """File a completion; yields a problem if an earlier one for the same example differs."""
        self.size += 1
        if entry.id is not None:
            first = self.by_id.setdefault((entry.suite, entry.split, entry.id), entry)
            if first.outcome != entry.outcome:
                yield _conflict(path, entry, "id", first.line)
        if entry.prompt is not None:
            place = (entry.suite, entry.split, entry.prompt)
            known = self.by_prompt.setdefault(place, entry)
            if known is None or known.outcome == entry.outcome:
                return
            # Rows with ids can do without their prompt; without ids nothing else tells them apart.
            self.by_prompt[place] = None
            if entry.id is None:
                yield _conflict(path, entry, "prompt", known.line)

    def find(self, request: Request) -> Stored | None:
        """By id, else by the row's prompt, else by the prompt as asked; the closest place first."""
        for suite, split in _places(request):
            entry = self.by_id.get((suite, split, request.example_id))
            if entry is not None:
                return entry
        for text in _texts(request):
            for suite, split in _places(request):
                entry = self.by_prompt.get((suite, split, text))
                if entry is not None:
                    return entry
        return None

    def shown(self) -> Iterator[str]:
        """How the rows name their examples, for a message."""
        yield from (f"id {place[2]!r}" for place in self.by_id)
        yield from (f"prompt {place[2][:60]!r}" for place in self.by_prompt)


def _texts(request: Request) -> tuple[str, str, str]:
    """The prompt in every form a row can give it: as written, as asked, and as messages."""
    return request.prompt, flatten(request.messages), canonical(request.messages)


def _places(request: Request) -> tuple[tuple[str | None, str | None], ...]:
    return (
        (request.suite, request.split),
        (request.suite, None),
        (None, request.split),
        (None, None),
    )


def _locate(spec: ModelSpec) -> tuple[Path, str | None]:
    """The path, and the model within the file after the last `#`."""
    whole = Path(spec.model).expanduser()
    if whole.is_file():
        return whole, None
    path, mark, inner = spec.model.rpartition("#")
    if mark and Path(path).expanduser().is_file():
        return Path(path).expanduser(), inner
    missing = Path(path).expanduser() if mark else whole
    beside = [file.name for file in missing.parent.glob("*") if file.is_file()]
    raise ModelError(
        f"model {spec.name!r}: there is no file {missing}; expected completions, as in "
        f"file:outputs.jsonl; in that folder {nearest(missing.name, sorted(beside)[:20])}"
    )


def _conflict(path: Path, entry: Stored, name: str, first: int) -> Problem:
    value = getattr(entry, name)
    return Problem(
        f"{path}:{entry.line}",
        name,
        f"{value[:60]!r} again with a different completion (first in line {first})",
        f"one completion for each {name}; `suite` and `split` tell repeated ones apart",
    )
