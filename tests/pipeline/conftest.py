"""What tests of the pipeline share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.made_arms import write_arms


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a test, with the completions of three arms in it."""
    monkeypatch.chdir(tmp_path)
    write_arms(tmp_path)
    return tmp_path
