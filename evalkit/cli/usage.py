"""What a person reads whose words the command line cannot take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
    from typer.exceptions import TyperException


def misread(error: TyperException) -> str:
    """Which word is wrong, what was expected, and where help is; empty where help was printed."""
    from pydantic import ValidationError

    message = error.format_message()
    if isinstance(cause := error.__cause__, ValidationError):
        # Types are read by pydantic, whose words are not ours.
        named = getattr(error, "param", None)
        name = named.get_error_hint().strip("'") if named is not None else "a value"
        message = f"{name}: {_fault(cause.errors()[0])}"
    context = getattr(error, "ctx", None)
    if not message or context is None:
        return message
    return f"{message.removesuffix('.')}; see `{context.command_path} --help`"


def _fault(details: ErrorDetails) -> str:
    from evalkit.data import expected_of
    from evalkit.data.describe import shorten

    if details["type"] == "value_error":
        return str(details["ctx"]["error"])
    return f"found {shorten(str(details['input']))}, expected {expected_of(details)}"
