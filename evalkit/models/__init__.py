"""Providers: what can be asked. One file each; third parties add theirs by entry point.

A provider is opened from a `ModelSpec` and asked by the runner, which owns cache, limits and
retries.
"""

from evalkit.models.limits import Allowance, Metered
from evalkit.models.provider import Named, Opener, Provider, ReadRows, Row
from evalkit.models.registry import open_provider

__all__ = [
    "Allowance",
    "Metered",
    "Named",
    "Opener",
    "Provider",
    "ReadRows",
    "Row",
    "open_provider",
]
