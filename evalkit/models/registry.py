"""From the name before the colon of a model spec to a provider that can be asked."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import cast

from evalkit.errors import EvalkitError, ModelError, UsageError, nearest
from evalkit.models.provider import Opener, Provider, ReadRows
from evalkit.schema import ModelSpec

GROUP = "evalkit.providers"
"""Entry point group of third parties' providers."""

BUILT_IN = ("file", "local", "openai")


def open_provider(spec: ModelSpec, *, read_rows: ReadRows | None = None) -> Provider:
    """Make a model ready to be asked; nothing is sent yet.

    Args:
        spec: the arm to open.
        read_rows: reads a data file row by row; needed for `file:`.

    Raises:
        UsageError: no provider has this name.
        ModelError: the model cannot be asked: no key, no such file or checkpoint, missing extra.
        DataError: the rows of a `file:` are not completions.
    """
    # Each built-in is imported when it is first used: the client libraries behind them are heavy.
    match spec.provider:
        case "openai":
            from evalkit.models.openai import open_openai

            return open_openai(spec)
        case "local":
            from evalkit.models.local import open_local

            return open_local(spec)
        case "file":
            from evalkit.models.file import open_file

            if read_rows is None:
                raise ModelError(f"model {spec.name!r}: `file:` needs a row reader (read_rows)")
            return open_file(spec, read_rows)
    return _load(spec)(spec)


def _load(spec: ModelSpec) -> Opener:
    """A third party's opener."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if spec.provider not in found:
        raise UsageError(
            f"model {spec.name!r}: unknown provider {spec.provider!r}; "
            + nearest(spec.provider, [*BUILT_IN, *found])
        )
    return _import(found[spec.provider], spec)


def _import(entry: EntryPoint, spec: ModelSpec) -> Opener:
    try:
        return cast("Opener", entry.load())
    except EvalkitError:
        raise
    except Exception as error:
        raise ModelError(
            f"model {spec.name!r}: provider {entry.name!r} ({entry.value}) cannot be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error
