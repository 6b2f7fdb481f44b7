"""A run record as people read it: one offline HTML page, a terminal summary, a CI comment."""

from __future__ import annotations

from evalkit.report.html import render_report, write_report
from evalkit.report.markdown import render_markdown, render_undecided
from evalkit.report.terminal import print_health, print_summary, summary_text

__all__ = [
    "print_health",
    "print_summary",
    "render_markdown",
    "render_report",
    "render_undecided",
    "summary_text",
    "write_report",
]
