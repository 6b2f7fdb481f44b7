"""Arguments of the Python API: refused by name and type, as a command line refuses its options."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar, Unpack, get_args, get_origin, get_type_hints

from evalkit.data import expected_of
from evalkit.data.describe import describe
from evalkit.errors import UsageError, nearest

Params = ParamSpec("Params")
Result = TypeVar("Result")


def checked(function: Callable[Params, Result]) -> Callable[Params, Result]:
    """The function, but that it refuses arguments that its signature has no name or type for.

    Nothing is converted. How many there must be is left to Python.

    Raises:
        UsageError: from the call; names the argument, what was found and what is expected.
    """

    @wraps(function)
    def call(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        hints = _hints(function)
        named = dict(zip(hints, args, strict=False)) | kwargs
        for name, value in named.items():
            if name not in hints:
                raise UsageError(f"unknown option {name!r}; {nearest(name, hints)}")
            _check_type(name, value, hints[name])
        return function(*args, **kwargs)

    return call


@cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Argument -> its type, in the order of the signature; options by their own names."""
    told = get_type_hints(function)
    hints: dict[str, Any] = {}
    for name in signature(function).parameters:
        hint = told.get(name, Any)  # `self` has no type
        hints |= get_type_hints(*get_args(hint)) if get_origin(hint) is Unpack else {name: hint}
    return hints


def _check_type(name: str, value: object, hint: Any) -> None:  # noqa: ANN401 - any type
    from pydantic import ValidationError

    try:
        _adapter(hint).validate_python(value)
    except ValidationError as error:
        # One complaint for each type that it may have; of a list whose entry is wrong the entry.
        faults = error.errors()
        depth = max(len(fault["loc"]) for fault in faults)
        deepest = [fault for fault in faults if len(fault["loc"]) == depth]
        place = "".join(f"[{step}]" for step in deepest[0]["loc"] if isinstance(step, int))
        expected = " or ".join(dict.fromkeys(expected_of(fault) for fault in deepest))
        raise UsageError(
            f"option {name + place!r}: found {describe(deepest[0]['input'])}, expected {expected}"
        ) from None


@cache
def _adapter(hint: Any) -> Any:  # noqa: ANN401 - pydantic is imported where it is used
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(hint, config=ConfigDict(strict=True))
