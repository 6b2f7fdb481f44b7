"""Writes down when the tests with servers that others wrote last passed, and what they measured.

`passed.json` is what docs/servers.md is held to. A server's entry is written anew when all tests of
its file have passed in one session.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.foreign.serving import KINDS

RECORD = Path(__file__).with_name("passed.json")
Note = Callable[[str, Any], None]


@dataclass
class Seen:
    """What came of the tests of one file.

    Attributes:
        passed: names of those that passed.
        lacking: names of those that did not, or were left out.
        figures: what they measured.
    """

    passed: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)
    figures: dict[str, Any] = field(default_factory=dict)


SEEN = pytest.StashKey[dict[str, Seen]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SEEN] = {kind.tests: Seen() for kind in KINDS}


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if seen := item.config.stash[SEEN].get(item.path.name):
            seen.lacking.add(item.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if seen := item.config.stash[SEEN].get(item.path.name):
        names = seen.passed if report.passed else seen.lacking
        names.add(item.name)
    return report


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Keeps a figure for the record."""
    return request.config.stash[SEEN][request.path.name].figures.__setitem__


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the entries of the files that passed whole."""
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    for kind in KINDS:
        seen = session.config.stash[SEEN][kind.tests]
        source = RECORD.with_name(kind.tests).read_text(encoding="utf-8")
        if seen.lacking or not seen.passed or len(seen.passed) < source.count("\ndef test_"):
            continue
        record[kind.name] = {
            "passed": datetime.now(UTC).date().isoformat(),
            "versions": kind.versions(),
            "measured": dict(sorted(seen.figures.items())),
        }
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
