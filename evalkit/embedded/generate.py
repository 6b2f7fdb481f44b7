"""Write the shipped suites: `python -m evalkit.embedded.generate [--out suites] [--check]`.

The same code makes the same bytes everywhere; a test holds the repository to it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path

from evalkit.embedded.dice import Dice
from evalkit.embedded.overlap import Overlap
from evalkit.embedded.recipes import RECIPES, Recipe, Row

SEED = "suites-2"
TEST_ROWS, VALIDATION_ROWS, SMALL_ROWS = 300, 100, 60
SPARE = 2
"""How many times the needed rows are drawn, so that overlapping ones can be left out."""


def suite_files(recipe: Recipe) -> dict[str, str]:
    """File name -> content of one suite's folder."""
    splits = split(recipe)
    files = {f"{name}.jsonl": _lines(recipe, rows) for name, rows in splits.items()}
    return {"suite.yaml": recipe.config, **files}


@cache  # seconds of work, and the same each time
def split(recipe: Recipe) -> Mapping[str, Sequence[tuple[str, Row]]]:
    """Split name -> (id, row), without overlap in groups, texts or long runs of words.

    Overlapping rows go before the rest is dealt out, so that the splits are alike: leaving them
    out of the training rows only would leave a training split without the common wordings.
    """
    wanted = {"test": TEST_ROWS, "validation": VALIDATION_ROWS, "train": recipe.train}
    splits: dict[str, list[tuple[str, Row]]] = {name: [] for name in wanted}
    groups = _apart(_groups(recipe, SPARE * sum(wanted.values())), sum(wanted.values()))
    dealt = iter(Dice(f"{SEED}/{recipe.name}/split").shuffled(groups))
    for name, count in wanted.items():
        while len(splits[name]) < count and (group := next(dealt, None)) is not None:
            splits[name] += group[: count - len(splits[name])]
    return {**splits, "train-small": splits["train"][:SMALL_ROWS]}


def _groups(recipe: Recipe, count: int) -> list[list[tuple[str, Row]]]:
    groups: dict[str, list[tuple[str, Row]]] = defaultdict(list)
    known: set[str] = set()
    for number, row in enumerate(islice(recipe.rows(Dice(f"{SEED}/{recipe.name}")), count)):
        if row.prompt in known:
            continue
        known.add(row.prompt)
        groups[row.group or f"row/{number}"].append((f"{recipe.name}-{number:04}", row))
    return list(groups.values())


def _apart(groups: Sequence[list[tuple[str, Row]]], count: int) -> Iterator[list[tuple[str, Row]]]:
    """Groups of `count` rows or a few more, without the rows that overlap with an earlier group."""
    seen, taken = Overlap(), 0
    for group in groups:
        clean = [(id_, row) for id_, row in group if not seen.overlaps(_texts(row))]
        for _, row in clean:
            seen.add(_texts(row))
        if clean:
            yield clean
        taken += len(clean)
        if taken >= count:
            return


def _texts(row: Row) -> tuple[str, str]:
    return row.prompt, f"{row.prompt} {row.references[0]}"


def _lines(recipe: Recipe, rows: Sequence[tuple[str, Row]]) -> str:
    return "".join(
        json.dumps(record, ensure_ascii=False) + "\n" for record in _records(recipe, rows)
    )


def _records(recipe: Recipe, rows: Sequence[tuple[str, Row]]) -> Iterator[Mapping[str, object]]:
    for id_, row in rows:
        if recipe.form == "messages":
            answer = {"role": "assistant", "content": row.references[0]}
            asked: dict[str, object] = {
                "messages": [{"role": "user", "content": row.prompt}, answer]
            }
        else:
            several = len(row.references) > 1
            completion = list(row.references) if several else row.references[0]
            asked = {"prompt": row.prompt, "completion": completion}
        yield {"id": id_, **asked, **row.fields}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the suites, or with `--check` say which files differ from what would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("suites"), help="folder of the suites")
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 on differences")
    options = parser.parse_args(arguments)
    stale = []
    for recipe in RECIPES:
        for name, text in suite_files(recipe).items():
            path = options.out / recipe.name / name
            if path.is_file() and path.read_bytes() == text.encode():
                continue
            stale.append(str(path))
            if not options.check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode())
    verb = "differ from their recipe" if options.check else "written"
    sys.stdout.write("".join(f"{path}\n" for path in stale) + f"{len(stale)} files {verb}\n")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
