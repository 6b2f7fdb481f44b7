"""The scorer for answers that have to follow a JSON Schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import ScorerError
from evalkit.scorers.base import MeanScorer, Scorer, SuiteContext, SuiteScorer, named
from evalkit.scorers.json_fields import parse_json
from evalkit.scorers.patterns import compile_pattern, fits


@SuiteScorer
def json_schema(context: SuiteContext, *, file: str, strict: bool = False) -> Scorer:
    """Whether the prediction is JSON that is valid under a JSON Schema.

    The schema's own `$schema` says which draft; 2020-12 if it doesn't.

    Args:
        context: the suite.
        file: path of the schema, relative to the current folder.
        strict: whether a Markdown code fence around the JSON makes it invalid.

    Raises:
        ScorerError: the file cannot be read, or is no schema.
    """
    from referencing.exceptions import Unresolvable

    del context
    schema, digest = _read(file)
    validator = _validator(file, schema)

    def valid(prediction: str, references: Sequence[str]) -> bool:  # noqa: ARG001 - form alone
        found = parse_json(prediction, strict=strict)
        try:
            return found is not None and validator.is_valid(found[0])
        except RecursionError:
            return False
        except Unresolvable as error:
            raise _unresolvable(file, error) from None

    chosen = {"file": file} | ({"strict": True} if strict else {})
    return MeanScorer(
        name=named("json_schema", chosen),
        signature=f"json_schema|schema:{digest[:8]}|strict:{'yes' if strict else 'no'}|v1",
        function=valid,
        binary=True,
    )


def _read(file: str) -> tuple[Any, str]:
    """The schema, and the hash of what stands in its file."""
    try:
        source = Path(file).read_bytes()
    except OSError as error:
        raise ScorerError(
            f"scorer 'json_schema': cannot read {file}: {error.strerror}; the path is relative to "
            "the current folder"
        ) from None
    try:
        return json.loads(source), hashlib.sha256(source).hexdigest()
    except (ValueError, RecursionError) as error:
        raise ScorerError(f"scorer 'json_schema': {file} is no JSON: {error}") from None


def _validator(file: str, schema: Any) -> Any:  # noqa: ANN401 - jsonschema's are made at run time
    """A validator that fetches nothing, and whose patterns are stopped when they take too long."""
    from jsonschema import Draft202012Validator, SchemaError, validators
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        draft = validators.validator_for(schema, default=Draft202012Validator)
        draft.check_schema(schema)
        extend: Any = validators.extend
        made = extend(draft, _BOUNDED)(schema, registry=Registry())
        made.is_valid(None)
    except SchemaError as error:
        where = "/".join(map(str, error.absolute_path)) or "the top"
        raise ScorerError(
            f"scorer 'json_schema': {file} is no JSON Schema: at {where}: {error.message}"
        ) from None
    except Unresolvable as error:
        raise _unresolvable(file, error) from None
    return made


def _unresolvable(file: str, error: Exception) -> ScorerError:
    return ScorerError(
        f"scorer 'json_schema': {file}: {error}; nothing is fetched: put what is referred to under "
        "`$defs` of the same file"
    )


def _pattern(validator: Any, pattern: str, value: Any, _: Any) -> Iterator[Exception]:  # noqa: ANN401
    if validator.is_type(value, "string") and not fits(compile_pattern(pattern), value):
        yield _error(f"{value!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any,  # noqa: ANN401
    schemas: Mapping[str, Any],
    value: Any,  # noqa: ANN401
    _: Any,  # noqa: ANN401
) -> Iterator[Exception]:
    if validator.is_type(value, "object"):
        for pattern, schema in schemas.items():
            for name, part in value.items():
                if fits(compile_pattern(pattern), name):
                    yield from validator.descend(part, schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any,  # noqa: ANN401
    allowed: Any,  # noqa: ANN401
    value: Any,  # noqa: ANN401
    schema: Mapping[str, Any],
) -> Iterator[Exception]:
    if not validator.is_type(value, "object"):
        return
    patterns = [compile_pattern(pattern) for pattern in schema.get("patternProperties", ())]
    for name in value.keys() - schema.get("properties", {}).keys():
        if not any(fits(pattern, name) for pattern in patterns):
            if allowed is False:
                yield _error(f"{name!r} is not allowed")
            yield from validator.descend(value[name], allowed, path=name)


def _error(message: str) -> Exception:
    from jsonschema import ValidationError

    return ValidationError(message)


_BOUNDED = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
}
"""jsonschema's keywords that search a model's text with `re`, on our clock."""
