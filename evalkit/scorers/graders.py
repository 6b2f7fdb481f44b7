"""Graders of the OpenAI vocabulary, read from the JSON they are exported as.

`string_check`, `text_similarity` and `multi` are computed here. `python` runs its source in this
process, so it has to be allowed. `score_model` and `label_model` say what they want to ask a judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from evalkit.errors import ScorerError, nearest
from evalkit.schema import Example
from evalkit.scorers.base import MeanScorer, Scorer, SuiteContext, SuiteScorer
from evalkit.scorers.formula import parse_formula
from evalkit.scorers.gradefile import chosen, fault, read_source, text_of
from evalkit.scorers.model_graders import Grader, ModelGrader, label_model, score_model
from evalkit.scorers.templates import fill, item_of, sample_of

Grade = Callable[[str, Example], float]
"""From a completion and its example to a grade, without asking anybody."""

TYPES: Final = (
    "string_check", "text_similarity", "multi", "python", "score_model", "label_model"
)  # fmt: skip
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


def grader_file(file: str) -> SuiteScorer:
    """The grader in a JSON file, yet to be built.

    Its options are `name`, to choose among the `testing_criteria` of an eval, and `python`, to let
    a grader's Python source run in this process.
    """

    @SuiteScorer
    def build(context: SuiteContext, *, name: str | None = None, python: bool = False) -> Scorer:
        source, digest = read_source(file)
        spec = chosen(file, source, name)
        grader = _Maker(file, context, python=python).grader(spec, "the grader")
        title = spec.get("name")
        if not isinstance(title, str) or not title.strip():
            raise fault(file, "the grader", f"the name {title!r}", "a text")
        passes = spec["type"] == "score_model" and spec.get("pass_threshold") is not None
        binary = spec["type"] in {"string_check", "label_model"} or passes
        origin = f"from:{Path(file).name}@{digest[:8]}|v1"
        if grader.judges:
            judged = "|".join(judge.identity for judge in grader.judges)
            signature = f"{title}|grader:{spec['type']}|{judged}|{origin}"
            return ModelGrader(title, signature, grader, binary=binary)

        def value(prediction: str, references: Sequence[str], example: Example) -> float:  # noqa: ARG001
            return grader.value(prediction, example, ())

        return MeanScorer(
            name=title,
            signature=f"{title}|grader:{spec['type']}|{origin}",
            function=value,
            binary=binary,
            needs_example=True,
        )

    return build


class _Maker:
    """Makes functions of graders, for one file and one suite."""

    def __init__(self, file: str, context: SuiteContext, *, python: bool) -> None:
        self.file = file
        self.context = context
        self.python = python
        self.text = partial(text_of, file)

    def grader(self, spec: Any, place: str, *, inside: bool = False) -> Grader:  # noqa: ANN401 - any JSON
        """A grader of any type; grades inside a formula are as a judge gives them."""
        kind = spec.get("type") if isinstance(spec, dict) else None
        judge = self.context.config.judge
        computed = {
            "string_check": self.string_check,
            "text_similarity": self.text_similarity,
            "python": self.python_source,
        }
        if kind in computed:
            grade = computed[kind](spec, place)
            return Grader(lambda said, example, _: grade(said, example))
        match kind:
            case "multi":
                return self.multi(spec, place)
            case "score_model":
                return score_model(self.file, spec, place, judge, scaled=not inside)
            case "label_model":
                return label_model(self.file, spec, place, judge)
        known = nearest(str(kind), TYPES)
        raise fault(self.file, place, f"the type {kind!r}", f"a known one; {known}")

    def string_check(self, spec: Mapping[str, Any], place: str) -> Grade:
        """1 if an operation on two texts holds, else 0."""
        left, right = (self.text(spec, field, place) for field in ("input", "reference"))
        operation = self.text(spec, "operation", place)
        if operation not in OPERATIONS:
            hint = nearest(operation, OPERATIONS)
            raise fault(self.file, f"{place}: operation", repr(operation), f"a known one; {hint}")
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
            raise fault(self.file, f"{place}: evaluation_metric", repr(metric), f"one of {known}")
        context = self.context
        (shipped,) = make_scorers([SIMILARITIES[metric]], context.config, context.references)
        return lambda text, reference: float(
            shipped.values(np.array([shipped.stats(text, [reference])]))[0]
        )

    def multi(self, spec: Mapping[str, Any], place: str) -> Grader:
        """A formula over the grades of other graders."""
        inside = spec.get("graders")
        if not isinstance(inside, dict) or not inside:
            raise fault(self.file, f"{place}: graders", repr(inside), "graders by name")
        parts = {
            name: self.grader(part, f"graders.{name}", inside=True) for name, part in inside.items()
        }
        try:
            formula = parse_formula(self.text(spec, "calculate_output", place), parts)
        except ValueError as error:
            raise ScorerError(f"scorer {self.file!r}: {place}: calculate_output: {error}") from None

        def value(said: str, example: Example, given: Sequence[float]) -> float:
            left = iter(given)
            return formula(
                {
                    name: part.value(said, example, [next(left) for _ in part.judges])
                    for name, part in parts.items()
                }
            )

        return Grader(value, tuple(judge for part in parts.values() for judge in part.judges))

    def python_source(self, spec: Mapping[str, Any], place: str) -> Grade:
        """The function `grade(sample, item)` of a Python source."""
        source = self.text(spec, "source", place)
        if not self.python:
            raise fault(
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
            raise fault(
                self.file, f"{place}: source", f"{error!r}", "a function grade(sample, item)"
            ) from error
        return lambda said, example: float(run(sample_of(said), item_of(example)))
