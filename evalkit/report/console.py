"""What all terminal output shares: the console, tables without lines, changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.report.text import signed
from evalkit.schema import Comparison

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


_NUMBERS = {
    "base", "tuned", "then", "now", "rows", "duplicates", "n", "p", "adjusted p", "fixed", "broke",
    "asked", "cached", "tokens in", "out", "about", "at most",
}  # fmt: skip


UNLIMITED = 100_000
"""Characters of a line that nobody's screen ends."""


def console() -> Console:
    """Stderr, coloured only where the terminal has and wants it; markup in texts has no effect.

    A line is as wide as the terminal; in a pipe or a file it ends where its text does.
    """
    from rich.console import Console

    screen = Console(stderr=True, highlight=False, emoji=False, markup=False)
    if not screen.is_terminal:
        screen.width = UNLIMITED
    return screen


def table_of(*names: str) -> Table:
    """Columns without lines; the numbers to the right, and whole where names have to be folded."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in names:
        number = name in _NUMBERS
        table.add_column(
            Text(name),
            justify="right" if number or "[" in name else "left",
            no_wrap=number,
            overflow="fold",
        )
    return table


def change_of(change: Comparison | None) -> str:
    """`+0.120 [+0.050, +0.190]`."""
    if change is None or change.delta is None:
        return "not compared"
    bounds = "" if change.low is None else f" [{signed(change.low)}, {signed(change.high)}]"
    return f"{signed(change.delta)}{bounds}"
