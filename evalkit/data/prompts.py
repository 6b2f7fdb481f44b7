"""The prompt as it is asked: system prompt, shown examples, template.

The row's own system message wins over the suite's. A template is filled into the last user turn,
and into that of every shown example; earlier turns stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.schema import Example, Message

PROMPT = "prompt"
"""The place of the row's own prompt in a template."""


class TemplateError(Exception):
    """A template that cannot be meant; `str()` says what was found and expected."""


@dataclass(frozen=True, slots=True)
class Template:
    """Text with `{field}` places.

    Attributes:
        parts: literal text and the place that follows it, or None at the end.
    """

    parts: tuple[tuple[str, str | None], ...]

    @property
    def places(self) -> tuple[str, ...]:
        """The fields that are filled in."""
        return tuple(place for _, place in self.parts if place is not None)

    def missing(self, fields: Mapping[str, Any]) -> list[str]:
        """The places for which a row has no value, or null."""
        return [p for p in self.places if p != PROMPT and fields.get(p) is None]

    def fill(self, prompt: str, fields: Mapping[str, Any]) -> str:
        """The template with the values of a row of which none is missing.

        Text goes in as it is, numbers, lists and objects as JSON.
        """
        return "".join(
            literal + ("" if place is None else _value(place, prompt, fields))
            for literal, place in self.parts
        )


def parse_template(text: str) -> Template:
    """Read a template. `{{` and `}}` are literal braces.

    A place is a key of the row and nothing else: no attributes, indices or formats, so that a row
    can never reach into the program.

    Raises:
        TemplateError: unbalanced braces, an empty place, or a conversion or format in a place.
    """
    try:
        parts = tuple(string.Formatter().parse(text))
    except ValueError as error:
        raise TemplateError(
            f"{error}".lower() + ", expected {field} places, and {{ }} for literal braces"
        ) from None
    for _, place, style, conversion in parts:
        if place is None:
            continue
        if not place:
            raise TemplateError("an empty place {}, expected the name of a field, such as {prompt}")
        if style or conversion:
            written = place
            written += f"!{conversion}" if conversion else ""
            written += f":{style}" if style else ""
            raise TemplateError(
                f"{{{written}}}, expected a plain {{{place}}}: rows are not formatted "
                "(write {{ }} for literal braces)"
            )
    return Template(tuple((literal, place) for literal, place, _, _ in parts))


def render(
    example: Example,
    *,
    system: str | None = None,
    template: Template | None = None,
    shots: Sequence[Message] = (),
) -> tuple[Message, ...]:
    """What is asked for one example.

    Args:
        example: with the turns of its row as messages.
        system: the suite's system prompt, for rows that have none.
        template: how the last user turn is written; None leaves it alone.
        shots: turns shown between the system prompt and the conversation.
    """
    turns = example.messages
    head = 1 if turns[0].role == "system" else 0
    first = turns[:head] or ((Message("system", system),) if system else ())
    if template is None:
        return (*first, *shots, *turns[head:])
    asked = Message("user", template.fill(example.prompt, example.fields))
    return (*first, *shots, *turns[head:-1], asked)


class Shots:
    """The training examples that are shown before a question: the same ones for every question.

    They are drawn by a hash of the suite's name and their own id, so neither the order of the file
    nor anything else in it matters. A question that is among them gets the next one instead.
    """

    def __init__(
        self, suite: str, count: int, train: Sequence[Example], template: Template | None
    ) -> None:
        """Draw them.

        Args:
            suite: the suite's name.
            count: how many are shown.
            train: training examples with the turns of their rows.
            template: how their prompts are written.
        """
        order = sorted(train, key=lambda example: _draw(suite, example.id))
        drawn = _distinct(order, count + 1, template)
        self._count = count
        self._template = template
        self._questions = list(drawn)
        self._turns = [_shown(asked, example) for asked, example in drawn.items()]
        self._usual = _joined(self._turns[:count])

    @property
    def enough(self) -> bool:
        """Whether there are enough different training questions to show."""
        return len(self._questions) > self._count

    def before(self, example: Example) -> tuple[Message, ...]:
        """The turns shown before this example: never the example itself."""
        question = render(example, template=self._template)
        if question not in self._questions[: self._count]:
            return self._usual
        others = [
            turns
            for shown, turns in zip(self._questions, self._turns, strict=True)
            if shown != question
        ]
        return _joined(others[: self._count])


def _distinct(
    examples: Iterable[Example], count: int, template: Template | None
) -> dict[tuple[Message, ...], Example]:
    """The first different questions and their examples.

    One prompt is many questions where the template puts something else beside it: often a prompt
    says only what to do, and the row's other fields to what.
    """
    found: dict[tuple[Message, ...], Example] = {}
    for example in examples:
        found.setdefault(render(example, template=template), example)
        if len(found) == count:
            break
    return found


def _draw(suite: str, identifier: str) -> bytes:
    return hashlib.sha256(f"{suite}\n{identifier}".encode()).digest()


def _shown(question: tuple[Message, ...], example: Example) -> tuple[Message, ...]:
    asked = question[1:] if question[0].role == "system" else question
    return (*asked, Message("assistant", example.references[0]))


def _joined(turns: Iterable[tuple[Message, ...]]) -> tuple[Message, ...]:
    return tuple(message for group in turns for message in group)


def _value(place: str, prompt: str, fields: Mapping[str, Any]) -> str:
    value = prompt if place == PROMPT else fields[place]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
