"""What a shipped suite is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import yaml

from evalkit.embedded.dice import Dice


@dataclass(frozen=True, slots=True)
class Row:
    """One example on its way into a split.

    Attributes:
        prompt: what is asked.
        references: accepted answers; the first one is what a model is trained on.
        fields: slice field -> value.
        group: rows of one group (all questions about one country) share a split; empty means that
            the row is a group of its own.
    """

    prompt: str
    references: tuple[str, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one suite is made.

    Attributes:
        name: the suite's folder.
        config: text of its suite.yaml.
        rows: seeded choices -> rows; finite where the facts are, else as many as are taken.
        train: rows of the training split at most.
        form: how rows are written.
    """

    name: str
    config: str
    rows: Callable[[Dice], Iterable[Row]]
    train: int
    form: str = "prompt/completion"

    @property
    def system(self) -> str:
        """The system prompt that the suite.yaml asks with."""
        system = yaml.safe_load(self.config)["system"]
        return str(system).strip()
