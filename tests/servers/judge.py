"""A model behind the test server that judges: deterministic, and able to do all that judges do.

A judge is asked in the words of `PROMPT`, or any others in which the texts to be compared follow
`Reference:` and `Said:`. It gives a share of the reference's words that were said, as JSON where it
is asked for a form, else in prose; and a label where its form wants one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

JUDGE = "judge"
"""Name of the served model."""

PROMPT = "Reference: {{ item.reference }}\nSaid: {{ sample.output_text }}"

SCORE: Mapping[str, Any] = {
    "type": "score_model",
    "name": "close",
    "model": JUDGE,
    "range": [0, 10],
    "input": [
        {"role": "developer", "content": "How close is what was said to the reference, 0 to 10?"},
        {"role": "user", "content": [{"type": "input_text", "text": PROMPT}]},
    ],
}
LABEL: Mapping[str, Any] = {
    "type": "label_model",
    "name": "right",
    "model": JUDGE,
    "labels": ["right", "wrong"],
    "passing_labels": ["right"],
    "input": [{"role": "user", "content": PROMPT}],
}


def graded(body: Mapping[str, Any], *, high: float = 10.0) -> str:
    """What the judge replies to a request."""
    asked = str(body["messages"][-1]["content"])
    found = re.search(r"Reference: (.*)\nSaid:(.*)", asked, re.DOTALL)
    assert found, asked
    wanted, said = found[1].split(), found[2].split()
    share = sum(word in said for word in wanted) / max(1, len(wanted))
    form = body.get("response_format", {}).get("json_schema", {}).get("schema")
    result = {} if form is None else form["properties"]["result"]
    labels = result.get("enum")
    if labels:
        told: float | str = labels[0] if share == 1 else labels[1]
    else:
        told = round(high * share, 2)
    step = {"description": "words of the reference", "conclusion": f"{share:.0%} <b>said</b>"}
    if form is None:
        return f"I see {share:.0%} of the reference. Score: {told}"
    return json.dumps({"steps": [step], "result": told})
