"""What a scorer is, and the two ways to write one: a function of one example, or a class.

A mean of per-example values is `@scorer` on a function. A score that is no mean (BLEU, macro-F1)
is a class derived from `Scorer` with `stats` and `corpus`.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, Protocol, overload

import numpy as np

from evalkit.schema import Example, ScorerInfo, SuiteConfig
from evalkit.stats.samples import FloatArray

Kind = Literal["mean", "corpus"]
ScoreFunction = Callable[..., float]
"""`(prediction, references[, example], **options) -> value`: in [0, 1], if no unit is declared."""


class Scorer(Protocol):
    """Completions and references in, numbers out.

    Derive from this class to inherit the defaults below and `values`.

    Attributes:
        name: column name in every file; unique in a suite.
        signature: what exactly is computed: name, options, version.
        kind: `mean` if `corpus` is the mean of per-example values, else `corpus`.
        unit: `score` for numbers in [0, 1], or the unit of a description (`words`).
        better: 1 if more is better, -1 if less is, 0 for a description.
        binary: whether every per-example value is 0 or 1.
        needs_example: whether it looks at the prompt or the row's fields, in `example_stats`.
        whole: whether it is given all of a completion, whatever part the suite extracts.
    """

    name: str
    signature: str
    kind: Kind = "corpus"
    unit: str = "score"
    better: int = 1
    binary: bool = False
    needs_example: bool = False
    whole: bool = False

    @abstractmethod
    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """Statistics of one example: k numbers, the same k for every example.

        Args:
            prediction: the scored part of a completion; may be empty.
            references: accepted answers, at least one.
        """

    def example_stats(self, prediction: str, example: Example) -> tuple[float, ...]:
        """Statistics of one example; a scorer that `needs_example` has its own."""
        return self.stats(prediction, example.references)

    @abstractmethod
    def corpus(self, totals: FloatArray) -> FloatArray:
        """Scores from sums of statistics, shape (..., k) to (...)."""

    def values(self, stats: FloatArray) -> FloatArray:
        """One number for each example, shape (n, k) to (n,); NaN rows stay NaN."""
        return self.corpus(stats)


@dataclass(frozen=True)
class MeanScorer(Scorer):
    """The mean of a function of one example; what `@scorer` makes of a function.

    Attributes:
        function: the per-example value; its keyword-only parameters are the scorer's options.
        details: the end of the signature: fixed choices and version.
    """

    name: str
    signature: str
    function: ScoreFunction
    details: str = ""
    unit: str = "score"
    better: int = 1
    binary: bool = False
    needs_example: bool = False
    whole: bool = False
    kind: Kind = field(default="mean", init=False)

    def __call__(self, *example: Any, **options: object) -> float:  # noqa: ANN401 - as the function
        """Call the function as if it had not been decorated."""
        return self.function(*example, **options)

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """The example's value and a count of one."""
        return float(self.function(prediction, references)), 1.0

    def example_stats(self, prediction: str, example: Example) -> tuple[float, ...]:
        """The same; the whole example is the third argument of a function that wants it."""
        if not self.needs_example:
            return self.stats(prediction, example.references)
        return float(self.function(prediction, example.references, example)), 1.0

    def corpus(self, totals: FloatArray) -> FloatArray:
        """Sum of values over count; NaN where nothing was counted."""
        return mean_of(totals)

    def configured(self, options: Mapping[str, object]) -> MeanScorer:
        """The same scorer with some of its options set, and that in its name and signature."""
        if not options:
            return self
        chosen = defaults(self.function) | dict(options)
        return replace(
            self,
            name=named(self.name, options),
            signature=sign(self.name, chosen, self.details),
            function=partial(self.function, **options),
        )


@overload
def scorer(function: ScoreFunction, /) -> MeanScorer: ...


@overload
def scorer(
    *,
    name: str | None = None,
    unit: str = "score",
    better: int = 1,
    binary: bool | None = None,
    whole: bool = False,
    details: str = "",
) -> Callable[[ScoreFunction], MeanScorer]: ...


def scorer(
    function: ScoreFunction | None = None,
    /,
    *,
    name: str | None = None,
    unit: str = "score",
    better: int = 1,
    binary: bool | None = None,
    whole: bool = False,
    details: str = "",
) -> MeanScorer | Callable[[ScoreFunction], MeanScorer]:
    """Turn a function `(prediction, references) -> value` into a scorer.

    ```python
    @scorer
    def same_first_word(prediction, references):
        return any(prediction.split()[:1] == reference.split()[:1] for reference in references)
    ```

    Keyword-only parameters with defaults become options: `close(tolerance=0.1)` in a suite. A
    third parameter named `example` gets the whole `Example`: its prompt, and the row's fields.

    Args:
        function: what is decorated.
        name: column name; the function's own name if not given.
        unit: `score` for values in [0, 1]; anything else is a description in that unit.
        better: 1 if more is better, -1 if less is, 0 for a description.
        binary: whether values are 0 or 1; if not given, whether it is annotated `-> bool`.
        whole: whether it is given all of a completion, whatever part of it the suite extracts.
        details: appended to the signature, for choices that are not options, and a version.
    """

    def wrap(function: ScoreFunction) -> MeanScorer:
        title = name or function.__name__
        taken = inspect.signature(function)
        returns_bool = taken.return_annotation in {bool, "bool"}
        return MeanScorer(
            name=title,
            signature=sign(title, defaults(function), details),
            function=function,
            details=details,
            unit=unit,
            better=better,
            binary=returns_bool if binary is None else binary,
            needs_example=_takes_example(taken),
            whole=whole,
        )

    return wrap if function is None else wrap(function)


def _takes_example(taken: inspect.Signature) -> bool:
    """Whether a function wants the whole example: an argument of that name, and no option."""
    wanted = taken.parameters.get("example")
    return wanted is not None and wanted.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


@dataclass(frozen=True, slots=True)
class SuiteContext:
    """What a scorer may know of its suite before the first completion.

    Attributes:
        config: the suite's configuration.
        references: accepted answers of the test split, example by example.
    """

    config: SuiteConfig
    references: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class SuiteScorer:
    """A scorer yet to be built, because it depends on its suite (labels, script of the references).

    Attributes:
        build: `(context, **options) -> Scorer`; usable as a decorator.
    """

    build: Callable[..., Scorer]


def mean_of(totals: FloatArray) -> FloatArray:
    """Sums over counts, shape (..., 2) to (...); NaN where nothing was counted."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: FloatArray = np.asarray(totals[..., 0] / totals[..., 1])
    return mean


def info(scorer: Scorer) -> ScorerInfo:
    """What a report needs to know about a scorer."""
    return ScorerInfo(
        name=scorer.name,
        signature=scorer.signature,
        kind=scorer.kind,
        unit=scorer.unit,
        better=scorer.better,
        binary=scorer.binary,
    )


def defaults(function: Callable[..., Any]) -> dict[str, object]:
    """The options of a function, name -> default: its keyword-only parameters that have one."""
    return {
        parameter.name: parameter.default
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        and parameter.default is not inspect.Parameter.empty
    }


def changed(shipped: SuiteScorer, **options: object) -> dict[str, object]:
    """The options of a suite's scorer that are not left at their defaults."""
    usual = defaults(shipped.build)
    return {key: value for key, value in options.items() if value != usual[key]}


def named(name: str, options: Mapping[str, object]) -> str:
    """A scorer's name with the options that were set, in one spelling: `numeric(rel=0.01)`."""
    if not options:
        return name
    inside = ", ".join(f"{key}={value!r}" for key, value in sorted(options.items()))
    return f"{name}({inside})"


def sign(name: str, options: Mapping[str, object], details: str) -> str:
    """`name|option:value|...|details`."""
    words = {True: "yes", False: "no"}
    chosen = (
        f"{key}:{words[value] if isinstance(value, bool) else value}"
        for key, value in options.items()
    )
    return "|".join([name, *chosen, *([details] if details else [])])
