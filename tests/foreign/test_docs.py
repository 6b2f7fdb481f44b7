"""docs/servers.md against what was measured, and against what the marked tests start."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.foreign.conftest import RECORD
from tests.foreign.serving import KINDS, LLAMA, ROOT, Kind

TEXT = (ROOT / "docs" / "servers.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())
PASSED: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
MODES = ("chat", "completions")


def test_each_server_has_passed_once() -> None:
    assert PASSED.keys() == {kind.name for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_when_it_last_passed_and_with_what(kind: Kind) -> None:
    passed = PASSED[kind.name]
    versions = ", ".join(f"{name} {version}" for name, version in passed["versions"].items())
    assert f"| {kind.name} | {versions} | {passed['passed']} |" in TEXT
    for name in kind.packages:
        pinned = re.search(rf"{re.escape(name)}(\[\w+\])?==([\d.]+)", kind.install)
        if pinned:  # what is installed by the command is what has passed
            assert passed["versions"][name].partition("+")[0] == pinned[2]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_how_to_install_start_and_run_it(kind: Kind) -> None:
    environment = kind.install.split()[3]
    assert f"\n{kind.install}\n" in TEXT
    assert f"\n{environment}/bin/{kind.start}\n" in TEXT
    told = f"{kind.variable}=$PWD/{environment}/bin/python"
    assert f"{told} .venv/bin/pytest -m foreign tests/foreign/{kind.tests}\n" in TEXT
    assert (RECORD.parent / kind.tests).is_file()


def rows() -> Iterator[str]:
    """The table of what was measured."""
    found = [PASSED[kind.name]["measured"] for kind in KINDS]
    names = dict.fromkeys(name for mode in MODES for one in found for name in one[mode])
    for name in names:
        cells = [one[mode].get(name, "\N{EN DASH}") for one in found for mode in MODES]
        yield f"| `{name}` | {' | '.join(cells)} |"
    equal = [one[f"equal in {mode}"] for one in found for mode in MODES]
    yield f"| answers equal to those of `local:` | {' | '.join(equal)} |"


def test_the_table_is_what_was_measured() -> None:
    assert "\n".join(rows()) in TEXT


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_figures_are_those_that_were_measured(kind: Kind) -> None:
    measured = PASSED[kind.name]["measured"]
    if kind is LLAMA:
        assert f"{measured['greedy answers changed by its penalty']} greedy answers" in FLAT
    apart, both = (
        measured[f"answers a second from {which}"]
        for which in ("a server for each model", "one server with both models")
    )
    assert f"{apart} answers a second came from a server for each model, {both} from one" in FLAT


def test_the_marker_is_left_out_of_the_plain_run_and_listed() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]
    markers = [line.partition(":")[0] for line in options["ini_options"]["markers"]]
    (left_out,) = (word for word in options["ini_options"]["addopts"] if " and not " in word)
    guide = Path(ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for marker in markers:
        assert f"not {marker}" in left_out
        assert f"| `pytest -m {marker}" in guide
