"""How messages become a prompt, and where the text that follows it ends."""

from __future__ import annotations

import json
from collections.abc import Sequence

from evalkit.schema import Message


def flatten(messages: Sequence[Message]) -> str:
    """One plain text: the contents of all turns, joined by blank lines.

    A single user turn is its content unchanged. Roles are not written: a model without a chat
    template has never seen them, and what should stand there belongs into the suite's template.
    """
    return "\n\n".join(message.content for message in messages)


def continued(prompt: str, text: str) -> str:
    """A prompt and a text that completes it, in plain text.

    A space goes between them unless there is white space already: it belongs to the first word, and
    no model that continues text would leave it out.
    """
    joined = not prompt or not text or prompt[-1].isspace() or text[0].isspace()
    return prompt + text if joined else f"{prompt} {text}"


def cut(text: str, stops: Sequence[str]) -> str:
    """The text before the first stop."""
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(places)] if places else text


def wire(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Messages as a chat API takes them."""
    return [{"role": message.role, "content": message.content} for message in messages]


def canonical(messages: Sequence[Message]) -> str:
    """Messages as one text that is equal exactly when they are."""
    return json.dumps([[message.role, message.content] for message in messages])
