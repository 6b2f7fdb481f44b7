"""From names to scorers: shipped ones, a user's file, other packages' entry points."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeGuard

from evalkit.errors import ScorerError, nearest
from evalkit.schema import SuiteConfig
from evalkit.scorers.base import MeanScorer, Scorer, SuiteContext, SuiteScorer, scorer
from evalkit.scorers.builtin import BUILTIN
from evalkit.scorers.specs import ScorerSpec, check_options, parse_spec

GROUP = "evalkit.scorers"
"""Entry-point group under which other packages offer scorers."""
PARTS = ("name", "signature", "kind", "unit", "better", "binary", "stats", "corpus", "values")


def make_scorers(
    specs: Sequence[str | Scorer], config: SuiteConfig, references: Iterable[Sequence[str]]
) -> tuple[Scorer, ...]:
    """The scorers of a suite, in the order they were named; the first is the primary one.

    Args:
        specs: `name`, `name(option=value)`, `path/to/file.py:name`, or scorers themselves.
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
    if spec.file is not None:
        module, origin = _load_file(spec, Path(spec.file))
        public = [name for name in vars(module) if not name.startswith("_")]
        if spec.name not in vars(module):
            raise ScorerError(
                f"scorer {spec.text!r}: {spec.file} has no {spec.name!r}; {nearest(spec.name, public)}"
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
    try:
        if inspect.isfunction(found):
            found = scorer(found)
        if isinstance(found, MeanScorer):
            check_options(spec, found.function)
            return _stamped(found.configured(spec.options), origin)
        if isinstance(found, SuiteScorer):
            check_options(spec, found.build)
            return found.build(context, **spec.options)
        if inspect.isclass(found):
            check_options(spec, found)
            found = found(**spec.options)
        elif spec.options:
            raise ScorerError(f"scorer {spec.text!r}: it takes no options")
    except ScorerError:
        raise
    except Exception as error:
        raise ScorerError(f"scorer {spec.text!r} cannot be made: {error!r}") from error
    if not _is_scorer(found):
        lacking = [part for part in PARTS if not hasattr(found, part)]
        raise ScorerError(
            f"scorer {spec.text!r}: found {type(found).__name__} without {', '.join(lacking)}; "
            "expected a function (prediction, references) -> value, or a class derived from "
            "evalkit.scorers.Scorer, which brings all but name, signature, stats and corpus"
        )
    return found


def _is_scorer(found: object) -> TypeGuard[Scorer]:
    return all(hasattr(found, part) for part in PARTS)


def _stamped(made: MeanScorer, origin: str) -> MeanScorer:
    return replace(made, signature=f"{made.signature}|{origin}") if origin else made


def _load_entry_point(spec: ScorerSpec, point: EntryPoint) -> tuple[object, str]:
    try:
        found: object = point.load()
    except Exception as error:
        raise ScorerError(f"scorer {spec.text!r}: entry point {point.value!r} failed: {error!r}") from error
    return found, f"from:{point.dist.name}=={point.dist.version}" if point.dist else ""


def _load_file(spec: ScorerSpec, path: Path) -> tuple[ModuleType, str]:
    """Run a user's file as a module, once for each content."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ScorerError(
            f"scorer {spec.text!r}: cannot read {path}: {error.strerror}; "
            "the path is relative to the current folder"
        ) from None
    name = f"evalkit_scorer_{path.stem}_{digest[:16]}"
    origin = f"from:{path.name}@{digest[:8]}"
    if name in sys.modules:
        return sys.modules[name], origin
    module_spec = importlib.util.spec_from_file_location(name, path)
    if module_spec is None or module_spec.loader is None:
        raise ScorerError(f"scorer {spec.text!r}: {path} is no Python file")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module  # dataclasses look their own module up while it is still running
    try:
        with _importable(path.resolve().parent):
            module_spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ScorerError(f"scorer {spec.text!r}: {_where(error, path)}: {error!r}") from error
    return module, origin


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let a user's file import its neighbours, as it could if it were run as a script."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _where(error: Exception, path: Path) -> str:
    """The line of the user's file in which it went wrong."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f"{path}:{error.lineno}"
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return str(path) if line is None else f"{path}:{line}"
