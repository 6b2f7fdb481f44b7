"""docs/architecture.md against the code: its rooms are the packages, and its files are there."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

from evalkit.schema import Failure

ROOT = Path(__file__).parents[1]
CODE = ROOT / "evalkit"
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_rooms_are_the_layers_from_the_top_down() -> None:
    rows = re.findall(r"^\| (`.*?) \|", section("Rooms"), re.MULTILINE)
    shown = [re.findall(r"`(\w+)", row) for row in rows]
    (contract,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    layers = [layer.split(" | ") for layer in contract["layers"]]
    assert shown == layers[layers.index(["cli"]) :]
    for room in (room for row in shown for room in row):
        assert (CODE / room).is_dir() or (CODE / f"{room}.py").is_file()


def test_the_files_of_the_asking_are_where_it_says() -> None:
    of_failures = {field.name for field in fields(Failure)}
    runner, batch, models = section("Asking").strip().split("\n\n")
    for text, room in ((runner, "runner"), (batch, "runner/batch"), (models, "models")):
        named = set(re.findall(r"`(\w+)`", text)) - of_failures
        assert len(named) >= 3
        for name in named:
            assert any((CODE / place / f"{name}.py").is_file() for place in (room, "runner"))


def test_the_files_of_the_line_are_where_it_says() -> None:
    named = re.findall(r"`(\w+)`", section("The straight line"))
    files = {path.stem for path in (CODE / "pipeline").glob("*.py")}
    assert len(named) > 5
    assert set(named) <= files
