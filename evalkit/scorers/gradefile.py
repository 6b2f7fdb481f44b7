"""The JSON files that graders are exported as."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import ScorerError, nearest


def read_source(file: str) -> tuple[Any, str]:
    """What a JSON file holds, and a hash of it.

    Raises:
        ScorerError: it cannot be read, or is no JSON.
    """
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


def chosen(file: str, source: Any, name: str | None) -> Mapping[str, Any]:  # noqa: ANN401 - any JSON
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
    raise fault(file, "the top", f"{len(graders)} graders" if graders else "no grader", expected)


def text_of(file: str, spec: Mapping[str, Any], field: str, place: str) -> str:
    """A field of a grader that has to be text.

    Raises:
        ScorerError: it is not.
    """
    found = spec.get(field)
    if not isinstance(found, str):
        raise fault(file, f"{place}: {field}", repr(found), "text")
    return found


def fault(file: str, place: str, found: str, expected: str) -> ScorerError:
    """Something in a grader's file that is not what it should be."""
    return ScorerError(f"scorer {file!r}: {place}: found {found}, expected {expected}")
