"""Three arms whose completions are made: a base, an honest one, and one that parrots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import evalkit
from evalkit import pipeline
from tests.command_line import write_jsonl

N = 30


def write_arms(folder: Path) -> None:
    """data.jsonl, seen.jsonl and the completions of base, honest and parrot."""
    rows = [{"id": str(i), "prompt": f"q{i}", "completion": f"a{i}"} for i in range(N)]
    seen = [row | {"id": f"t{i}", "prompt": f"seen {i}"} for i, row in enumerate(rows)]
    write_jsonl(folder / "data.jsonl", rows)
    write_jsonl(folder / "seen.jsonl", seen)
    for name, right in (("base", 0), ("honest", 18), ("parrot", 3)):
        unseen = [row | {"completion": row["completion"] if i < right else "?"}
                  for i, row in enumerate(rows)]  # fmt: skip
        known = [row | {"completion": row["completion"] if name == "parrot" or i < right else "?"}
                 for i, row in enumerate(seen)]  # fmt: skip
        write_jsonl(folder / f"{name}.jsonl", unseen + known)


def run(tuned: Sequence[str] = ("honest", "parrot"), **options: object) -> pipeline.Run:
    return evalkit.run(
        "data.jsonl",
        base="file:base.jsonl",
        tuned=[f"file:{name}.jsonl" for name in tuned],
        train="seen.jsonl",
        **options,  # type: ignore[arg-type]
    )
