from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Rows = Callable[..., Path]


@pytest.fixture
def rows(tmp_path: Path) -> Rows:
    """Write rows as JSON Lines; a row is an object, or the text of a line."""

    def write(*values: dict[str, Any] | str, name: str = "data.jsonl") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write


@pytest.fixture
def suite(tmp_path: Path, rows: Rows) -> Callable[..., Path]:
    """Write a suite: its suite.yaml and its splits."""

    def write(yaml: str, **splits: list[dict[str, Any]]) -> Path:
        folder = tmp_path / "my-suite"
        for split, values in splits.items():
            rows(*values, name=f"my-suite/{split}.jsonl")
        (folder / "suite.yaml").write_text(yaml, encoding="utf-8")
        return folder

    return write
