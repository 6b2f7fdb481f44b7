"""From names to scorers: shipped ones, a user's file, other packages' entry points."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TypeGuard

from evalkit.errors import ScorerError, nearest
from evalkit.schema import SuiteConfig
from evalkit.scorers.base import MeanScorer, Scorer, SuiteContext, SuiteScorer, scorer
from evalkit.scorers.builtin import BUILTIN
from evalkit.scorers.graders import grader_file
from evalkit.scorers.specs import ScorerSpec, check_options, parse_spec
from evalkit.scorers.userfile import load_file

GROUP = "evalkit.scorers"
"""Entry-point group under which other packages offer scorers."""
PARTS = (
    "name", "signature", "kind", "unit", "better", "binary", "needs_example", "whole",
    "stats", "example_stats", "corpus", "values",
)  # fmt: skip
"""What makes something a scorer."""


def make_scorers(
    specs: Sequence[str | Scorer], config: SuiteConfig, references: Iterable[Sequence[str]]
) -> tuple[Scorer, ...]:
    """The scorers of a suite, in the order they were named; the first is the primary one.

    Args:
        specs: `name`, `name(option=value)`, `path/to/file.py:name`, `path/to/grader.json`, or
            scorers themselves.
        config: the suite's configuration; classification takes its labels from here.
        references: accepted answers of the whole test split: the labels, if the configuration has
            none, and the script by which BLEU picks its tokenizer.

    Raises:
        ScorerError: a name is unknown or given twice, an option is wrong, a file cannot be loaded,
            or a scorer does not fit the suite.
    """
    context = SuiteContext(config, tuple(tuple(accepted) for accepted in references))
    made: dict[str, Scorer] = {}
    for spec in specs:
        found = _make(parse_spec(spec), context) if isinstance(spec, str) else spec
        if found.name in made:
            raise ScorerError(
                f"suite {config.name!r}: two scorers are called {found.name!r}; "
                "every score needs a name of its own: leave one out, or rename one with "
                '@scorer(name="...")'
            )
        made[found.name] = found
    return tuple(made.values())


def known_scorers() -> tuple[str, ...]:
    """Names of the shipped scorers and of installed entry points, sorted."""
    return tuple(sorted({*BUILTIN, *entry_points(group=GROUP).names}))


def _make(spec: ScorerSpec, context: SuiteContext) -> Scorer:
    found, origin = _find(spec)
    return _build(found, spec, context, origin)


def _find(spec: ScorerSpec) -> tuple[object, str]:
    """What a spec names, and what its signature says about where that came from."""
    if spec.file is not None and not spec.name:
        return grader_file(spec.file), ""
    if spec.file is not None:
        module, origin = load_file(spec.text, Path(spec.file))
        public = [name for name in vars(module) if not name.startswith("_")]
        if spec.name not in vars(module):
            raise ScorerError(
                f"scorer {spec.text!r}: {spec.file} has no {spec.name!r}; "
                f"{nearest(spec.name, public)}"
            )
        return vars(module)[spec.name], origin
    if spec.name in BUILTIN:
        return BUILTIN[spec.name], ""
    offered = list(entry_points(group=GROUP, name=spec.name))
    if not offered:
        raise ScorerError(f"unknown scorer {spec.name!r}; {nearest(spec.name, known_scorers())}")
    return _load_entry_point(spec, offered[0])


def _build(found: object, spec: ScorerSpec, context: SuiteContext, origin: str) -> Scorer:
    """Turn whatever a name led to into a scorer with the options that were asked for."""
    if inspect.isfunction(found):
        found = scorer(found)
    if isinstance(found, MeanScorer):
        check_options(spec, found.function)
        made = found.configured(spec.options)
        return replace(made, signature=f"{made.signature}|{origin}") if origin else made
    if isinstance(found, SuiteScorer):
        check_options(spec, found.build)
        found = _made(spec, partial(found.build, context))
    elif inspect.isclass(found):
        check_options(spec, found)
        found = _made(spec, found)
    elif spec.options:
        raise ScorerError(f"scorer {spec.text!r}: it takes no options")
    if not _is_scorer(found):
        lacking = [part for part in PARTS if not hasattr(found, part)]
        raise ScorerError(
            f"scorer {spec.text!r}: found {type(found).__name__} without {', '.join(lacking)}; "
            "expected a function (prediction, references) -> value, or a class derived from "
            "evalkit.scorers.Scorer, which brings all but name, signature, stats and corpus"
        )
    return found


def _made(spec: ScorerSpec, make: Callable[..., object]) -> object:
    try:
        return make(**spec.options)
    except ScorerError:
        raise
    except Exception as error:
        raise ScorerError(f"scorer {spec.text!r} cannot be made: {error!r}") from error


def _is_scorer(found: object) -> TypeGuard[Scorer]:
    return all(hasattr(found, part) for part in PARTS)


def _load_entry_point(spec: ScorerSpec, point: EntryPoint) -> tuple[object, str]:
    try:
        found: object = point.load()
    except Exception as error:
        raise ScorerError(
            f"scorer {spec.text!r}: entry point {point.value!r} failed: {error!r}"
        ) from error
    return found, f"from:{point.dist.name}=={point.dist.version}" if point.dist else ""
