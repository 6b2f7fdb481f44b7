"""The run in a few lines of Markdown, for comments and step summaries in CI."""

from __future__ import annotations

import re

from evalkit.report.text import decimal, one_line, signed
from evalkit.report.view import TEST, primary, whole_deltas, whole_scores
from evalkit.schema import GateResult, GateVerdict, RunRecord
from evalkit.verdict import cautions, gate, placed
from evalkit.verdict.headline import Headline, headline

MARKS = {"good": "✅", "bad": "❌", "unsure": "⚠️"}
VERDICTS = {"PASS": MARKS["good"], "FAIL": MARKS["bad"], "INCONCLUSIVE": MARKS["unsure"]}
JOINER = "\N{WORD JOINER}"
_MARKUP = re.compile(r"[\\`*_\[\]<>&|~$]")
# GitHub finds mentions, issues and addresses in the finished text, where no escape is left.
_FOUND_LATER = re.compile(r"[@#]|:(?=//)|www(?=\.)", re.IGNORECASE)


def render_markdown(record: RunRecord, verdict: GateVerdict | None = None) -> str:
    """A short summary: the gate, five answers for each tuned model, two tables, the warnings.

    Args:
        record: the run.
        verdict: the gate's; against the base alone if not given.

    Returns:
        GitHub-flavoured Markdown in which no text of the run is markup, a link or a mention.
    """
    decided = gate(record) if verdict is None else verdict
    models = headline(record, decided)
    lines = [f"## evalkit: {_code(record.info.name)}", ""]
    if models or verdict is not None:
        lines += [f"**{decided.verdict}**: {_prose(decided.reason)}", ""]
    for found in models:
        lines += _answers(found)
    lines += _gated(decided)
    lines += _table(record)
    lines += [f"> ⚠️ with care: {_prose(placed(found))}" for found in cautions(decided.differences)]
    lines += [f"> ⚠️ {_prose(warning)}" for warning in record.info.warnings]
    return "\n".join(lines).rstrip() + "\n"


def render_undecided(name: str, error: str) -> str:
    """Why the gate could not say anything of a run: another that cannot be compared, say.

    Args:
        name: of the run.
        error: what a user reads of it, in lines.

    Returns:
        Markdown in which no text is markup, like that of `render_markdown`.
    """
    first, *others = [_prose(line) for line in error.splitlines() if line.strip()] or [""]
    return "\n".join(
        [f"## evalkit: {_code(name)}", "", f"❌ **no verdict**: {first}", ""]
        + [f"> {line}\n" for line in others]
    )


def _answers(found: Headline) -> list[str]:
    """Five rows: the question, the answer, the evidence."""
    rows = [
        f"| {finding.question} | {MARKS[finding.tone]} {_prose(finding.answer)} "
        f"| {_prose(finding.sentence)} |"
        for finding in found.findings
    ]
    title = f"### {_code(found.tuned)} against {_code(found.base)}"
    return [title, "", "| | | |", "|---|---|---|", *rows, ""]


def _gated(verdict: GateVerdict) -> list[str]:
    """A row for each thing that the gate judged."""
    if not verdict.results:
        return []
    rows = [
        f"| {VERDICTS[found.verdict]} {found.verdict} | {_place(found)} "
        f"| {_code(found.tuned)} against {_code(found.base)} | {_prose(found.reason)} |"
        for found in verdict.results
    ]
    return ["| Gate | Suite | Compared | Reason |", "|---|---|---|---|", *rows, ""]


def _place(found: GateResult) -> str:
    return f"{_code(found.suite)} where {_code(found.slice)}" if found.slice else _code(found.suite)


def _table(record: RunRecord) -> list[str]:
    """Suites down, models across: the primary scores on test with the change of each."""
    scores, deltas = whole_scores(record), whole_deltas(record)
    models = record.info.models
    rows = []
    for config in record.info.suites:
        scorer = primary(record.info, config.name)
        if scorer is None:
            continue
        cells = []
        for model in models:
            key = (config.name, TEST, model.name, scorer.name)
            score, change = scores.get(key), deltas.get(key)
            cell = decimal(score.score if score else None)
            if change is not None and change.delta is not None:
                bounds = f"{signed(change.low)}, {signed(change.high)}"
                cell += f"<br>{signed(change.delta)} [{bounds}]"
            cells.append(cell)
        rows.append(f"| {_code(config.name)} | {_code(scorer.name)} | {' | '.join(cells)} |")
    if not rows:
        return []
    head = " | ".join(_code(model.name) for model in models)
    rule = "|---|---|" + "---:|" * len(models)
    return [f"| Suite | Scorer | {head} |", rule, *rows, ""]


def _prose(text: str) -> str:
    """Text in which nothing is markup, a mention, an issue or a link."""
    apart = _FOUND_LATER.sub(lambda match: match[0] + JOINER, one_line(text, 600))
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", apart)


def _code(name: str) -> str:
    """A name in a code span, where nothing but a backtick or a bar could take effect."""
    plain = one_line(name, 80).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`"
