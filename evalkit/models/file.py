"""`file:` completions already made, by any system, found again by id or by prompt.

A row names its example by `id`, `prompt` or `messages`, and holds the text under the first of
`completion`, `response`, `output`, `text`, `prediction` that it has. `suite` and `split` narrow a
row down where ids repeat. A run folder's own file is read as `file:RUN/completions.jsonl#MODEL`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from evalkit.errors import DataError, ModelError, Problem, nearest
from evalkit.models.prompts import canonical, flatten
from evalkit.models.provider import ReadRows, Row
from evalkit.schema import Answer, Failure, Message, ModelSpec, Request

TEXT_FIELDS = ("completion", "response", "output", "text", "prediction")
"""Where the text of a completion is looked for, in this order."""

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
            entry = _entry(row, path, inner, models)
        except _BadRow as bad:
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
        return [self._outcome(entry) for entry in found]

    async def close(self) -> None:
        """Nothing is held open."""

    def _outcome(self, entry: _Entry | None) -> Answer | Failure:
        if entry is None:
            return Failure("absent", f"{self._path.name} has no completion for this example")
        return entry.outcome

    def _stranger(self, requests: Sequence[Request]) -> str:
        asked = ", ".join(repr(request.example_id) for request in requests[:SHOWN])
        stored = ", ".join(islice(self._index.shown(), SHOWN))
        return (
            f"model {self._name!r}: no row of {self._path} belongs to an example that was asked; "
            f"asked for ids {asked}; the file starts with {stored}; expected rows whose `id` or "
            "`prompt` equals an example's"
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """One stored completion: how it names its example, and what was answered."""

    line: int
    id: str | None
    prompt: str | None
    suite: str | None
    split: str | None
    outcome: Answer | Failure


_Place = tuple[str | None, str | None, str]


@dataclass(slots=True)
class _Index:
    """Completions by id and by prompt, each with the suite and split its row names, if any."""

    by_id: dict[_Place, _Entry] = field(default_factory=dict)
    by_prompt: dict[_Place, _Entry | None] = field(default_factory=dict)
    size: int = 0

    def add(self, entry: _Entry, path: Path) -> Iterator[Problem]:
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

    def find(self, request: Request) -> _Entry | None:
        """By id, else by the row's prompt, else by the prompt as asked; the closest place first."""
        for suite, split in _places(request):
            entry = self.by_id.get((suite, split, request.example_id))
            if entry is not None:
                return entry
        texts = (request.prompt, flatten(request.messages), canonical(request.messages))
        for text in texts:
            for suite, split in _places(request):
                entry = self.by_prompt.get((suite, split, text))
                if entry is not None:
                    return entry
        return None

    def shown(self) -> Iterator[str]:
        """How the rows name their examples, for a message."""
        yield from (f"id {place[2]!r}" for place in self.by_id)
        yield from (f"prompt {place[2][:60]!r}" for place in self.by_prompt)


def _places(request: Request) -> tuple[tuple[str | None, str | None], ...]:
    return (
        (request.suite, request.split),
        (request.suite, None),
        (None, request.split),
        (None, None),
    )


class _BadRow(Exception):  # noqa: N818 - carries a problem; never leaves this file
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


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


def _entry(row: Row, path: Path, inner: str | None, models: set[str]) -> _Entry | None:
    """One row as a completion; None if it holds nothing of the model asked for."""
    where = f"{path}:{row.line}"
    values = row.values
    turns = values.get("prompt") if isinstance(values.get("prompt"), list) else None
    messages = _messages(turns or values.get("messages"), where)
    if "completions" in values:
        outcome = _of_several(values["completions"], where, inner, models)
        if outcome is None:
            return None
    elif inner is not None:
        raise _bad(where, "completions", "nothing", f"completions by model, {inner!r} among them")
    else:
        messages, outcome = _of_one(values, messages, where)
    name = _id(values.get("id"), where)
    prompt = canonical(messages) if messages else _optional_text(values, "prompt", where)
    if name is None and prompt is None:
        raise _bad(where, "", "neither `id` nor `prompt`", "one of them, to find the example by")
    return _Entry(
        line=row.line,
        id=name,
        prompt=prompt,
        suite=_optional_text(values, "suite", where),
        split=_optional_text(values, "split", where),
        outcome=outcome,
    )


def _of_one(
    values: Mapping[str, object], messages: tuple[Message, ...], where: str
) -> tuple[tuple[Message, ...], Answer | Failure]:
    """The row's own text field, else the last assistant turn of its messages."""
    for name in TEXT_FIELDS:
        if name in values:
            return messages, _answer(values[name], values, name, where)
    if messages and messages[-1].role == "assistant":
        return messages[:-1], _answer(messages[-1].content, values, "messages", where)
    expected = "the text under one of " + ", ".join(f"`{name}`" for name in TEXT_FIELDS)
    raise _bad(where, "", f"the fields {sorted(map(str, values))}", expected)


def _of_several(
    completions: object, where: str, inner: str | None, models: set[str]
) -> Answer | Failure | None:
    """The completion of one model out of a row of `completions.jsonl`."""
    if not isinstance(completions, Mapping):
        raise _bad(where, "completions", _shown(completions), "an object: model -> completion")
    models.update(str(name) for name in completions)
    if inner is None:
        names = ", ".join(repr(str(name)) for name in completions)
        expected = "one of them named, as in file:PATH#MODEL"
        raise _bad(where, "completions", f"the models {names}", expected)
    if inner not in completions:
        return None
    stored = completions[inner]
    if not isinstance(stored, Mapping):
        raise _bad(where, f"completions.{inner}", _shown(stored), "an object with `text`")
    if "failure" in stored:
        return Failure("absent", f"no answer was had: {stored.get('message')}")
    return _answer(stored.get("text"), stored, f"completions.{inner}.text", where)


def _answer(text: object, values: Mapping[str, object], field: str, where: str) -> Answer | Failure:
    """A text is an answer, null is none."""
    if text is None:
        return Failure("absent", "the stored completion is null")
    if not isinstance(text, str):
        raise _bad(where, field, _shown(text), "text, or null where there is no answer")
    reason = values.get("finish_reason")
    served = values.get("served_model")
    return Answer(
        text=text,
        finish_reason=reason if isinstance(reason, str) and reason else "stop",
        prompt_tokens=_tokens(values.get("prompt_tokens")),
        completion_tokens=_tokens(values.get("completion_tokens")),
        served_model=served if isinstance(served, str) and served else None,
    )


def _messages(value: object, where: str) -> tuple[Message, ...]:
    """The `messages` column, empty if there is none."""
    if value is None:
        return ()
    found = []
    for turn in value if isinstance(value, list) else [value]:
        role = turn.get("role") if isinstance(turn, Mapping) else None
        content = turn.get("content") if isinstance(turn, Mapping) else None
        if not isinstance(role, str) or not isinstance(content, str):
            raise _bad(where, "messages", _shown(turn), "a list of {role, content} with texts")
        found.append(Message(role, content))
    return tuple(found)


def _id(value: object, where: str) -> str | None:
    """An id as text; whole numbers are taken by their digits."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _bad(where, "id", _shown(value), "text or a whole number")


def _optional_text(values: Mapping[str, object], name: str, where: str) -> str | None:
    value = values.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise _bad(where, name, _shown(value), "text")


def _tokens(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _conflict(path: Path, entry: _Entry, name: str, first: int) -> Problem:
    value = getattr(entry, name)
    return Problem(
        f"{path}:{entry.line}",
        name,
        f"{value[:60]!r} again with a different completion (first in line {first})",
        f"one completion for each {name}; `suite` and `split` tell repeated ones apart",
    )


def _bad(where: str, field: str, found: str, expected: str) -> _BadRow:
    return _BadRow(Problem(where, field, found, expected))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - a line's worth
