"""The shipped suites: one module each says how its rows are made."""

from __future__ import annotations

from evalkit.embedded.recipes import (
    english_spanish,
    everyday_words,
    field_reports,
    order_lines,
    support_intents,
    world_facts,
)
from evalkit.embedded.recipes.recipe import Recipe, Row

RECIPES = (
    world_facts.RECIPE,
    support_intents.RECIPE,
    field_reports.RECIPE,
    english_spanish.RECIPE,
    order_lines.RECIPE,
    everyday_words.RECIPE,
)

__all__ = ["RECIPES", "Recipe", "Row"]
