"""Providers: what can be asked. One file each; third parties add theirs by entry point.

A provider is opened from a `ModelSpec` and asked by the runner, which owns cache, limits and
retries.
"""

from evalkit.models.batched import Batched, BatchServer, BatchStatus
from evalkit.models.batchfile import Line, Result, Written, parse_result, write_files
from evalkit.models.failures import quote
from evalkit.models.limits import Allowance, Metered
from evalkit.models.prices import price_of
from evalkit.models.provider import Named, Opener, Probed, Provider, ReadRows, Row, Scoring
from evalkit.models.registry import open_provider

__all__ = [
    "Allowance",
    "BatchServer",
    "BatchStatus",
    "Batched",
    "Line",
    "Metered",
    "Named",
    "Opener",
    "Probed",
    "Provider",
    "ReadRows",
    "Result",
    "Row",
    "Scoring",
    "Written",
    "open_provider",
    "parse_result",
    "price_of",
    "quote",
    "write_files",
]
