"""The shipped scorers as a suite has to write them: some cannot do without an option."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.schema import Example
from evalkit.scorers.builtin import BUILTIN

NEEDED = {
    "composite": "composite(exact_match=1, f1=1)",
    "json_schema": f"json_schema(file={str(Path(__file__).parent / 'any.schema.json')!r})",
    "language": "language(code='en')",
}
WRITTEN = {name: NEEDED.get(name, name) for name in BUILTIN}
"""Name -> how it is written at its shortest."""

LIKELIHOOD = {"label_accuracy", "label_brier", "label_ece", "perplexity", "bits_per_byte"}
"""Those that read log-probabilities, and no completion."""


def examples(references: Sequence[Sequence[str]]) -> list[Example]:
    """Examples for scorers that look at the prompt, too."""
    return [
        Example(str(i), "Is it seven or eight?", (), tuple(accepted))
        for i, accepted in enumerate(references)
    ]
