"""How a section comes into the report: one function, one template of the same name.

    @section(40, "Change against base")
    def deltas(record: RunRecord) -> Context | None:
        ...                                   # and templates/deltas.html

A section returns what its template shows, or None where the run has nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evalkit.schema import RunRecord

Context = Mapping[str, object]
Build = Callable[[RunRecord], Context | None]


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report.

    Attributes:
        key: name of the function, of its template and of its anchor in the page.
        order: where it stands; small numbers first.
        title: its heading.
        build: the function.
    """

    key: str
    order: int
    title: str
    build: Build


_SECTIONS: dict[str, Section] = {}


def section(order: int, title: str) -> Callable[[Build], Build]:
    """Register a function as the section of its own name."""

    def register(build: Build) -> Build:
        key = getattr(build, "__name__", "")
        if key in _SECTIONS:
            raise ValueError(f"two report sections are called {key!r}; rename one function")
        _SECTIONS[key] = Section(key, order, title, build)
        return build

    return register


def registered() -> tuple[Section, ...]:
    """Every section in the order it is shown."""
    return tuple(sorted(_SECTIONS.values(), key=lambda found: (found.order, found.key)))
