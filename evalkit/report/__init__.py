"""A run record as people read it: one offline HTML page, a terminal summary, a CI comment."""

from __future__ import annotations

from evalkit.report.html import render_report, write_report

__all__ = ["render_report", "write_report"]
