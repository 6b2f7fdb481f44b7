"""The straight line from suites and models to a run folder, and the public Python API."""

from evalkit.pipeline.api import check, compare, gate, project_rule, report, score
from evalkit.pipeline.estimating import estimate
from evalkit.pipeline.exporting import export_batches
from evalkit.pipeline.finished import Run, load
from evalkit.pipeline.forgetting import forget_batch
from evalkit.pipeline.importing import import_batches
from evalkit.pipeline.models import models
from evalkit.pipeline.options import RunOptions
from evalkit.pipeline.running import run

__all__ = [
    "Run",
    "RunOptions",
    "check",
    "compare",
    "estimate",
    "export_batches",
    "forget_batch",
    "gate",
    "import_batches",
    "load",
    "models",
    "project_rule",
    "report",
    "run",
    "score",
]
