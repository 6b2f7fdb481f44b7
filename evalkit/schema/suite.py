"""A suite: held-out prompts with references, and how they are asked and scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evalkit.schema.asking import Generation, Message, ModelSpec

PERTURBED = "perturbed"
"""The split that reworded test prompts make up."""
ORIGINAL, REWORDING = "original", "rewording"
"""Fields of a reworded example: the id of the example it comes from, and the kind of rewording."""
CLUSTER = "cluster_id"
"""Rows that share this field's value (a document, a template) are one unit."""

Task = Literal["qa", "classification", "summarization", "translation", "extraction", "generation"]


@dataclass(frozen=True, slots=True)
class Example:
    """One prompt with its accepted answers: the unit of every statistic.

    Attributes:
        id: the row's own id as text, or a hash of its content.
        prompt: the row's prompt as written (of `messages` rows: the last user turn), before system
            prompt, few-shot and template.
        messages: the prompt as it is asked.
        references: accepted answers, at least one.
        fields: the row's other keys, usable in templates and slices.
        earlier: the row's turns before the prompt, but for a system message. Leakage compares
            them; a run folder has them among `messages` only.
    """

    id: str
    prompt: str
    messages: tuple[Message, ...]
    references: tuple[str, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    earlier: tuple[Message, ...] = ()


ExtractKind = Literal[
    "reasoning", "preamble", "closing", "fence", "quotes",
    "regex", "json", "after", "line", "number", "option", "label",
]  # fmt: skip
"""What a step of extraction does: the first five cut away, the others find."""


@dataclass(frozen=True, slots=True)
class Extract:
    """One step from a completion to the part of it that is scored; see docs/scorers.md.

    Attributes:
        kind: what the step does.
        value: with what: a pattern, a path, a marker; empty for its default.
        synonyms: of the step `label`: labels, each with its other spellings.
    """

    kind: ExtractKind
    value: str = ""
    synonyms: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        """As it is written in a suite: `number`, `after=Answer:`."""
        spelled = ", ".join(f"{label}: {'/'.join(all_)}" for label, all_ in self.synonyms)
        given = self.value or (f"{{{spelled}}}" if spelled else "")
        return f"{self.kind}={given}" if given else self.kind


GateMode = Literal["three-way", "significant-regression", "non-inferiority"]


@dataclass(frozen=True, slots=True)
class GateRule:
    """When a change may ship.

    Attributes:
        mode: which rule decides. `three-way`: PASS if a loss beyond the margin is ruled out, FAIL
            if a loss is certain, else INCONCLUSIVE. `significant-regression`: FAIL if a loss is
            certain, else PASS. `non-inferiority`: PASS if a loss beyond the margin is ruled out,
            else FAIL.
        margin: the largest loss that is acceptable, in score points of [0, 1].
        alpha: one-sided error rate.
        scorers: names of the scorers that are judged; empty for the primary one.
        slices: fields, or `field=value`, whose slices are judged too: each may fail the model.
        strict: whether every suite must rule a loss out by itself, not only all together.
        overfit: the level of overfitting from which on the gate fails; `none` never fails it.
        forgetting_margin: the margin of general suites; None for `margin`.
        inconclusive: exit code of INCONCLUSIVE.
    """

    mode: GateMode = "three-way"
    margin: float = 0.05
    alpha: float = 0.05
    scorers: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    strict: bool = False
    overfit: Literal["strong", "mild", "none"] = "strong"
    forgetting_margin: float | None = None
    inconclusive: Literal[0, 1, 3] = 3


@dataclass(frozen=True, slots=True)
class SuiteConfig:
    """A validated suite.yaml, or what a bare data file implies.

    Attributes:
        name: unique in a run; safe as a file name.
        task: decides the default scorers.
        description: one line for the report.
        scorers: names; the first is the primary one. Never empty after loading.
        labels: the classes of a classification suite, in the report's order.
        system: system prompt, or None.
        template: text with `{field}` places, filled from the row; None asks the prompt as it is.
        few_shot: how many training examples are shown before the question.
        generation: decoding parameters.
        extract: steps to the part of the completion that is scored; empty scores all of it.
        slices: fields whose values form slices.
        general: whether this suite is the forgetting check.
        gate: when a change may ship.
        language: BCP 47 code of the answers (`de`, `zh-hant`): what words and articles are; None
            leaves it to the script of the references.
        judge: whom graders ask instead of the model that they name; None leaves it to them.
    """

    name: str
    task: Task
    description: str = ""
    scorers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    system: str | None = None
    template: str | None = None
    few_shot: int = 0
    generation: Generation = field(default_factory=Generation)
    extract: tuple[Extract, ...] = ()
    slices: tuple[str, ...] = ()
    general: bool = False
    gate: GateRule = field(default_factory=GateRule)
    language: str | None = None
    judge: ModelSpec | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite with its examples.

    Attributes:
        config: how it is asked and scored.
        splits: split name -> examples in file order; `test` always, `train` and `validation` where
            known, and one per further training file, named by its stem.
        hashes: split name -> SHA-256 of what its examples ask and accept.
    """

    config: SuiteConfig
    splits: Mapping[str, tuple[Example, ...]]
    hashes: Mapping[str, str]
