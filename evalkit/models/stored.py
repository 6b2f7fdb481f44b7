"""One row of a file of completions: which example it belongs to, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import Problem
from evalkit.models.prompts import canonical
from evalkit.models.provider import Row
from evalkit.schema import Answer, Failure, Message

TEXT_FIELDS = ("completion", "response", "output", "text", "prediction")
"""Where the text of a completion is looked for, in this order."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One completion.

    Attributes:
        line: where it stands, for messages.
        id: of its example, if the row says.
        prompt: of its example, as text or as canonical messages, if the row says.
        suite: the only suite it is for; None for any.
        split: the only split it is for; None for any.
        outcome: what was answered; a failure where the row says that nothing was.
    """

    line: int
    id: str | None
    prompt: str | None
    suite: str | None
    split: str | None
    outcome: Answer | Failure


class BadRow(Exception):  # noqa: N818 - carries a problem to whoever collects them
    """A row that is no completion."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def read_stored(row: Row, path: Path, inner: str | None, models: set[str]) -> Stored | None:
    """One row as a completion.

    Args:
        row: as a reader yields it.
        path: its file, for messages.
        inner: which model's completion, where rows hold those of several.
        models: gathers the names of the models that rows hold.

    Returns:
        The completion; None if the row holds nothing of that model.

    Raises:
        BadRow: the row is no completion.
    """
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
    return Stored(
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


def _bad(where: str, field: str, found: str, expected: str) -> BadRow:
    return BadRow(Problem(where, field, found, expected))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - a line's worth
