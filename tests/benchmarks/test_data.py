"""`pytest -m benchmark -s tests/benchmarks/test_data.py`: a million rows, and leakage at size.

Leakage between 45,000 test and 50,000 training prompts takes under 60 s and 2 GB; a million rows
fit once: their memory is a small multiple of their file.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

from tests.benchmarks.measure import cost_of

WORDS = [f"word{n}" for n in range(20_000)]
INSTRUCTION = "Classify the mail below into one of six labels and answer with the label only: "

LOAD = "import sys, pathlib, evalkit.data as d; s = d.load_suite(pathlib.Path(sys.argv[1]))"
LEAKS = LOAD + "; d.find_leaks('s', 'train', s.splits['test'][:45_000], s.splits['test'][45_000:])"


def write_rows(path: Path, count: int, words: int, head: str = "") -> None:
    rng = random.Random(count)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            prompt = head + " ".join(rng.choices(WORDS, k=words))
            row = {"id": f"{number:07}", "prompt": prompt, "completion": "x", "language": "de"}
            file.write(json.dumps(row) + "\n")


@pytest.mark.benchmark
def test_a_million_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_rows(path, 1_000_000, words=12)
    empty = cost_of([sys.executable, "-c", "import evalkit.data"], tmp_path)
    cost = cost_of([sys.executable, "-c", LOAD, path], tmp_path)
    megabytes = path.stat().st_size / 1e6
    held = cost.megabytes - empty.megabytes
    print(
        f"\n1,000,000 rows, {megabytes:.0f} MB: {cost.seconds:.1f} s, {held:.0f} MB "
        f"({held / megabytes:.1f} times the file)"
    )
    assert cost.code == 0


@pytest.mark.benchmark
@pytest.mark.parametrize("head", ["", INSTRUCTION], ids=["plain", "instruction in every row"])
def test_leakage_at_size(head: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_rows(path, 95_000, words=30, head=head)
    cost = cost_of([sys.executable, "-c", LEAKS, path], tmp_path)
    print(
        f"\nleakage, 45,000 x 50,000 rows: {cost.seconds:.1f} s, {cost.processor:.1f} s of them "
        f"of the processor, {cost.megabytes:.0f} MB"
    )
    assert cost.code == 0
    assert cost.processor < 60
    assert cost.megabytes < 2_000
