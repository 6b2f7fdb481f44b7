"""Scorers as users write them: `f1`, `numeric(rel=0.01)`, `path/to/file.py:close(by=2)`."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from evalkit.errors import ScorerError, nearest

SPEC = re.compile(
    r"\s*(?:(?P<file>.+\.py):)?(?P<name>[^\W\d][\w.-]*)\s*(?P<call>\(.*\))?\s*", re.DOTALL
)

GRADER = re.compile(r"\s*(?P<file>.+\.json)\s*(?P<call>\(.*\))?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ScorerSpec:
    """A scorer named by a user.

    Attributes:
        text: as it was written.
        name: of a shipped scorer, an entry point, or something in `file`; empty for a grader.
        options: what was set.
        file: path of a Python file, or of a grader in JSON, or None.
    """

    text: str
    name: str
    options: Mapping[str, object]
    file: str | None = None


def parse_spec(text: str) -> ScorerSpec:
    """Read `name`, `name(key=value, ...)`, `file.py:name(...)` or `grader.json(...)`.

    Values are Python literals.

    Raises:
        ScorerError: the text is none of these.
    """
    match = GRADER.fullmatch(text) or SPEC.fullmatch(text)
    if match is None or text.strip().endswith(".py"):
        hint = f"; name what is in it: {text.strip()}:NAME" if text.strip().endswith(".py") else ""
        raise ScorerError(
            f"scorer {text!r} cannot be read; expected 'name', 'name(option=value)', "
            f"'file.py:name' or 'grader.json'{hint}"
        )
    return ScorerSpec(
        text=text,
        name=match.groupdict().get("name", ""),
        options=_options(text, match["call"]) if match["call"] else {},
        file=match["file"],
    )


def _options(text: str, call: str) -> dict[str, object]:
    hint = (
        "expected name(option=value, ...) with numbers, True, False, None or quoted text as values"
    )
    try:
        tree = ast.parse(f"scorer{call}", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ScorerError(f"scorer {text!r}: the options cannot be read; {hint}") from None
    if not isinstance(tree, ast.Call) or tree.args or not isinstance(tree.func, ast.Name):
        raise ScorerError(f"scorer {text!r}: options are given by name; {hint}")
    options: dict[str, object] = {}
    for keyword in tree.keywords:
        if keyword.arg is None or keyword.arg in options:
            fault = "unpacked" if keyword.arg is None else f"{keyword.arg!r} given twice"
            raise ScorerError(f"scorer {text!r}: options {fault}; {hint}")
        try:
            options[keyword.arg] = ast.literal_eval(keyword.value)
        except ValueError:
            found = ast.unparse(keyword.value)
            raise ScorerError(
                f"scorer {text!r}: option {keyword.arg!r}: found {found}, no literal; {hint}"
            ) from None
    return options


def check_options(spec: ScorerSpec, function: Callable[..., Any]) -> None:
    """See that a function takes the options of a spec: their names, and their types if annotated.

    Raises:
        ScorerError: unknown, missing or of another type; says what is known.
    """
    parameters = inspect.signature(function).parameters.values()
    known = {p.name: p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
    for name in spec.options:
        if name not in known and not takes_any:
            advice = nearest(name, known) if known else "it takes no options"
            raise ScorerError(f"scorer {spec.text!r}: unknown option {name!r}; {advice}")
    for name, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and name not in spec.options:
            raise ScorerError(
                f"scorer {spec.text!r}: the option {name!r} is required: {spec.name}({name}=...)"
            )
    if spec.options:
        _check_types(spec, function)


def _check_types(spec: ScorerSpec, function: Callable[..., Any]) -> None:
    from pydantic import TypeAdapter, ValidationError

    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):  # a user's annotations need not be importable
        return
    for name, value in spec.options.items():
        if name not in hints:
            continue
        try:
            TypeAdapter(hints[name]).validate_python(value, strict=True)
        except ValidationError as error:
            problem = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ScorerError(
                f"scorer {spec.text!r}: option {name!r}: found {value!r}: {problem}"
            ) from None
