"""The sections of the report, a file each; a new file is found by itself."""

from __future__ import annotations

import importlib
import pkgutil

from evalkit.report.sections.registry import Context, Section, registered, section

__all__ = ["Context", "Section", "all_sections", "section"]


def all_sections() -> tuple[Section, ...]:
    """Every section in the order it is shown."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return registered()
