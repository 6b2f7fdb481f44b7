"""The straight line from suites and models to a run folder, and the public Python API."""

from evalkit.pipeline.api import (
    Run,
    check,
    compare,
    gate,
    load,
    project_rule,
    report,
    run,
    score,
)
from evalkit.pipeline.batching import export_batches, import_batches

__all__ = [
    "Run",
    "check",
    "compare",
    "export_batches",
    "gate",
    "import_batches",
    "load",
    "project_rule",
    "report",
    "run",
    "score",
]
