"""Suites, readers, prompts, leakage, model specs and the project file.

Everything that comes from the user's files enters here, is checked here, and leaves as records.
"""

from __future__ import annotations

from evalkit.data.extraction import parse_extract
from evalkit.data.health import Lengths, SplitHealth, SuiteHealth, check_suite
from evalkit.data.leakage import find_leaks
from evalkit.data.losses import read_losses
from evalkit.data.perturb import perturb
from evalkit.data.project import Project, find_project, load_project
from evalkit.data.readers import Row, read_rows, reader
from evalkit.data.spec import parse_judge, parse_model, safe_name
from evalkit.data.suite import DEFAULT_SCORERS, check_train_files, find_train, load_suite
from evalkit.data.units import repeated_prompts, units_of
from evalkit.data.yamlfile import expected_of

__all__ = [
    "DEFAULT_SCORERS",
    "Lengths",
    "Project",
    "Row",
    "SplitHealth",
    "SuiteHealth",
    "check_suite",
    "check_train_files",
    "expected_of",
    "find_leaks",
    "find_project",
    "find_train",
    "load_project",
    "load_suite",
    "parse_extract",
    "parse_judge",
    "parse_model",
    "perturb",
    "read_losses",
    "read_rows",
    "reader",
    "repeated_prompts",
    "safe_name",
    "units_of",
]
