"""One offline HTML file: the sections of a run record in one page that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from evalkit.errors import RunFolderError
from evalkit.report.sections import all_sections
from evalkit.report.text import (
    count,
    decimal,
    figure,
    known,
    money,
    p_value,
    plural,
    signed,
    visible,
)
from evalkit.report.view import TEST, arms, tuned_pairs
from evalkit.schema import RunRecord

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = files("evalkit.report") / "templates"


def write_report(record: RunRecord, path: Path) -> None:
    """Write the report of a run as one self-contained HTML file.

    Args:
        record: the run.
        path: the file, conventionally `report.html`; replaced as a whole if it is there.

    Raises:
        RunFolderError: the file cannot be written.
    """
    page = render_report(record)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(page, encoding="utf-8", newline="\n")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise RunFolderError(
            f"{path}: the report cannot be written ({reason}); "
            "expected a folder that exists and can be written to"
        ) from error


def render_report(record: RunRecord) -> str:
    """The report of a run as HTML text: equal records give equal texts.

    Args:
        record: the run; the only thing that is read.

    Returns:
        A whole page. Nothing in it is fetched, and only its own style and script take effect:
        every text of the record is escaped, and shown with its invisible characters marked.
    """
    environment = _environment()
    style, script = _asset("style.css"), _asset("script.js")
    info = record.info
    shown = []
    for section in all_sections():
        context = section.build(record)
        if context is not None:
            template = environment.get_template(f"{section.key}.html")
            body = template.render(info=info, arms=arms(info), **context)
            shown.append((section, Markup(body)))  # noqa: S704 - rendered with autoescape on
    return environment.get_template("page.html").render(
        info=info,
        arms=arms(info),
        summary=_summary(record),
        clock=_clock(info.clocks),
        sections=shown,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        policy=_policy(style, script),
    )


def _environment() -> Environment:
    """Templates in which every text is escaped and no name may be missing."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "number": lambda value: _number(value, decimal(value)),
        "change": lambda value: _number(value, signed(value)),
        "figure": lambda value: _number(value, figure(value)),
        "p": lambda value: _number(value, p_value(value)),
        "count": count,
        "money": money,
        "plural": plural,
    }
    return environment


def _asset(name: str) -> str:
    """A file of the template folder, with Unix line ends on every system."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _finalize(value: object) -> object:
    """Every text that a template puts out, made visible before it is escaped."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value


def _number(value: float | None, text: str) -> Markup:
    """A rounded number that still carries the whole one, as the CSV files have it."""
    if value is None or not known(value):
        return Markup('<span class="num none">{}</span>').format(text)
    whole = repr(float(value))
    return Markup('<span class="num" data-value="{0}" title="{0}">{1}</span>').format(whole, text)


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy: nothing but this style and this script, by their hashes."""
    return (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    """The hash of an inline element's text, as the policy names it."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _summary(record: RunRecord) -> str:
    """`tuned and overfit against base on 6 suites, 1,800 test examples`."""
    info = record.info
    pairs = tuned_pairs(info)
    examples = sum(len(split.examples) for split in record.splits if split.split == TEST)
    where = f"on {plural(len(info.suites), 'suite')}, {plural(examples, 'test example')}"
    if not pairs:
        return f"{_listed([model.name for model in info.models])} {where}"
    bases = _listed(list(dict.fromkeys(base for base, _ in pairs)))
    return f"{_listed([tuned for _, tuned in pairs])} against {bases} {where}"


def _listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


def _clock(clocks: Mapping[str, object]) -> str:
    """What differs between two equal runs, in one line; run.json has the rest."""
    started, seconds, models = (clocks.get(name) for name in ("started", "seconds", "models"))
    parts = []
    if started is not None:
        parts.append(f"Started {started}".replace("T", " ").replace("+00:00", " UTC"))
    if isinstance(seconds, int | float):
        parts.append(f"took {seconds:.1f} s")
    medians = {
        name: stats["median_seconds"]
        for name, stats in (models.items() if isinstance(models, Mapping) else ())
        if isinstance(stats, Mapping) and isinstance(stats.get("median_seconds"), int | float)
    }
    if any(medians.values()):
        told = ", ".join(f"{name} {seconds:.3g} s" for name, seconds in medians.items())
        parts.append(f"median answer: {told}")
    return " · ".join(parts)
