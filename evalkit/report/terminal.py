"""The run on a terminal: the five answers, one table, the warnings. Safe for any text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from evalkit.data.health import Lengths, Planning, SuiteHealth
from evalkit.report.console import change_of, console, table_of
from evalkit.report.text import count, decimal, money, one_line, plural, signed
from evalkit.report.view import TEST, primary, whole_deltas, whole_scores
from evalkit.schema import PERTURBED, RunRecord
from evalkit.verdict.headline import Headline, headline

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

TONES = {"good": "green", "bad": "bold red", "unsure": "yellow"}
LEVELS = {
    "none": ("no", "green"),
    "mild": ("mild", "yellow"),
    "strong": ("strong", "bold red"),
    "inconclusive": ("cannot tell", "yellow"),
}
UNPAID = {"local", "file"}
"""Providers whose answers nobody pays for."""
SHOWN_VALUES = 8
"""Labels and slice values that are listed; the rest is counted."""


def print_summary(record: RunRecord, *, now: bool = True) -> None:
    """Show a run on stderr, in colour where the terminal has and wants it; see `summary_text`."""
    console().print(summary_text(record, now=now))


def print_health(healths: Iterable[SuiteHealth]) -> None:
    """Show what suites hold and what is wrong with them, on stderr."""
    screen = console()
    for health in healths:
        screen.print(health_text(health))


def summary_text(record: RunRecord, *, now: bool = True) -> Group:
    """The run as something rich can print.

    Args:
        record: the run.
        now: whether it was asked just now, or is what a folder tells of an earlier time.

    Returns:
        For each tuned model its five answers and a table of its suites; then the warnings. Texts
        of the run are plain text: neither rich's markup nor escape sequences in them take effect.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[Text | Table] = []
    for found in headline(record):
        parts += [_title(found), _answers(found), Text(""), _suites(record, found), Text("")]
    if not parts:
        parts = [_scores(record), Text("")]
    if record.info.noise:
        parts += [_noise(record), Text("")]
    parts += [Text(chosen, "dim") for chosen in _chosen(record)]
    if extra := _extra(record):
        parts += [Text(extra, "dim")]
    if spend := _spend(record, now=now):
        parts += [Text(spend, "dim"), Text("")]
    parts += [
        Text.assemble(("warning: ", "yellow"), one_line(warning, 600))
        for warning in record.info.warnings
    ]
    return Group(*parts)


def health_text(health: SuiteHealth) -> Group:
    """The health of one suite as something rich can print."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Text | Table] = [
        Text.assemble((one_line(health.suite, 80), "bold"), (f"  {health.task}", "dim"))
    ]
    table = table_of("split", "rows", "duplicates", "prompt length", "reference length")
    for split in health.splits:
        table.add_row(
            Text(one_line(split.split, 40)),
            Text(count(split.n)),
            Text(count(len(split.duplicates))),
            Text(_lengths(split.prompts)),
            Text(_lengths(split.references)),
        )
    parts.append(table)
    for split in health.splits:
        groups = {"labels": split.labels, **split.slices}
        parts += [
            Text(f"{one_line(split.split, 40)}: {one_line(name, 40)}: {_counted(values)}", "dim")
            for name, values in groups.items()
            if values
        ]
    parts.append(Text(_planned(health.planning), "dim"))
    problems = [
        Text.assemble(("problem: ", "yellow"), one_line(problem, 600))
        for problem in health.problems
    ]
    return Group(*parts, *(problems or [Text("no problem found", style="green")]), Text(""))


def _chosen(record: RunRecord) -> list[str]:
    """`checkpoint: step-300, the best of 4 on validation rows (qa 0.750)`, for each job."""
    found = []
    for job in dict.fromkeys(row.job for row in record.checkpoints):
        rows = [row for row in record.checkpoints if row.job == job]
        best = [row for row in rows if row.chosen]
        scores = ", ".join(f"{one_line(row.suite, 40)} {decimal(row.score)}" for row in best)
        of = count(len({row.model for row in rows}))
        found.append(
            f"checkpoint: {one_line(best[0].model, 40)}, the best of {of} on validation rows "
            f"({scores})"
        )
    return found


def _extra(record: RunRecord) -> str:
    """What rewordings cost of models that somebody pays for; nothing where nobody does."""
    served = {m.name for m in record.info.models if m.provider not in UNPAID}
    asked: Counter[str] = Counter()
    for split in record.splits:
        if split.split == PERTURBED:
            asked.update({model: len(split.examples) for model in served & set(split.answers)})
    if not asked:
        return ""
    told = ", ".join(f"{count(asked[m])} of {one_line(m, 40)}" for m in sorted(asked))
    return f"rewordings asked besides: {told}; --no-perturb leaves them out"


def _spend(record: RunRecord, *, now: bool) -> str:
    """`cost: base $0.12, tuned $0.10; spent now: $0.05`; nothing where nothing costs."""
    usages = (*record.info.usage, *record.info.judging)
    costs = {used.model: used.cost for used in usages if used.cost}
    if not costs:
        return ""
    told = ", ".join(f"{one_line(name, 40)} {money(cost)}" for name, cost in costs.items())
    models = record.info.clocks.get("models", {})
    spent = [models[name].get("spent") or 0.0 for name in costs if name in models]
    when = "now" if now else "by that run"
    return f"cost: {told}" + (f"; spent {when}: {money(sum(spent))}" if spent else "")


def _planned(planning: Planning) -> str:
    """What the test split can show, in one sentence."""
    if planning.detectable is None:
        shown = "cannot show a difference"
    else:
        shown = f"show a difference of {decimal(100 * planning.detectable, 1)} points or more"
    gate = "" if planning.for_gate is None else f", the gate about {count(planning.for_gate)}"
    return (
        f"{plural(planning.units, 'prompt')} {shown} between two models that are assumed to differ "
        f"on 12.5 % of them; 5 points need {count(planning.for_five_points)}{gate}, an overfitting "
        f"verdict {count(planning.for_overfitting)} test and as many training prompts"
    )


def _lengths(lengths: Lengths) -> str:
    """`median 42, up to 120`, in characters."""
    return f"median {count(lengths.median)}, up to {count(lengths.largest)}"


def _counted(values: Mapping[str, int]) -> str:
    """`delivery 100, refund 98, and 3 more`."""
    shown = [
        f"{one_line(name, 30) or '(none)'} {count(number)}"
        for name, number in list(values.items())[:SHOWN_VALUES]
    ]
    if len(values) > SHOWN_VALUES:
        shown.append(f"and {count(len(values) - SHOWN_VALUES)} more")
    return ", ".join(shown)


def _title(found: Headline) -> Text:
    from rich.text import Text

    return Text.assemble(
        (one_line(found.tuned, 80), "bold"), (f" against {one_line(found.base, 80)}", "dim")
    )


def _answers(found: Headline) -> Table:
    """Question, answer, evidence."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for finding in found.findings:
        table.add_row(
            Text(finding.question),
            Text(finding.answer, style=TONES[finding.tone]),
            Text(one_line(finding.sentence, 600)),
        )
    return table


def _suites(record: RunRecord, found: Headline) -> Table:
    """A line a suite: base, tuned, change, overfitting, by the primary scorer on test."""
    from rich.text import Text

    scores, deltas = whole_scores(record), whole_deltas(record)
    levels = {v.suite: v.level for v in record.info.overfit if v.tuned == found.tuned}
    table = table_of("suite", "scorer", "base", "tuned", "change [95 % interval]", "overfitted?")
    for config in record.info.suites:
        scorer = primary(record.info, config.name)
        if scorer is None:
            continue
        row = [
            scores.get((config.name, TEST, model, scorer.name))
            for model in (found.base, found.tuned)
        ]
        change = deltas.get((config.name, TEST, found.tuned, scorer.name))
        word, style = LEVELS.get(levels.get(config.name, ""), ("not checked", "dim"))
        table.add_row(
            Text(one_line(config.name, 40)),
            Text(one_line(scorer.name, 30)),
            *(Text(decimal(score.score if score else None)) for score in row),
            Text(change_of(change)),
            Text(word, style=style),
        )
    return table


def _scores(record: RunRecord) -> Table:
    """A line a suite and model, where there is nothing to compare."""
    from rich.text import Text

    table = table_of("suite", "model", "scorer", "score [95 % interval]", "n")
    for score in record.scores:
        scorer = primary(record.info, score.suite)
        if not score.slice and score.split == TEST and scorer and score.scorer == scorer.name:
            low, high = decimal(score.low), decimal(score.high)
            table.add_row(
                Text(one_line(score.suite, 40)),
                Text(one_line(score.model, 40)),
                Text(one_line(score.scorer, 30)),
                Text(f"{decimal(score.score)} [{low}, {high}]"),
                Text(count(score.n)),
            )
    return table


def _noise(record: RunRecord) -> Table:
    """A line for each model that was asked more than once."""
    from rich.text import Text

    again = "itself again [95 % interval]"
    table = table_of("noise", "model", "answers a prompt", "differ on", again, "floor")
    for row in record.info.noise:
        change = "" if row.delta is None else signed(row.delta)
        bounds = "" if row.low is None else f" [{signed(row.low)}, {signed(row.high)}]"
        table.add_row(
            Text(one_line(row.suite, 40)),
            Text(one_line(row.model, 40)),
            Text(count(row.times)),
            Text(f"{count(row.differing)} of {count(row.n)} prompts"),
            Text(change + bounds),
            Text("" if row.floor is None else f"±{decimal(row.floor)}"),
        )
    return table
