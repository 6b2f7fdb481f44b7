"""What is known before anything is asked, on a terminal: models, and what a run would take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from evalkit.report.console import console, table_of
from evalkit.report.text import NOTHING, count, money, one_line, plural
from evalkit.schema import Estimate, Looked, Probe, ServedModel

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

SHOWN_MODELS = 20
"""Models of an endpoint that are listed; the rest is counted."""


def print_estimates(estimates: Sequence[Estimate]) -> None:
    """Show what a run would ask, and about what it would take, on stderr."""
    console().print(estimates_text(estimates))


def print_models(looked: Looked) -> None:
    """Show what was found out about models, on stderr."""
    console().print(models_text(looked))


def estimates_text(estimates: Sequence[Estimate]) -> Group:
    """A row a suite, split and model; then the sums of each model, and how they were made."""
    from rich.console import Group
    from rich.text import Text

    rows = table_of(
        "suite", "split", "model", "asked", "cached", "tokens in", "out", "about", "at most"
    )  # fmt: skip
    for one in estimates:
        rows.add_row(
            *(Text(one_line(name, 40)) for name in (one.suite, one.split, one.model)),
            *_figures([one]),
        )
    models = list(dict.fromkeys(one.model for one in estimates))
    for model in models:
        mine = [one for one in estimates if one.model == model]
        rows.add_row(Text("all", "bold"), Text(""), Text(one_line(model, 40)), *_figures(mine))
    return Group(rows, Text(""), *(Text(said, "dim") for said in _basis(estimates)))


def _figures(estimates: Sequence[Estimate]) -> list[Text]:
    from rich.text import Text

    sums = [
        sum(getattr(one, name) for one in estimates)
        for name in ("questions", "cached", "prompt_tokens", "completion_tokens")
    ]
    costs = [
        None if any(cost is None for cost in column) else sum(cost or 0.0 for cost in column)
        for column in ([e.cost for e in estimates], [e.most_cost for e in estimates])
    ]
    return [*(Text(count(number)) for number in sums), *(Text(money(cost)) for cost in costs)]


def _basis(estimates: Sequence[Estimate]) -> list[str]:
    """How the figures were made, and what they leave out."""
    by_basis: dict[str, list[str]] = {}
    for one in estimates:
        names = by_basis.setdefault(one.basis, [])
        if one.model not in names:
            names.append(one.model)
    told = [
        f"tokens of {', '.join(one_line(name, 40) for name in names)} by the {basis}"
        for basis, names in by_basis.items()
    ]
    lines = [
        f"{'; '.join(told)}. Nothing was asked.",
        "Not counted: a few small requests to look at the models, and requests that fail.",
    ]
    if any(one.cost is None for one in estimates):
        lines.append(f"{NOTHING} where no price is known; `price` in evalkit.yaml gives one.")
    return lines


def models_text(looked: Looked) -> Group:
    """A block for each model, and what each endpoint lists."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Text] = []
    for found in looked.models:
        parts.append(
            Text.assemble(
                (one_line(found.model, 80), "bold"), (f"  {one_line(found.endpoint)}", "dim")
            )
        )
        parts += [
            Text.assemble((f"  {name:<9}", "dim"), (one_line(told, 600), style))
            for name, told, style in _lines(found)
        ]
    for sentence in looked.same:
        parts.append(Text.assemble(("warning: ", "yellow"), one_line(sentence, 600)))
    for problem in looked.problems.values():
        parts.append(Text.assemble(("problem: ", "bold red"), one_line(problem, 600)))
    parts += [Text(_listing(url, served), "dim") for url, served in looked.endpoints.items()]
    return Group(*parts)


def _lines(found: Probe) -> Iterable[tuple[str, str, str]]:
    """(what, what was found, style) for what there is to say."""
    if found.mode is not None:
        yield "asked in", f"mode {found.mode}", ""
    if found.served is not None:
        yield "served", _served(found.served), ""
    by_honour: dict[str, list[str]] = {}
    for name, honour in found.honours.items():
        by_honour.setdefault(honour, []).append(name)
    words: Mapping[str, tuple[str, str]] = {
        "yes": ("takes", "green"),
        "ignored": ("ignores", "yellow"),
        "refused": ("refuses", ""),
        "unknown": ("unclear", "dim"),
    }
    for told, (word, style) in words.items():
        if told in by_honour:
            yield word, ", ".join(by_honour[told]), style
    for note in found.notes:
        yield "note", note, "yellow"
    if found.problem:
        yield "problem", found.problem, "bold red"


def _served(served: ServedModel) -> str:
    """`as support-lora, adapter of org/base-7b, 4,096 tokens, until 2027-01-31`."""
    parts = [f"as {served.id}"]
    if served.parent:
        parts.append(f"adapter of {served.parent}")
    if served.root and served.root != served.id:
        parts.append(f"from {served.root}")
    if served.context:
        parts.append(f"{count(served.context)} tokens at most")
    if served.retires:
        parts.append(f"switched off on {served.retires}")
    return ", ".join(parts)


def _listing(url: str, served: Sequence[ServedModel]) -> str:
    if not served:
        return f"{one_line(url)} lists no models"
    shown = [
        one_line(one.id, 80) + (f" (adapter of {one_line(one.parent, 80)})" if one.parent else "")
        for one in served[:SHOWN_MODELS]
    ]
    if len(served) > SHOWN_MODELS:
        shown.append(f"and {count(len(served) - SHOWN_MODELS)} more")
    return f"{one_line(url)} lists {plural(len(served), 'model')}: {', '.join(shown)}"
