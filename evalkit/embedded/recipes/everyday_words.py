"""The forgetting check: what any base model has from its pre-training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from evalkit.embedded.dice import Dice
from evalkit.embedded.facts import column, table
from evalkit.embedded.recipes.recipe import Recipe, Row

CONFIG = """\
name: everyday-words
task: generation
general: true
description: Opposites, plurals, categories, young animals and lists; the forgetting check.
test: test.jsonl
train: train.jsonl
validation: validation.jsonl
scorers: [exact_match, contains]
system: "Answer briefly, with the word or words only."
generation: {temperature: 0, max_tokens: 24, stop: ["\\n"], seed: 0}
slices: [skill, source]
"""

COMPUTED_SHARE = 0.55
"""Share of rows that no table holds: without them the suite would end where the tables do."""


def opposites() -> dict[str, tuple[str, ...]]:
    """Word -> its accepted opposites; the table is read in both directions."""
    accepted: dict[str, list[str]] = defaultdict(list)
    for fact in table("opposites"):
        accepted[fact["word"]].append(fact["opposite"])
        accepted[fact["opposite"]].append(fact["word"])
    return {word: tuple(dict.fromkeys(others)) for word, others in accepted.items()}


def members() -> dict[str, tuple[str, ...]]:
    """Category -> its members."""
    return {fact["category"]: tuple(fact["members"].split(",")) for fact in table("categories")}


def known(dice: Dice) -> Iterator[Row]:
    """Every fact of the tables once."""
    for word, accepted in opposites().items():
        pair = "-".join(sorted((word, accepted[0])))
        yield _known(f"What is the opposite of {word}?", accepted, "opposite", f"opposite/{pair}")
    for fact in table("plurals"):
        prompt = f"What is the plural of {fact['singular']}?"
        yield _known(prompt, (fact["plural"],), "plural", f"plural/{fact['singular']}")
    for fact in table("young"):
        accepted = (fact["young"], fact["also"]) if fact["also"] else (fact["young"],)
        prompt = f"What is a young {fact['animal']} called?"
        yield _known(prompt, accepted, "naming", f"young/{fact['animal']}")
    categories = members()
    for category, words in categories.items():
        others = [name for name in categories if name != category]
        for word in words:
            one, two, three = dice.shuffled([category, *dice.several(others, 2)])
            prompt = f"What is {word}: {one}, {two} or {three}?"
            yield _known(prompt, (category,), "naming", f"category/{word}")


def _known(prompt: str, references: tuple[str, ...], skill: str, group: str) -> Row:
    fields = {"skill": skill, "source": "known"}
    return Row(prompt=prompt, references=references, fields=fields, group=group)


def words() -> tuple[str, ...]:
    """Words that lists are made of."""
    both = column("plurals", "singular") + column("opposites", "word")[:40]
    return tuple(dict.fromkeys(both))


def computed(dice: Dice) -> Iterator[Row]:
    """Lists without end."""
    while True:
        skill = dice.pick(("repeat", "first", "last", "after"))
        prompt, answer = _ask(dice, skill)
        fields = {"skill": skill, "source": "computed"}
        yield Row(prompt=prompt, references=(answer,), fields=fields)


def _ask(dice: Dice, skill: str) -> tuple[str, str]:
    listed = dice.several(words(), dice.number(3, 4))
    text = ", ".join(listed)
    if skill == "repeat":
        return f"Repeat this list: {text}", text
    if skill == "first":
        return f"What is the first word of this list: {text}?", listed[0]
    if skill == "last":
        return f"What is the last word of this list: {text}?", listed[-1]
    return f"Which word comes right after {listed[0]} in this list: {text}?", listed[1]


def rows(dice: Dice) -> Iterator[Row]:
    """Known facts and computed rows, mixed in a fixed share."""
    facts, endless = iter(dice.shuffled(known(dice))), computed(dice)
    while True:
        if dice.chance(COMPUTED_SHARE):
            yield next(endless)
        elif (fact := next(facts, None)) is not None:
            yield fact
        else:
            return


RECIPE = Recipe(name="everyday-words", config=CONFIG, rows=rows, train=1000)
