"""What a command does to its own process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.cli import YOUNG

PROCESS = """
import atexit, gc, sys
import evalkit.cli, evalkit.pipeline
atexit.register(lambda: print(gc.get_freeze_count() > 0))
print(gc.get_threshold()[0])
if sys.argv.pop(1) == "command":
    atexit.register(lambda: print(gc.get_threshold()[0]))
    evalkit.cli.main()
"""


@pytest.mark.parametrize("used_as", ["library", "command"])
def test_only_a_command_spares_the_collector(tmp_path: Path, used_as: str) -> None:
    words = [sys.executable, "-c", PROCESS, used_as, "--version"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    default, *said = done.stdout.splitlines()
    assert int(default) < YOUNG
    frozen_at_its_end = said.pop()
    assert frozen_at_its_end == str(used_as == "command")
    if used_as == "command":
        assert said[0].startswith("evalkit ")
        assert int(said[1]) == YOUNG
