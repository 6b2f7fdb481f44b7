"""`pytest -m benchmark -s tests/benchmarks/test_fifty_thousand.py`: under 60 s and 1.5 GB.

50,000 rows, two `file:` models, six scorers, the whole run folder with its report.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from tests.benchmarks.measure import EVALKIT, cost_of

ROWS = 50_000
SCORERS = ("exact_match", "exact_match_strict", "f1", "contains", "rouge_l", "bleu")
WORDS = (
    "amber", "network", "cable", "door", "window", "report", "station", "printer", "paper", "green",
    "red", "small", "large", "found", "broken", "repaired", "replaced", "closed", "opened", "sent",
    "the", "a", "of", "and", "is", "was", "in", "at", "on", "new", "old", "first", "last",
)  # fmt: skip


def write_rows(folder: Path) -> None:
    """A suite and two arms: one right in 6 of 10 rows, one in 7, near misses for the rest."""
    rng = random.Random(7)
    names = ("data.jsonl", "base.jsonl", "tuned.jsonl")
    files = [(folder / name).open("w") for name in names]
    for i in range(ROWS):
        reference = " ".join(rng.choices(WORDS, k=rng.randint(4, 16)))
        rows = [{"id": f"{i:06}", "prompt": f"Describe case {i}.", "completion": reference}]
        for share in (0.6, 0.7):
            words = reference.split()
            if rng.random() > share:
                words[rng.randrange(len(words))] = rng.choice(WORDS)
            rows.append({"id": f"{i:06}", "completion": " ".join(words)})
        for file, row in zip(files, rows, strict=True):
            file.write(json.dumps(row) + "\n")
    for file in files:
        file.close()


@pytest.mark.benchmark
def test_fifty_thousand_rows(tmp_path: Path) -> None:
    write_rows(tmp_path)
    started = time.perf_counter()
    for name in ("data", "base", "tuned"):
        with (tmp_path / f"{name}.jsonl").open() as file:
            rows = [json.loads(line) for line in file]
        (tmp_path / "copy.json").write_text(json.dumps(rows))
    bare = time.perf_counter() - started
    scorers = [word for name in SCORERS for word in ("--scorer", name)]
    cost = cost_of(
        [*EVALKIT, "run", "data.jsonl", "--base", "file:base.jsonl", "--tuned", "file:tuned.jsonl",
         *scorers, "--out", "out"],
        tmp_path,
    )  # fmt: skip
    print(
        f"\n{ROWS} rows, {len(SCORERS)} scorers, report: {cost.seconds:.1f} s, "
        f"{cost.megabytes:.0f} MB; reading and writing the same rows as JSON takes {bare:.1f} s "
        f"(ratio {cost.seconds / bare:.0f})"
    )
    assert cost.code == 0
