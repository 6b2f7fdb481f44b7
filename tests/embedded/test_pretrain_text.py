"""What the base has read: the text of the card, and no row of a suite."""

from __future__ import annotations

import json
from functools import cache
from itertools import islice

import pytest

from evalkit import embedded
from evalkit.embedded.card import sha256
from evalkit.embedded.facts import table
from evalkit.embedded.generate import split
from evalkit.embedded.pretrain_text import KINDS, documents, sealed
from evalkit.embedded.recipes import RECIPES, Row

COMPUTED = ("support-intents", "field-reports", "english-spanish", "order-lines")


@cache
def corpus() -> tuple[str, ...]:
    card = json.loads((embedded.weights_folder("base").parent / "card.json").read_text())
    return tuple(islice(documents(card["seed"], sealed()), card["text"]["documents"]))


def held_out(suite: str) -> list[Row]:
    recipe = next(recipe for recipe in RECIPES if recipe.name == suite)
    return [row for _, row in split(recipe)["test"]]


def test_text_is_the_one_of_the_card() -> None:
    card = json.loads((embedded.weights_folder("base").parent / "card.json").read_text())
    assert sha256(text.encode() + b"\n\n" for text in corpus()) == card["text"]["sha256"]


@pytest.mark.parametrize("suite", COMPUTED)
def test_no_computed_test_row_was_read(suite: str) -> None:
    text = "\n".join(corpus())
    assert not [row.prompt for row in held_out(suite) if row.prompt in text]


@pytest.mark.parametrize("suite", ["field-reports", "english-spanish", "order-lines"])
def test_no_completion_of_a_computed_test_row_was_read(suite: str) -> None:
    text = "\n".join(corpus())
    assert not [row.references[0] for row in held_out(suite) if row.references[0] in text]


@pytest.mark.parametrize("suite", ["world-facts", "everyday-words"])
def test_no_test_question_was_read(suite: str) -> None:
    # Lines, because one list can be the beginning of another.
    lines = {line.removeprefix("Q: ") for text in corpus() for line in text.split("\n")}
    assert not [row.prompt for row in held_out(suite) if row.prompt in lines]


def test_what_is_asked_as_knowledge_was_read_as_statements() -> None:
    text = "\n".join(corpus())
    for fact in table("countries"):
        assert f"{fact['capital']} is the capital of {fact['country']}." in text


def test_every_kind_is_there() -> None:
    assert sum(share for _, share in KINDS) == 100
    assert all(share > 0 for _, share in KINDS)


def test_same_seed_same_text() -> None:
    first = list(islice(documents(7, frozenset()), 50))
    assert first == list(islice(documents(7, frozenset()), 50))
    assert first != list(islice(documents(8, frozenset()), 50))


def test_forbidden_texts_are_left_out() -> None:
    first = next(documents(7, frozenset()))
    assert first not in list(islice(documents(7, frozenset([first])), 200))
