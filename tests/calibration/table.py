"""All calibration studies: measured into results.json, shown in docs/statistics.md.

python -m tests.calibration.table --measure                    measure all cells, minutes
python -m tests.calibration.table --write docs/statistics.md   replace the tables of a page
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.calibration import coverage, examples, gate, leakage, overfit, wording
from tests.calibration.cells import Cell, Measured, measured
from tests.calibration.markdown import markdown

RESULTS = Path(__file__).with_name("results.json")
CELLS: Sequence[Cell] = (
    *coverage.CELLS,
    *gate.CELLS,
    *overfit.CELLS,
    *wording.CELLS,
    *leakage.CELLS,
)
STUDIES = tuple(dict.fromkeys(cell.study for cell in CELLS))


def measure(cells: Sequence[Cell]) -> Iterator[Measured]:
    """Measure all cells in full, naming each when it is done."""
    for cell in cells:
        found = measured(cell)
        sys.stdout.write(f"{'missed' if found.missed else 'ok':6}  {found.study}  {found.cell}\n")
        sys.stdout.flush()
        yield found


def load(path: Path = RESULTS) -> list[Measured]:
    """The committed results."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [
        Measured(**row | {"bounds": {name: tuple(pair) for name, pair in row["bounds"].items()}})
        for row in rows
    ]


def save(results: Sequence[Measured], path: Path = RESULTS) -> None:
    """Write results, one cell a line."""
    lines = ",\n".join(json.dumps(asdict(row), ensure_ascii=False) for row in results)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def study(name: str) -> Callable[[], str]:
    """The Markdown table of one study, from the committed results."""

    def rendered() -> str:
        rows = [row for row in load() if row.study == name]
        outcomes = list(dict.fromkeys(outcome for row in rows for outcome in row.figures))
        lines = [
            [row.cell, f"{row.draws:,}" if row.draws else "exact"]
            + [_figure(row, outcome) for outcome in outcomes]
            + [_promise(row)]
            for row in rows
        ]
        return markdown(["situation", "draws", *outcomes, "promise"], lines)

    return rendered


BLOCKS: Mapping[str, Callable[[], str]] = {
    **{name: study(name) for name in STUDIES},
    "scores": examples.scores,
    "gated": examples.gated,
    "families": examples.families,
    "plans": examples.plans,
    "needed": examples.needed,
}
"""Marked block of a page -> its text."""


def filled(page: str) -> str:
    """The page with every marked block made anew: `<!-- NAME -->` ... `<!-- end NAME -->`."""
    for name, render in BLOCKS.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not block.search(page):
            raise ValueError(f"no block <!-- {name} --> ... <!-- end {name} -->")
        text = render()
        page = block.sub(rf"\1\n{text}\n\n\2", page)
    return page


def _figure(row: Measured, outcome: str) -> str:
    if outcome not in row.figures:
        return ""
    share = f"{row.figures[outcome]:.3f}"
    return f"**{share}**" if outcome in row.bounds else share


def _promise(row: Measured) -> str:
    """What is promised, and whether it is kept."""
    if not row.bounds:
        return ""
    wanted = [
        f"{name} {_between(low, high)}" if len(row.figures) > 1 else _between(low, high)
        for name, (low, high) in row.bounds.items()
    ]
    return f"{', '.join(wanted)}: {'missed' if row.missed else 'kept'}"


def _between(low: float, high: float) -> str:
    if low == 0:
        return f"≤ {high:g}"
    return f"≥ {low:g}" if high == 1 else f"{low:g} to {high:g}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write, or both."""
    parser = argparse.ArgumentParser(prog="python -m tests.calibration.table")
    parser.add_argument("--measure", nargs="*", choices=STUDIES, help="measure these studies")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="replace the tables of a page")
    wanted = parser.parse_args(arguments)
    if wanted.measure is not None:
        chosen = wanted.measure or STUDIES
        found = [cell for cell in CELLS if cell.study in chosen]
        kept = {} if set(chosen) == set(STUDIES) else {(r.study, r.cell): r for r in load()}
        kept |= {(r.study, r.cell): r for r in measure(found)}
        save([kept[cell.study, cell.name] for cell in CELLS])
    if wanted.write:
        page = wanted.write.read_text(encoding="utf-8")
        wanted.write.write_text(filled(page), encoding="utf-8")


if __name__ == "__main__":
    main()
