"""Two runs side by side on a terminal: changes, what changed in the set-up, flips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalkit.report.console import change_of, console, table_of
from evalkit.report.text import decimal, one_line, p_value, plural
from evalkit.schema import Difference, Flip, RunComparison
from evalkit.verdict import told

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

SHOWN_FLIPS = 10
"""Flips that are listed with their prompts; the rest is counted, and in the JSON."""


def print_comparison(found: RunComparison) -> None:
    """Show two runs side by side, on stderr."""
    console().print(comparison_text(found))


def comparison_text(found: RunComparison) -> Group:
    """Two runs as something rich can print; no text of theirs takes effect."""
    from rich.console import Group
    from rich.text import Text

    title = Text.assemble(
        (one_line(found.later, 80), "bold"), (f" against {one_line(found.earlier, 80)}", "dim")
    )
    return Group(
        title, _changes(found), Text(""), *_setup(found.differences), Text(""), *_flips(found.flips)
    )


def _changes(found: RunComparison) -> Table:
    """A line for each suite, model and scorer; the primary scorer of a suite comes first."""
    from rich.text import Text

    scores = {(s.suite, s.model, s.scorer): s.score for s in found.scores}
    flips = Counter((flip.suite, flip.model, flip.kind) for flip in found.flips)
    table = table_of("suite", "model", "scorer", "then", "now", "change [95 % interval]",
                     "adjusted p", "fixed", "broke")  # fmt: skip
    for row in found.comparisons:
        if row.slice:
            continue
        primary = row.family == "primary"
        sides = [scores.get((row.suite, model, row.scorer)) for model in (row.base, row.tuned)]
        turned = [flips[row.suite, row.tuned, kind] for kind in ("fixed", "broke")]
        table.add_row(
            Text(one_line(row.suite, 40)),
            Text(one_line(row.tuned, 40)),
            Text(one_line(row.scorer, 30)),
            *(Text(decimal(score)) for score in sides),
            Text(change_of(row)),
            Text(p_value(row.p_adjusted) if row.p_adjusted is not None else ""),
            *(Text(str(count) if primary else "") for count in turned),
        )
    return table


def _setup(differences: Sequence[Difference]) -> list[Text]:
    """What changed, the refusals first."""
    from rich.text import Text

    if not differences:
        return [Text("set-up: nothing changed that was looked at", style="dim")]
    lines = [Text("set-up, then → now:", style="dim")]
    for difference in sorted(differences, key=lambda found: found.severity != "refuse"):
        refused = difference.severity == "refuse"
        where = f"{one_line(difference.where, 80)}: " if difference.where else ""
        lines.append(
            Text.assemble(
                ("not compared: ", "bold red") if refused else ("with care: ", "yellow"),
                where + one_line(told(difference), 300),
            )
        )
    return lines


def _flips(flips: Sequence[Flip]) -> list[Text]:
    """The first flips: what broke before what was fixed."""
    from rich.text import Text

    if not flips:
        return [Text("no prompt flipped between right and wrong", style="dim")]
    lines = []
    for flip in sorted(flips, key=lambda found: found.kind)[:SHOWN_FLIPS]:
        where = " / ".join(one_line(text, 40) for text in (flip.suite, flip.model, flip.id))
        style = "red" if flip.kind == "broke" else "green"
        lines.append(Text.assemble((f"{flip.kind}: ", style), f"{where}: "
                                   + one_line(flip.prompt, 120)))  # fmt: skip
    if len(flips) > SHOWN_FLIPS:
        rest = plural(len(flips) - SHOWN_FLIPS, "more flip")
        lines.append(Text(f"and {rest}: --json has all", style="dim"))
    return lines
