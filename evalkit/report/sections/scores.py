"""Every score with its interval: suite by suite, scorer by scorer, model by model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.report.figures import Dot, Row, scores_plot
from evalkit.report.sections.registry import Context, section
from evalkit.report.text import known
from evalkit.report.view import TEST, Arm, ScoreKey, arms, splits_of, whole_scores
from evalkit.schema import RunRecord, Score, ScorerInfo, SuiteConfig

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Line:
    """One scorer and the score of every model, None where a model was not asked."""

    scorer: ScorerInfo
    cells: tuple[Score | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The scores of one split."""

    split: str
    lines: tuple[Line, ...]
    n: int
    missing: int


@dataclass(frozen=True, slots=True)
class SuiteScores:
    """One suite: its figure, the table of its test split, the tables of the others."""

    config: SuiteConfig
    figure: Markup | None
    tables: tuple[Table, ...]


@section(20, "Scores")
def scores(record: RunRecord) -> Context | None:
    """A figure and a table for each suite."""
    found = whole_scores(record)
    models = arms(record.info)
    suites = []
    for number, config in enumerate(record.info.suites):
        scorers = record.info.scorers.get(config.name, ())
        tables = tuple(
            _table(found, config.name, split, scorers, models)
            for split in splits_of(record, config.name)
        )
        if any(table.lines for table in tables):
            suites.append(SuiteScores(config, _figure(number, config, tables[0], models), tables))
    return {"suites": suites, "test": TEST} if suites else None


def _table(
    found: Mapping[ScoreKey, Score],
    suite: str,
    split: str,
    scorers: Sequence[ScorerInfo],
    models: Sequence[Arm],
) -> Table:
    """Scorers down, models across."""
    lines = []
    for scorer in scorers:
        cells = tuple(found.get((suite, split, model.name, scorer.name)) for model in models)
        if any(cells):
            lines.append(Line(scorer, cells))
    rows = [cell for line in lines for cell in line.cells if cell]
    n = max((cell.n + cell.missing for cell in rows), default=0)
    return Table(split, tuple(lines), n, max((cell.missing for cell in rows), default=0))


def _figure(number: int, config: SuiteConfig, table: Table, models: Sequence[Arm]) -> Markup | None:
    """Dots with intervals of what is measured in [0, 1]."""
    rows = [
        Row(line.scorer.name, dots)
        for line in table.lines
        if line.scorer.unit == "score" and (dots := tuple(_dots(line, models)))
    ]
    title = f"Scores of {config.name} on {table.split} with 95 % intervals"
    return scores_plot(f"scores-{number}", title, rows) if rows else None


def _dots(line: Line, models: Sequence[Arm]) -> Iterator[Dot]:
    for cell, model in zip(line.cells, models, strict=True):
        if cell and cell.score is not None and known(cell.score):
            yield Dot(model.hue, model.name, cell.score, cell.low, cell.high)
