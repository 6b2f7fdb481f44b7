"""Question answering: capitals, continents, chemical elements and books."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.embedded.dice import Dice
from evalkit.embedded.facts import table
from evalkit.embedded.recipes.recipe import Recipe, Row

CONFIG = """\
name: world-facts
task: qa
description: Questions about capitals, continents, chemical elements and classic books.
test: test.jsonl
train: train.jsonl
validation: validation.jsonl
scorers: [exact_match, contains, f1]
system: "Answer with the name or symbol only."
generation: {temperature: 0, max_tokens: 24, stop: ["\\n"], seed: 0}
slices: [topic, asks]
"""

CAPITAL = (
    "What is the capital of {country}?",
    "Which city is the capital of {country}?",
    "Name the capital of {country}.",
)
COUNTRY = (
    "Which country has {capital} as its capital?",
    "{capital} is the capital of which country?",
    "Name the country whose capital is {capital}.",
)
CONTINENT = (
    "On which continent is {country}?",
    "Which continent does {country} belong to?",
    "Name the continent of {country}.",
)
STATE_CAPITAL = (
    "What is the capital of the US state of {state}?",
    "Which city is the capital of the US state of {state}?",
)
STATE = (
    "Which US state has {capital} as its capital?",
    "{capital} is the capital of which US state?",
)
SYMBOL = ("What is the chemical symbol of {element}?", "Which symbol stands for {element}?")
ELEMENT = (
    "Which chemical element has the symbol {symbol}?",
    "What element does the symbol {symbol} stand for?",
)
AUTHOR = ("Who wrote {title}?", "Name the author of {title}.", "Who is the author of {title}?")


def rows(dice: Dice) -> Iterator[Row]:
    """Every question once, in one of its wordings; one group for everything about one thing."""
    for fact in table("countries"):
        # Andorra la Vella names its country, and San Salvador nearly does.
        told = fact["country"] in fact["capital"]
        asked = [(CAPITAL, fact["capital"], "capital"), (CONTINENT, fact["continent"], "continent")]
        asked += [] if told else [(COUNTRY, fact["country"], "country")]
        for wordings, answer, asks in asked:
            yield _row(dice, wordings, fact, (answer,), "countries", asks)
    for fact in table("states"):
        yield _row(dice, STATE_CAPITAL, fact, (fact["capital"],), "states", "capital")
        if fact["state"] not in fact["capital"]:
            yield _row(dice, STATE, fact, (fact["state"],), "states", "state")
    for fact in table("elements"):
        names = (fact["element"], fact["also"]) if fact["also"] else (fact["element"],)
        yield _row(dice, SYMBOL, fact, (fact["symbol"],), "elements", "symbol")
        yield _row(dice, ELEMENT, fact, names, "elements", "element")
    for fact in table("books"):
        names = (fact["author"], fact["also"]) if fact["also"] else (fact["author"],)
        yield _row(dice, AUTHOR, fact, names, "books", "author")


def _row(
    dice: Dice,
    wordings: tuple[str, ...],
    fact: dict[str, str],
    references: tuple[str, ...],
    topic: str,
    asks: str,
) -> Row:
    thing = next(iter(fact.values()))
    return Row(
        prompt=dice.pick(wordings).format(**fact),
        references=references,
        fields={"topic": topic, "asks": asks},
        group=f"{topic}/{thing}",
    )


RECIPE = Recipe(name="world-facts", config=CONFIG, rows=rows, train=1000)
