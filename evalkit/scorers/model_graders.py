"""Graders of the OpenAI vocabulary that ask a model: `score_model` and `label_model`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from evalkit.schema import Example, Generation, Message, ModelSpec
from evalkit.scorers.base import Kind
from evalkit.scorers.gradefile import fault, text_of
from evalkit.scorers.judges import Judge, JudgedScorer, Question
from evalkit.scorers.readings import read_label, read_score
from evalkit.stats.samples import FloatArray

MAX_TOKENS: Final = 1024
"""Of a judge's reply, unless the grader says: room for a few steps of reasoning."""

ROLES: Final[Mapping[str, str]] = {
    "user": "user", "assistant": "assistant", "system": "system", "developer": "system",
}  # fmt: skip
"""Role of a grader's message -> the role that every server knows."""

_TEXTS: Final = {"input_text", "output_text", "text"}
_RANGE: Final = 2
_STEP: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"description": {"type": "string"}, "conclusion": {"type": "string"}},
    "required": ["description", "conclusion"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Grader:
    """A grader, ready to grade.

    Attributes:
        value: from a completion, its example and what the judges gave, in their order, to a grade.
        judges: who has to be asked for that.
    """

    value: Callable[[str, Example, Sequence[float]], float]
    judges: tuple[Judge, ...] = ()


@dataclass(frozen=True)
class ModelGrader(JudgedScorer):
    """The mean of grades that take a judge, alone or in a formula.

    Attributes:
        grader: what is computed.
    """

    name: str
    signature: str
    grader: Grader
    binary: bool = False
    kind: Kind = field(default="mean", init=False)
    unit: str = field(default="score", init=False)
    better: int = field(default=1, init=False)
    whole: bool = field(default=False, init=False)

    @property
    def judges(self) -> tuple[ModelSpec, ...]:
        """The models of its graders, or the one that the suite names for all of them."""
        return tuple(dict.fromkeys(judge.asked.judge for judge in self.grader.judges))

    def questions(self, prediction: str, example: Example) -> tuple[Question, ...]:
        """One for each judge."""
        return tuple(judge.question(prediction, example) for judge in self.grader.judges)

    def judged_stats(
        self, prediction: str, example: Example, replies: Sequence[str]
    ) -> tuple[float, ...]:
        """The grade and a count of one."""
        pairs = zip(self.grader.judges, replies, strict=True)
        values = [judge.read(reply).value for judge, reply in pairs]
        return float(self.grader.value(prediction, example, values)), 1.0

    def unread(self, replies: Sequence[str]) -> tuple[int, ...]:
        """The places of replies that no grade can be read from."""
        found = []
        for place, (judge, reply) in enumerate(zip(self.grader.judges, replies, strict=True)):
            try:
                judge.read(reply)
            except ValueError:
                found.append(place)
        return tuple(found)

    def remark(self, replies: Sequence[str]) -> str:
        """What each judge gave, and why; what cannot be read as it stands."""
        said = []
        for judge, reply in zip(self.grader.judges, replies, strict=True):
            try:
                found = judge.read(reply)
                told = f"{found.shown}\n{found.reason}".strip()
            except ValueError:
                told = f"unreadable: {reply}"
            said.append(f"{judge.title}: {told}" if len(replies) > 1 else told)
        return "\n\n".join(said)

    def corpus(self, totals: FloatArray) -> FloatArray:
        """Sum of grades over count; NaN where nothing was graded."""
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(totals[..., 0] / totals[..., 1])


def score_model(
    file: str, spec: Mapping[str, Any], place: str, judge: ModelSpec | None, *, scaled: bool
) -> Grader:
    """A number within a range, as a judge gives it; with a `pass_threshold`, whether it passes.

    Args:
        file: the grader's file, for messages.
        spec: the grader.
        place: where it stands in the file.
        judge: who is asked instead of the grader's own model.
        scaled: whether the range becomes [0, 1]; inside a formula grades are as they are given.

    Raises:
        ScorerError: a field that is wrong.
    """
    low, high = _range(file, spec, place)
    schema = _schema({"type": "number"})
    asked = _asked(file, spec, place, judge, schema)
    read = partial(read_score, low=low, high=high)
    found = Judge(_title(spec, place), asked, read, f"range:{low:g}-{high:g}")
    threshold = spec.get("pass_threshold")
    if threshold is not None and not _is_number(threshold):
        raise fault(file, f"{place}: pass_threshold", repr(threshold), "a number")

    def value(_: str, __: Example, given: Sequence[float]) -> float:
        if threshold is not None:
            return float(given[0] >= threshold)
        return (given[0] - low) / (high - low) if scaled else given[0]

    return Grader(value, (found,))


def label_model(file: str, spec: Mapping[str, Any], place: str, judge: ModelSpec | None) -> Grader:
    """1 if the label that a judge gives is one of those that pass, else 0.

    Args:
        file: the grader's file, for messages.
        spec: the grader.
        place: where it stands in the file.
        judge: who is asked instead of the grader's own model.

    Raises:
        ScorerError: a field that is wrong.
    """
    labels, passing = (_labels(file, spec, name, place) for name in ("labels", "passing_labels"))
    if strange := [label for label in passing if label not in labels]:
        raise fault(file, f"{place}: passing_labels", repr(strange[0]), "one of the labels")
    schema = _schema({"type": "string", "enum": list(labels)})
    asked = _asked(file, spec, place, judge, schema)
    read = partial(read_label, labels=labels, passing=passing)
    scale = f"labels:{','.join(labels)}|passing:{','.join(passing)}"
    return Grader(lambda _, __, given: given[0], (Judge(_title(spec, place), asked, read, scale),))


def _title(spec: Mapping[str, Any], place: str) -> str:
    name = spec.get("name")
    return name if isinstance(name, str) and name.strip() else place.removeprefix("graders.")


def _schema(result: Mapping[str, Any]) -> str:
    """The form of a reply: reasoning first, then the result, as the API's own graders ask."""
    schema = {
        "type": "object",
        "properties": {"steps": {"type": "array", "items": _STEP}, "result": result},
        "required": ["steps", "result"],
        "additionalProperties": False,
    }
    return json.dumps(schema)


def _asked(
    file: str, spec: Mapping[str, Any], place: str, judge: ModelSpec | None, schema: str
) -> Question:
    """What is asked, its messages still with their places."""
    name = text_of(file, spec, "model", place)
    generation, effort = _decoding(file, spec, place)
    return Question(
        judge=judge or ModelSpec(name=name, provider="openai", model=name, role="judge"),
        messages=_messages(file, spec, place),
        generation=generation,
        schema=schema,
        effort=effort,
    )


def _messages(file: str, spec: Mapping[str, Any], place: str) -> tuple[Message, ...]:
    given = spec.get("input")
    given = [{"role": "user", "content": given}] if isinstance(given, str) else given
    where = f"{place}: input"
    if not isinstance(given, list) or not given:
        raise fault(file, where, repr(given), "a list of messages")
    messages = []
    for number, turn in enumerate(given):
        role = str(turn.get("role")) if isinstance(turn, dict) else "none"
        if role not in ROLES:
            known = ", ".join(ROLES)
            raise fault(file, f"{where}[{number}]: role", repr(role), f"one of {known}")
        content = _content(file, turn.get("content"), f"{where}[{number}]: content")
        messages.append(Message(ROLES[role], content))
    return tuple(messages)


def _content(file: str, content: object, place: str) -> str:
    """The text of a message: text, a text part, or a list of these."""
    parts = content if isinstance(content, list) else [content]
    texts = [
        part.get("text") if isinstance(part, dict) and part.get("type") in _TEXTS else part
        for part in parts
    ]
    wrong = next((part for part in texts if not isinstance(part, str)), None)
    if wrong is not None or not texts:
        kind = wrong.get("type") if isinstance(wrong, dict) else None
        found = repr(content) if kind is None else f"a part of type {kind!r}"
        raise fault(file, place, found, "text; images and sound cannot be judged here")
    return "\n".join(text for text in texts if isinstance(text, str))


def _range(file: str, spec: Mapping[str, Any], place: str) -> tuple[float, float]:
    given = spec.get("range")
    if given is None:
        return 0.0, 1.0
    good = isinstance(given, list) and len(given) == _RANGE and all(map(_is_number, given))
    if not good or not given[0] < given[1]:
        raise fault(file, f"{place}: range", repr(given), "two numbers, the lower one first")
    return float(given[0]), float(given[1])


def _labels(file: str, spec: Mapping[str, Any], name: str, place: str) -> tuple[str, ...]:
    given = spec.get(name)
    good = isinstance(given, list) and all(isinstance(one, str) and one.strip() for one in given)
    if not good or not given or len(set(given)) < len(given):
        raise fault(file, f"{place}: {name}", repr(given), "a list of different texts")
    return tuple(given)


def _decoding(file: str, spec: Mapping[str, Any], place: str) -> tuple[Generation, str | None]:
    """The grader's `sampling_params`; greedy if it has none, so that grades can be had again.

    The API spells the longest reply `max_completions_tokens`.
    """
    given = spec.get("sampling_params") or {}
    where = f"{place}: sampling_params"
    if not isinstance(given, dict):
        raise fault(file, where, repr(given), "an object")
    told = {name: value for name, value in given.items() if value is not None}
    most = [told.pop(name, None) for name in _LONGEST]
    effort = told.pop("reasoning_effort", None)
    if strange := sorted(told.keys() - {"temperature", "top_p", "seed"}):
        known = "temperature, top_p, seed, max_completions_tokens, reasoning_effort"
        raise fault(file, where, repr(strange[0]), f"one of {known}")
    longest = next((value for value in most if value is not None), MAX_TOKENS)
    seed = told.get("seed", 0)
    whole = [value for value in (longest, seed) if isinstance(value, bool | float | str)]
    numbers = [told.get("temperature", 0.0), told.get("top_p", 1.0)]
    if whole or not all(map(_is_number, [*numbers, longest, seed])) or longest < 1:
        raise fault(file, where, json.dumps(given), "numbers")
    if effort is not None and not isinstance(effort, str):
        raise fault(file, f"{where}: reasoning_effort", repr(effort), "text")
    temperature, top_p = map(float, numbers)
    generation = Generation(temperature=temperature, top_p=top_p, max_tokens=longest, seed=seed)
    return generation, effort


_LONGEST = ("max_completions_tokens", "max_completion_tokens", "max_tokens")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
