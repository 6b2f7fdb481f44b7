"""YAML files that people write: read safely, checked against a model, faults named by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import yaml

from evalkit.data.describe import describe, shorten
from evalkit.errors import ConfigError, nearest

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

Place = tuple[str | int, ...]
"""Where a value stands: keys and list indices from the top."""

MAX_VALUES = 10_000
"""Values a file may hold, aliases written out: a bomb of aliases ends here."""

_LIKE_A_KEY = re.compile(r"(sk|pk|hf|gsk|xai|AIza|AKIA)[-_]?[A-Za-z0-9_-]{12,}")

Model = TypeVar("Model", bound="BaseModel")


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A file's values, and where each of them stands.

    Attributes:
        path: the file, as the user knows it.
        values: the mapping at the top.
        lines: place -> line, from 1.
        written: place -> text of a scalar as written, quotes taken off.
    """

    path: Path
    values: Mapping[str, Any]
    lines: Mapping[Place, int]
    written: Mapping[Place, str]

    def fault(self, place: Place, found: str, expected: str) -> str:
        """`suite.yaml:7: field 'generation.max_tokens': found 'many', expected an integer`."""
        return self.say(place, f"found {found}, expected {expected}")

    def say(self, place: Place, message: str) -> str:
        """A message about a place, with its file, line and field before it."""
        inside = place
        while inside and inside not in self.lines:
            inside = inside[:-1]
        line = self.lines.get(inside, 1)
        field = f" field {dotted(place)!r}:" if place else ""
        return f"{self.path}:{line}:{field} {message}"

    def found(self, place: Place, value: object) -> str:
        """A value as the user wrote it, and what YAML took it for."""
        written = self.written.get(place)
        if written is not None and _LIKE_A_KEY.match(written):
            return "what looks like a key (not shown)"
        plain = isinstance(value, str) or (isinstance(value, int | float) and written == str(value))
        if written is None or plain:
            return describe(value)
        return f"{shorten(written)}, which YAML reads as {describe(value)}"


def dotted(place: Place) -> str:
    """`models.base.stop[0]`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_yaml(path: Path) -> YamlFile:
    """Read a file whose top is a mapping.

    Raises:
        ConfigError: not there, not YAML, a key twice, or nothing that can be a configuration.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            collected = _Collected(path, loader, {}, {}, [MAX_VALUES])
            values = {} if node is None else collected.value(node, ())
        finally:
            loader.dispose()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: found a byte that is not UTF-8, expected UTF-8"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(_broken(path, error)) from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply, expected a configuration") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}:1: found {describe(values)}, expected `key: value` lines")
    return YamlFile(path, values, collected.lines, collected.written)


def check(file: YamlFile, model: type[Model]) -> Model:
    """The file's values as a pydantic model.

    Raises:
        ConfigError: every field that is wrong, a line each.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(dict(file.values))
    except ValidationError as error:
        faults = [_fault(file, model, details) for details in error.errors()]
        raise ConfigError("\n".join(dict.fromkeys(faults))) from None


class _Loader(yaml.SafeLoader):
    """Safe YAML that also reads `1e-3` as the number it is."""


_Loader.yaml_implicit_resolvers = {
    first: list(resolvers) for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+"),
    list("-+0123456789"),
)


@dataclass(frozen=True, slots=True)
class _Collected:
    """Values on their way out of a tree of nodes, with their places."""

    path: Path
    loader: _Loader
    lines: dict[Place, int]
    written: dict[Place, str]
    left: list[int]

    def value(self, node: yaml.Node, place: Place) -> Any:  # noqa: ANN401 - any YAML value
        self.left[0] -= 1
        line = node.start_mark.line + 1
        if self.left[0] < 0:
            raise ConfigError(
                f"{self.path}:{line}: more than {MAX_VALUES:,} values, expected fewer"
            )
        self.lines.setdefault(place, line)
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(child, (*place, key)) for key, child in self.pairs(node, place)}
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*place, i)) for i, child in enumerate(node.value)]
        self.written[place] = node.value
        try:
            return self.loader.construct_object(node)
        except ValueError:  # a date that no calendar has
            return node.value

    def pairs(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
                raise ConfigError(
                    f"{self.path}:{line}: found a key that is no text or a merge (<<), "
                    "expected `name: value`"
                )
            if key in seen:
                raise ConfigError(
                    f"{self.path}:{line}: field {dotted((*place, key))!r}: found a second time "
                    f"(first in line {seen[key]}), expected once"
                )
            seen[key] = line
            self.lines[(*place, key)] = line
            yield key, child


def _broken(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "no YAML"
    line = f":{mark.line + 1}" if mark else ""
    return f"{path}{line}: broken YAML ({problem}); quote texts that hold : # {{ [ or quotes"


def _fault(file: YamlFile, model: type[BaseModel], details: ErrorDetails) -> str:
    """One complaint of pydantic in the house's words."""
    place = details["loc"]
    kind, context = details["type"], details.get("ctx", {})
    value = details["input"]
    if kind == "extra_forbidden":
        known = _fields_at(model, place[:-1])
        # The value is not repeated: an unknown field is where a key would be pasted.
        return file.fault(
            place, "an unknown field", f"a known one; {nearest(str(place[-1]), known)}"
        )
    if kind == "missing":
        return file.fault(place, "nothing", "a value")
    if kind == "value_error":
        found, expected = context["error"].args
        return file.fault(place, found, expected)
    expected = expected_of(details)
    if kind == "string_type" and file.written.get(place) is not None:
        expected += f'; quote it: "{file.written[place]}"'
    return file.fault(place, file.found(place, value), expected)


def expected_of(details: ErrorDetails) -> str:
    """What pydantic would have taken, in the house's words."""
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    expected = _EXPECTED.get(kind, details["msg"]).format(**context)
    if kind == "literal_error" and isinstance(value, str):
        expected += f"; {nearest(value, _options(context))}"
    return expected


_EXPECTED = {
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "`key: value` lines",
    "model_type": "`key: value` lines",
    "is_instance_of": "a {class}",
    "dataclass_exact_type": "a {class_name}",
    "literal_error": "{expected}",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "{le:g} or less",
    "finite_number": "a finite number",
    "too_short": "at least {min_length} entry",
}


def _options(context: Mapping[str, Any]) -> list[str]:
    return [part.strip(" '") for part in context["expected"].replace(" or ", ",").split(",")]


def _fields_at(model: type[BaseModel], place: Place) -> list[str]:
    """Names of the fields that a mapping may have at a place."""
    current: Any = model
    for step in place:
        fields = getattr(current, "model_fields", None)
        # Below a list or a mapping of names stands the type of its entries.
        inner = fields[step].annotation if fields else get_args(current)[-1]
        current = get_args(inner)[0] if NoneType in get_args(inner) else inner
    return sorted(current.model_fields)
