"""Facts as tables: tab-separated files that anybody can read and correct."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Rows of the table `name`, column name -> text, in file order."""
    text = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def column(name: str, field: str) -> tuple[str, ...]:
    """One column of the table `name`, in file order."""
    return tuple(row[field] for row in table(name))
