"""The straight line from suites and models to a run folder, and the public Python API."""

from evalkit.pipeline.api import Run, check, gate, load, project_rule, report, run, score

__all__ = ["Run", "check", "gate", "load", "project_rule", "report", "run", "score"]
