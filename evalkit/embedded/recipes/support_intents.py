"""Classification: what a customer wants, in three languages."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.embedded.dice import Dice
from evalkit.embedded.facts import table
from evalkit.embedded.recipes.phrases import CITIES, DAYS, capitalised, full_name, order_number
from evalkit.embedded.recipes.recipe import Recipe, Row

CONFIG = """\
name: support-intents
task: classification
description: What a customer wants, in English, Spanish and German mail, with misleading context.
test: test.jsonl
train: train.jsonl
validation: validation.jsonl
scorers: [accuracy, macro_f1]
labels: [refund, delivery, login, cancel, defect, invoice]
system: >-
  What does the customer want now? Answer with one of: refund, delivery, login, cancel, defect,
  invoice. Ignore what is already settled.
generation: {temperature: 0, max_tokens: 8, stop: ["\\n"], seed: 0}
slices: [language, wording]
"""

LABELS = ("refund", "delivery", "login", "cancel", "defect", "invoice")
LANGUAGES = ("en", "es", "de")
WEEKDAYS = {
    "en": DAYS,
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}


def sentence(dice: Dice, language: str, part: str, name: str) -> str:
    """One sentence of the given part of the mail of `name`, with its places filled."""
    texts = [
        fact["text"]
        for fact in table("support-mail")
        if fact["language"] == language and fact["part"] == part
    ]
    text = dice.pick(texts).format(
        product=dice.pick(table("products"))[language],
        day=dice.pick(WEEKDAYS[language]),
        order=order_number(dice),
        city=dice.pick(CITIES),
        name=name,
        price=dice.number(11, 199),
        number=dice.number(3, 19),
        year=dice.number(2012, 2024),
    )
    return capitalised(text)


def rows(dice: Dice) -> Iterator[Row]:
    """Mails without end: an opening, some context, what is wanted, a closing."""
    while True:
        language, label, name = dice.pick(LANGUAGES), dice.pick(LABELS), full_name(dice)
        misleading = dice.chance(0.4)
        other = dice.pick([another for another in LABELS if another != label])
        context = f"settled-{other}" if misleading else "context"
        middle = [sentence(dice, language, part, name) for part in (context, label)]
        if dice.chance(0.3):
            middle.reverse()
        parts = [sentence(dice, language, "opening", name), *middle]
        if dice.chance(0.6):
            parts.append(sentence(dice, language, "closing", name))
        yield Row(
            prompt=" ".join(parts),
            references=(label,),
            fields={"language": language, "wording": "misleading" if misleading else "plain"},
        )


RECIPE = Recipe(name="support-intents", config=CONFIG, rows=rows, train=3500)
