"""Templates of graders: texts with places for a row and for what a model answered."""

from __future__ import annotations

import json
import re
from typing import Any

from evalkit.schema import Example

_PLACE = re.compile(r"\{\{\s*(item|sample)((?:\.\w+|\[\d+\])+)\s*\}\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def fill(template: str, said: str, example: Example) -> str:
    """A template with its places `{{ item.x }}` and `{{ sample.output_text }}` filled.

    Texts go in as they are, everything else as JSON.

    Raises:
        ValueError: a place that this example has nothing for.
    """

    def value(place: re.Match[str]) -> str:
        found: Any = item_of(example) if place[1] == "item" else sample_of(said)
        for name, index in _STEP.findall(place[2]):
            try:
                found = found[int(index) if index else name]
            except (KeyError, IndexError, TypeError):
                known = f"; known are: {', '.join(found)}" if isinstance(found, dict) else ""
                raise ValueError(f"nothing for {place[0]}{known}") from None
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
