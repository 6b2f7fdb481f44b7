"""The recipes of CONTRIBUTING.md, followed to the letter on a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import clean_environment, write_jsonl

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"<!-- recipe: (\w+); (.*?) -->\n```\w+\n(.*?)```\n", re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def follow(step: str, text: str, copy: Path, work: Path) -> None:
    """One block: write a file, append to one, insert after a line, or run the check."""
    verb, _, rest = step.partition(": ")
    if verb == "write":
        (copy / rest).write_text(text, encoding="utf-8")
    elif verb == "append":
        with (copy / rest).open("a", encoding="utf-8") as file:
            file.write(text)
    elif verb == "edit":
        path, line = rest.split("; after: ")
        source = (copy / path).read_text(encoding="utf-8")
        assert source.count(f"{line}\n") == 1
        edited = source.replace(f"{line}\n", f"{line}\n{text}")
        (copy / path).write_text(edited, encoding="utf-8")
    else:
        assert verb == "check"
        run_check(text, copy, work)


def run_check(script: str, copy: Path, work: Path) -> None:
    shim = work / "bin" / "evalkit"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m evalkit "$@"\n')
    shim.chmod(0o755)
    path = os.pathsep.join([str(shim.parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=work,
        env=clean_environment() | {"PYTHONPATH": str(copy), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(os.name == "nt", reason="the checks are shell lines")
@pytest.mark.parametrize("name", ["scorer", "provider", "signal", "section", "reader"])
def test_recipe(name: str, tmp_path: Path) -> None:
    copy, work = tmp_path / "copy", tmp_path / "work"
    ignored = shutil.ignore_patterns("weights", "__pycache__")
    shutil.copytree(ROOT / "evalkit", copy / "evalkit", ignore=ignored)
    work.mkdir()
    sums = [{"id": str(i), "prompt": f"What is {i} plus {i}?"} for i in range(1, 31)]
    for file in ("test", "train", "base", "tuned"):
        write_jsonl(
            work / f"{file}.jsonl",
            (row | {"completion": str(2 * i)} for i, row in enumerate(sums, 1)),
        )
    steps = [(step, text) for recipe, step, text in BLOCKS if recipe == name]
    assert len(steps) >= 2
    for step, text in steps:
        follow(step, text, copy, work)
