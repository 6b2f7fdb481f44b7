"""Graders of the OpenAI vocabulary, read from the JSON they are exported as.

`string_check`, `text_similarity` and `multi` are computed here. `python` runs its source in this
process, so it has to be allowed. `score_model` and `label_model` ask a model, which no scorer does.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from evalkit.errors import ScorerError, nearest
from evalkit.schema import Example
from evalkit.scorers.base import MeanScorer, Scorer, SuiteContext, SuiteScorer
from evalkit.scorers.formula import parse_formula

Grade = Callable[[str, Example], float]
"""From a completion and its example to a grade."""

SIMILARITIES: Final[Mapping[str, str]] = {
    "bleu": "bleu",
    "gleu": "gleu",
    "meteor": "meteor",
    "rouge_1": "rouge1",
    "rouge_2": "rouge2",
    "rouge_l": "rouge_l",
}
"""Metric of `text_similarity` -> the shipped scorer whose per-example value it is."""
OPERATIONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "eq": lambda text, reference: text == reference,
    "ne": lambda text, reference: text != reference,
    "like": lambda text, reference: reference in text,
    "ilike": lambda text, reference: reference.casefold() in text.casefold(),
}
_ASKING = {"score_model", "label_model"}
_PLACE = re.compile(r"\{\{\s*(item|sample)((?:\.\w+|\[\d+\])+)\s*\}\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def grader_file(file: str) -> SuiteScorer:
    """The grader in a JSON file, yet to be built.

    Its options are `name`, to choose among the `testing_criteria` of an eval, and `python`, to let
    a grader's Python source run in this process.
    """

    @SuiteScorer
    def build(context: SuiteContext, *, name: str | None = None, python: bool = False) -> Scorer:
        source, digest = _read(file)
        spec = _chosen(file, source, name)
        grade = _Maker(file, context, python=python).grade(spec, "the grader")
        title = spec.get("name")
        if not isinstance(title, str) or not title.strip():
            raise _fault(file, "the grader", f"the name {title!r}", "a text")

        def value(prediction: str, references: Sequence[str], example: Example) -> float:  # noqa: ARG001
            return grade(prediction, example)

        return MeanScorer(
            name=title,
            signature=f"{title}|grader:{spec['type']}|from:{Path(file).name}@{digest[:8]}|v1",
            function=value,
            binary=spec["type"] == "string_check",
            needs_example=True,
        )

    return build


def _read(file: str) -> tuple[Any, str]:
    try:
        source = Path(file).read_bytes()
        return json.loads(source), hashlib.sha256(source).hexdigest()
    except OSError as error:
        raise ScorerError(
            f"scorer {file!r}: cannot read it: {error.strerror}; the path is relative to the "
            "current folder"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ScorerError(f"scorer {file!r}: no JSON: {error}") from None


def _chosen(file: str, source: Any, name: str | None) -> Mapping[str, Any]:  # noqa: ANN401 - any JSON
    """The grader that is meant: the file's only one, or one of an eval's by its name."""
    if isinstance(source, dict) and isinstance(source.get("grader"), dict):
        source = source["grader"]
    if isinstance(source, dict) and "testing_criteria" in source:
        source = source["testing_criteria"]
    if isinstance(source, dict) and "type" in source:
        return source
    graders = [g for g in source if isinstance(g, dict)] if isinstance(source, list) else []
    names = [str(grader.get("name")) for grader in graders]
    if len(graders) == 1 and name is None:
        return graders[0]
    if name in names:
        return graders[names.index(name)]
    hint = f"one of them by name, {Path(file).name}(name=...); {nearest(name or '', names)}"
    expected = hint if graders else "an object with a `type`, as graders are exported"
    raise _fault(file, "the top", f"{len(graders)} graders" if graders else "no grader", expected)


class _Maker:
    """Makes functions of graders, for one file and one suite."""

    def __init__(self, file: str, context: SuiteContext, *, python: bool) -> None:
        self.file = file
        self.context = context
        self.python = python

    def grade(self, spec: Any, place: str) -> Grade:  # noqa: ANN401 - any JSON
        """The function of one grader."""
        kind = spec.get("type") if isinstance(spec, dict) else None
        if kind in _ASKING:
            raise _fault(
                self.file,
                place,
                f"a {kind} grader, which asks a model for its judgement",
                "string_check, text_similarity, multi or python: scorers ask no model, so that "
                "scoring again needs none",
            )
        makers = {
            "string_check": self.string_check,
            "text_similarity": self.text_similarity,
            "multi": self.multi,
            "python": self.python_source,
        }
        if kind not in makers:
            known = nearest(str(kind), [*makers, *_ASKING])
            raise _fault(self.file, place, f"the type {kind!r}", f"a known one; {known}")
        return makers[kind](spec, place)

    def text(self, spec: Mapping[str, Any], field: str, place: str) -> str:
        """A field that has to be text."""
        found = spec.get(field)
        if not isinstance(found, str):
            raise _fault(self.file, f"{place}: {field}", repr(found), "text")
        return found

    def string_check(self, spec: Mapping[str, Any], place: str) -> Grade:
        """1 if an operation on two texts holds, else 0."""
        left, right = (self.text(spec, field, place) for field in ("input", "reference"))
        operation = self.text(spec, "operation", place)
        if operation not in OPERATIONS:
            hint = nearest(operation, OPERATIONS)
            raise _fault(self.file, f"{place}: operation", repr(operation), f"a known one; {hint}")
        holds = OPERATIONS[operation]
        return lambda said, example: float(
            holds(fill(left, said, example), fill(right, said, example))
        )

    def text_similarity(self, spec: Mapping[str, Any], place: str) -> Grade:
        """How alike two texts are; with a `pass_threshold`, 1 if they are as alike as that."""
        left, right = (self.text(spec, field, place) for field in ("input", "reference"))
        alike = self.similarity(self.text(spec, "evaluation_metric", place), place)
        threshold = spec.get("pass_threshold")

        def grade(said: str, example: Example) -> float:
            value = alike(fill(left, said, example), fill(right, said, example))
            return value if threshold is None else float(value >= threshold)

        return grade

    def similarity(self, metric: str, place: str) -> Callable[[str, str], float]:
        """A metric of `text_similarity`."""
        from rapidfuzz import fuzz

        from evalkit.scorers.load import make_scorers  # which knows graders

        if metric == "fuzzy_match":
            return lambda text, reference: fuzz.ratio(text, reference) / 100
        if metric not in SIMILARITIES:
            known = ", ".join(("fuzzy_match", *SIMILARITIES))
            raise _fault(self.file, f"{place}: evaluation_metric", repr(metric), f"one of {known}")
        context = self.context
        (shipped,) = make_scorers([SIMILARITIES[metric]], context.config, context.references)
        return lambda text, reference: float(
            shipped.values(np.array([shipped.stats(text, [reference])]))[0]
        )

    def multi(self, spec: Mapping[str, Any], place: str) -> Grade:
        """A formula over the grades of other graders."""
        inside = spec.get("graders")
        if not isinstance(inside, dict) or not inside:
            raise _fault(self.file, f"{place}: graders", repr(inside), "graders by name")
        grades = {name: self.grade(part, f"graders.{name}") for name, part in inside.items()}
        try:
            formula = parse_formula(self.text(spec, "calculate_output", place), grades)
        except ValueError as error:
            raise ScorerError(f"scorer {self.file!r}: {place}: calculate_output: {error}") from None
        return lambda said, example: formula(
            {name: grade(said, example) for name, grade in grades.items()}
        )

    def python_source(self, spec: Mapping[str, Any], place: str) -> Grade:
        """The function `grade(sample, item)` of a Python source."""
        source = self.text(spec, "source", place)
        if not self.python:
            raise _fault(
                self.file,
                place,
                "a python grader",
                f"your word that its source may run in this process, with all your rights: "
                f"{Path(self.file).name}(python=True)",
            )
        space: dict[str, Any] = {}
        try:
            exec(compile(source, f"{self.file}:source", "exec"), space)  # noqa: S102 - allowed above
            run = space["grade"]
        except Exception as error:
            raise _fault(
                self.file, f"{place}: source", f"{error!r}", "a function grade(sample, item)"
            ) from error
        return lambda said, example: float(run(_sample(said), _item(example)))


def fill(template: str, said: str, example: Example) -> str:
    """A template with its places `{{ item.x }}` and `{{ sample.output_text }}` filled.

    Texts go in as they are, everything else as JSON.

    Raises:
        ValueError: a place that this example has nothing for.
    """

    def value(place: re.Match[str]) -> str:
        found: Any = _item(example) if place[1] == "item" else _sample(said)
        for name, index in _STEP.findall(place[2]):
            try:
                found = found[int(index) if index else name]
            except (KeyError, IndexError, TypeError):
                known = f"; known are: {', '.join(found)}" if isinstance(found, dict) else ""
                raise ValueError(f"nothing for {place[0]}{known}") from None
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    return _PLACE.sub(value, template)


def _item(example: Example) -> dict[str, Any]:
    """What a template knows of a row: its fields, its prompt and its references."""
    return {
        "prompt": example.prompt,
        "completion": example.references[0],
        "reference": example.references[0],
        "reference_answer": example.references[0],
        "references": list(example.references),
        **example.fields,
    }


def _sample(said: str) -> dict[str, Any]:
    """What a template knows of an answer: its text, and its value if it is JSON."""
    try:
        return {"output_text": said, "output_json": json.loads(said)}
    except (ValueError, RecursionError):
        return {"output_text": said}


def _fault(file: str, place: str, found: str, expected: str) -> ScorerError:
    return ScorerError(f"scorer {file!r}: {place}: found {found}, expected {expected}")
