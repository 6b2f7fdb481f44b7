"""Rows -> examples. Rows are fine-tuning data as people have it, unchanged.

    {"prompt": "2 + 2?", "completion": "4"}                      a list of texts: each is accepted
    {"prompt": "2 + 2?", "references": ["4", "four"]}            the same; as JSON text in tables
    {"messages": [..., {"role": "assistant", "content": "4"}]}   the last message is the reference
    {"prompt": [{"role": ...}], "completion": [{"role": ...}]}   both as messages

`id` is optional. Every other key is a metadata field of the example; `paraphrases`, a list of
texts, holds the user's own rewordings of the prompt.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from sys import intern
from typing import Any

from evalkit.data.conversation import Wrong, as_paraphrases, as_references, as_turns
from evalkit.data.describe import describe, listed
from evalkit.data.problems import Problems
from evalkit.data.readers import Row, scan_rows
from evalkit.errors import Problem, nearest
from evalkit.schema import Example, Message

HASH_LENGTH = 16
"""Hexadecimal digits of a content hash used as an id."""

PARAPHRASES = "paraphrases"

_NO_FIELDS: Mapping[str, Any] = {}
_INTERNED = 32  # characters up to which field values are stored once: they are mostly categories


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a row asks and accepts, and the keys that said so."""

    turns: tuple[Message, ...]
    references: tuple[str, ...]
    keys: Collection[str]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The examples of a file, in file order, with the turns of their rows as messages.

    Attributes:
        path: the file.
        examples: those that could be read.
        lines: the line of each.
    """

    path: Path
    examples: list[Example]
    lines: array[int]


def load_examples(path: Path, problems: Problems, *, labels: Collection[str] = ()) -> Loaded:
    """Read a file.

    A row without an id gets a hash of its content; where equal rows have none, the second is
    called `<hash>-2`, the third `<hash>-3`.

    Args:
        path: the data file.
        problems: collects everything that is wrong with its rows.
        labels: the references that are allowed; empty allows all.
    """
    loaded = Loaded(path, [], array("Q"))
    seen: dict[str, int] = {}
    systems: dict[Message, Message] = {}
    empty = True
    for item in scan_rows(path):
        empty = False
        if isinstance(item, Problem):
            problems.add(item)
            continue
        found = _example(item, systems)
        if isinstance(found, Wrong):
            problems.add(item.problem(found.field, found.found, found.expected))
            continue
        example = _with_id(found, item, seen, problems)
        for problem in _unknown_labels(example, item, labels):
            problems.add(problem)
        loaded.examples.append(example)
        loaded.lines.append(item.line)
    if empty:
        problems.add(Problem(str(path), "", "no rows", "at least one"))
    return loaded


def hash_examples(examples: Iterable[Example]) -> str:
    """SHA-256 of what the examples are, ask and accept, in hexadecimal."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(json.dumps(example.id).encode())
        digest.update(_canonical(example.messages, example.references))
    return digest.hexdigest()


def _example(row: Row, systems: dict[Message, Message]) -> Example | Wrong:
    try:
        asked = _asked(row.values)
        identifier = _given_id(row.values)
        paraphrases = as_paraphrases(PARAPHRASES, row.values.get(PARAPHRASES))
    except Wrong as wrong:
        return wrong
    # A million rows often begin with one and the same system message.
    turns = tuple(
        systems.setdefault(turn, turn) if turn.role == "system" else turn for turn in asked.turns
    )
    fields = {
        intern(key): intern(value) if type(value) is str and len(value) <= _INTERNED else value
        for key, value in row.values.items()
        if key != "id" and key not in asked.keys
    }
    if PARAPHRASES in fields:
        fields[PARAPHRASES] = paraphrases
    return Example(
        id=identifier,
        prompt=turns[-1].content,
        messages=turns,
        references=asked.references,
        fields=fields or _NO_FIELDS,
        earlier=turns[turns[0].role == "system" : -1],
    )


def _asked(values: Mapping[str, object]) -> _Asked:
    """Which of the shapes a row has.

    Raises:
        Wrong: none, or two at once.
    """
    messages, prompt = values.get("messages"), values.get("prompt")
    accepted = [key for key in ("completion", "references") if values.get(key) is not None]
    if len(accepted) > 1:
        raise Wrong("references", "both 'completion' and 'references'", "one of them")
    if messages is None and prompt is None:
        raise _no_prompt(values)
    if messages is not None:
        turns = as_turns("messages", messages)
        if turns[-1].role == "assistant":
            if accepted:
                found = f"{accepted[0]!r} besides an assistant message at the end of 'messages'"
                raise Wrong(accepted[0], found, "the reference in one place")
            return _Asked(_question("messages", turns[:-1]), (turns[-1].content,), ("messages",))
        if not accepted:
            found = f"a last message of the role {turns[-1].role!r}"
            raise Wrong("messages", found, "an assistant message at the end: the reference")
        key = "messages"
    else:
        turns = as_turns("prompt", prompt)
        key = "prompt"
    if not accepted:
        raise _no_completion(values)
    references = as_references(accepted[0], values[accepted[0]])
    return _Asked(_question(key, turns), references, (key, "completion", "references"))


def _question(key: str, turns: tuple[Message, ...]) -> tuple[Message, ...]:
    """The turns before the reference: they must end with a question.

    Raises:
        Wrong: they don't, or it is empty.
    """
    if not turns or turns[-1].role != "user":
        found = f"the role {turns[-1].role!r}" if turns else "nothing"
        raise Wrong(key, f"{found} before the reference", "a user message")
    if not turns[-1].content.strip():
        raise Wrong(key, "an empty prompt", "text")
    return turns


def _no_prompt(values: Mapping[str, object]) -> Wrong:
    for key in ("prompt", "messages"):
        if key in values:
            return Wrong(key, "null", "text, or a list of messages")
    expected = "'prompt' and 'completion', or 'messages'"
    found = listed("the key", values) if values else "no keys"
    for key, name in (("prompt", "prompt"), ("messages", "messages")):
        hint = nearest(key, values)
        if hint.startswith("did you mean"):
            near = hint.removeprefix("did you mean ").removesuffix("?")
            return Wrong(name, f"no such key, but {near}", f"{expected}; rename {near} to {key!r}")
    return Wrong("prompt", found, f"{expected} (rename your columns)")


def _no_completion(values: Mapping[str, object]) -> Wrong:
    expected = "text, or a list of texts: the accepted answers"
    for key in ("completion", "references"):
        if key in values:
            return Wrong(key, "null", expected)
    return Wrong("completion", f"only {listed('the key', values)}", expected)


def _given_id(values: Mapping[str, object]) -> str:
    """The row's own id as text; empty if it has none.

    Raises:
        Wrong: an id that is neither text nor an integer.
    """
    if "id" not in values:
        return ""
    value = values["id"]
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Wrong("id", describe(value), "text or an integer, or no id at all")


def _with_id(example: Example, row: Row, seen: dict[str, int], problems: Problems) -> Example:
    """The example under an id that is unique in its file."""
    identifier = example.id
    if not identifier:
        content = hashlib.sha256(_canonical(example.messages, example.references)).hexdigest()
        identifier, copies = content[:HASH_LENGTH], 1
        while identifier in seen:
            copies += 1
            identifier = f"{content[:HASH_LENGTH]}-{copies}"
        example = replace(example, id=identifier)
    elif identifier in seen:
        found = f"{identifier!r}, which line {seen[identifier]} has too"
        problems.add(row.problem("id", found, "an id of its own"))
    seen.setdefault(identifier, row.line)
    return example


def _unknown_labels(example: Example, row: Row, labels: Collection[str]) -> Iterable[Problem]:
    if not labels:
        return
    for reference in example.references:
        if reference.strip() not in labels:
            expected = f"one of the suite's labels; {nearest(reference, labels)}"
            yield row.problem("completion", describe(reference), expected)


def _canonical(turns: Iterable[Message], references: Iterable[str]) -> bytes:
    """One text for one content, whatever shape the row had."""
    content = [[[turn.role, turn.content] for turn in turns], list(references)]
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
