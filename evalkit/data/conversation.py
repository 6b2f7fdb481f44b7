"""Messages as rows hold them: roles, contents, parts, and what is not supported."""

from __future__ import annotations

from evalkit.data.describe import describe, listed, shorten
from evalkit.data.readers.jsontext import Rejected, parse
from evalkit.errors import nearest
from evalkit.schema import Message

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""Role in a row -> role of a message; `developer` is the newer name of `system`."""

_MESSAGES = "a list of messages, {'role': ..., 'content': ...}"


class Wrong(Exception):  # noqa: N818 - becomes a `Problem` where file and line are known
    """What is wrong with one field of a row."""

    def __init__(self, field: str, found: str, expected: str) -> None:
        super().__init__(field, found, expected)
        self.field = field
        self.found = found
        self.expected = expected


def as_turns(field: str, value: object) -> tuple[Message, ...]:
    """A prompt as turns: a text is one user turn; in a table, messages are JSON text.

    Raises:
        Wrong: neither text nor messages, or a message that cannot be asked.
    """
    if isinstance(value, str):
        if field == "prompt":
            return (Message("user", value),)
        value = _from_json(field, value, _MESSAGES)
    if not isinstance(value, list):
        raise Wrong(
            field, describe(value), f"text or {_MESSAGES}" if field == "prompt" else _MESSAGES
        )
    if not value:
        raise Wrong(field, "an empty list", _MESSAGES)
    return tuple(_message(f"{field}[{index}]", message) for index, message in enumerate(value))


def as_references(field: str, value: object) -> tuple[str, ...]:
    """The accepted answers: a text, a list of texts, or one assistant message in a list.

    A text is one answer, whatever it looks like; only `references` is read as JSON, since a table
    has no other way to hold a list.

    Raises:
        Wrong: something else, or an empty list.
    """
    expected = "text, or a list of texts"
    if isinstance(value, str):
        if field != "references":
            return (value,)
        expected = 'a list of texts (in a table as JSON, ["a", "b"])'
        value = _from_json(field, value, expected)
    if not isinstance(value, list):
        raise Wrong(field, describe(value), expected)
    if not value:
        raise Wrong(field, "an empty list", "at least one accepted answer")
    if isinstance(value[0], dict):
        turns = as_turns(field, value)
        if len(turns) > 1 or turns[0].role != "assistant":
            roles = ", ".join(turn.role for turn in turns)
            raise Wrong(field, f"messages of the roles {roles}", "one assistant message")
        return (turns[0].content,)
    for index, item in enumerate(value):
        if not isinstance(item, str):
            raise Wrong(f"{field}[{index}]", describe(item), "text")
    return tuple(value)


def as_paraphrases(field: str, value: object) -> list[str]:
    """Other wordings of a prompt: a text, or a list of texts (in a table as JSON); none if empty.

    Raises:
        Wrong: something else, or a text that asks nothing.
    """
    expected = 'a list of texts (in a table as JSON, ["a", "b"])'
    if value is None or value == "":
        return []
    if isinstance(value, str):
        value = _from_json(field, value, expected) if value.startswith("[") else [value]
    if not isinstance(value, list):
        raise Wrong(field, describe(value), expected)
    for index, text in enumerate(value):
        if not isinstance(text, str) or not text.strip():
            raise Wrong(f"{field}[{index}]", describe(text), "text that asks what the prompt asks")
    return list(value)


def _from_json(field: str, text: str, expected: str) -> object:
    try:
        return parse(text)
    except Rejected:
        raise Wrong(field, f"the text {shorten(text)}", expected) from None


def _message(place: str, value: object) -> Message:
    if not isinstance(value, dict):
        raise Wrong(place, describe(value), "a message, {'role': ..., 'content': ...}")
    role = value.get("role")
    if not isinstance(role, str):
        found = describe(role) if "role" in value else f"only {listed('the key', value)}"
        raise Wrong(f"{place}.role", found, "one of system, user, assistant")
    if role not in ROLES:
        if role in {"tool", "function"}:
            found = f"a message of the role {role!r}"
            raise Wrong(place, found, "no tool calls: they are not supported")
        expected = "one of system, user, assistant"
        raise Wrong(f"{place}.role", repr(role), f"{expected}; {nearest(role, ROLES)}")
    return Message(ROLES[role], _content(f"{place}.content", value))


def _content(place: str, message: dict[str, object]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if content is None and any(message.get(key) for key in ("tool_calls", "function_call")):
        raise Wrong(place, "tool calls instead of text", "text: tool calls are not supported")
    if not isinstance(content, list):
        raise Wrong(place, describe(content), "text, or a list of text parts")
    return "".join(_part(f"{place}[{index}]", part) for index, part in enumerate(content))


def _part(place: str, part: object) -> str:
    text = part.get("text") if isinstance(part, dict) else None
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(text, str):
        return text
    found = (
        f"a part of type {part['type']!r}" if isinstance(part, dict) and "type" in part else None
    )
    raise Wrong(
        place, found or describe(part), "{'type': 'text', 'text': ...}: only text is supported"
    )
