"""Templates of graders: texts with places for a row and for what a model answered."""

from __future__ import annotations

import json
import re
from typing import Any

from evalkit.schema import Example

_PLACE = re.compile(r"\{\{\s*(item|sample)((?:\.\w+|\[\d+\])+)\s*\}\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


class EmptyPlaceError(ValueError):
    """A place that an example, or an answer, has nothing for.

    Attributes:
        space: whose place it is: `item` or `sample`.
    """

    def __init__(self, message: str, space: str) -> None:
        """Say what has nothing for whose place."""
        super().__init__(message)
        self.space = space


def fill(template: str, said: str, example: Example) -> str:
    """A template with its places `{{ item.x }}` and `{{ sample.output_text }}` filled.

    Texts go in as they are, everything else as JSON.

    Raises:
        EmptyPlaceError: a place that there is nothing for.
    """

    def value(place: re.Match[str]) -> str:
        found: Any = item_of(example) if place[1] == "item" else sample_of(said)
        for name, index in _STEP.findall(place[2]):
            try:
                found = found[int(index) if index else name]
            except (KeyError, IndexError, TypeError):
                known = f"; known are: {', '.join(found)}" if isinstance(found, dict) else ""
                message = f"nothing for {place[0]}{known}"
                raise EmptyPlaceError(message, place[1]) from None
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    return _PLACE.sub(value, template)


def item_of(example: Example) -> dict[str, Any]:
    """What a template knows of a row: its fields, its prompt and its references."""
    return {
        "prompt": example.prompt,
        "completion": example.references[0],
        "reference": example.references[0],
        "reference_answer": example.references[0],
        "references": list(example.references),
        **example.fields,
    }


def sample_of(said: str) -> dict[str, Any]:
    """What a template knows of an answer: its text, and its value if it is JSON."""
    try:
        return {"output_text": said, "output_json": json.loads(said)}
    except (ValueError, RecursionError):
        return {"output_text": said}
