"""Translation: English sentences into Spanish, with gender, number and tense to get right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.embedded.dice import Dice
from evalkit.embedded.facts import table
from evalkit.embedded.recipes.phrases import capitalised
from evalkit.embedded.recipes.recipe import Recipe, Row

CONFIG = """\
name: english-spanish
task: translation
description: Sentences into Spanish; articles, adjectives and verbs must agree.
test: test.jsonl
train: train.jsonl
validation: validation.jsonl
scorers: [chrf, bleu, exact_match]
system: >-
  Translate into Spanish. Keep the order of the sentence parts, use the preterite for the past and
  the masculine for people of unknown gender.
generation: {temperature: 0, max_tokens: 64, stop: ["\\n"], seed: 0}
slices: [tense, subject]
"""

TIMES = {
    "past": (("yesterday", "ayer"), ("last week", "la semana pasada"), ("last night", "anoche")),
    "present": (("today", "hoy"), ("every day", "todos los días"), ("now", "ahora")),
}
DEFINITE = {"m": "el", "f": "la", "mp": "los", "fp": "las"}
INDEFINITE = {"m": "un", "f": "una", "mp": "unos", "fp": "unas"}
DEMONSTRATIVE = {"m": "este", "f": "esta", "mp": "estos", "fp": "estas"}
POSSESSIVE = {"m": "nuestro", "f": "nuestra", "mp": "nuestros", "fp": "nuestras"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase in both languages."""

    english: str
    spanish: str
    plural: bool


def noun_phrase(dice: Dice, kind: str, *, described: float) -> Phrase:
    """Article, noun and, with the given probability, an adjective that suits the noun's kind."""
    noun = dice.pick([fact for fact in table("spanish-nouns") if fact["kind"] == kind])
    plural = dice.chance(0.4)
    gender = noun["gender"] + ("p" if plural else "")
    english, spanish = _articles(dice, plural=plural)
    words, palabras = (
        [noun["plural" if plural else "english"]],
        [noun["plurales" if plural else "spanish"]],
    )
    if dice.chance(described):
        suited = [fact for fact in table("spanish-adjectives") if fact["kinds"] == kind]
        adjective = dice.pick(suited)
        words.insert(0, adjective["english"])
        palabras.append(adjective[gender])
    if english == "a" and words[0][0] in "aeiou":
        english = "an"
    return Phrase(" ".join((english, *words)), " ".join((spanish[gender], *palabras)), plural)


def _articles(dice: Dice, *, plural: bool) -> tuple[str, dict[str, str]]:
    return dice.pick(
        (
            ("the", DEFINITE),
            ("the", DEFINITE),
            ("some" if plural else "a", INDEFINITE),
            ("these" if plural else "this", DEMONSTRATIVE),
            ("our", POSSESSIVE),
        )
    )


def rows(dice: Dice) -> Iterator[Row]:
    """Sentences without end: somebody does something to a thing, somewhere, at some time."""
    while True:
        tense = dice.pick(("past", "present"))
        subject = noun_phrase(dice, "person", described=0.4)
        target = noun_phrase(dice, "thing", described=0.5)
        verb = dice.pick(table("spanish-verbs"))
        when, cuando = dice.pick(TIMES[tense])
        if tense == "past":
            does, hace = verb["past"], verb["past_plural" if subject.plural else "past_singular"]
        else:
            does = verb["english" if subject.plural else "third"]
            hace = verb["plural" if subject.plural else "singular"]
        english, spanish = (
            [subject.english, does, target.english],
            [
                subject.spanish,
                hace,
                target.spanish,
            ],
        )
        if dice.chance(0.4):
            place = noun_phrase(dice, "place", described=0.2)
            english.append(f"in {place.english}")
            spanish.append(f"en {place.spanish}")
        if dice.chance(0.5):
            english.append(when)
            spanish.append(cuando)
        yield Row(
            prompt=capitalised(" ".join(english)) + ".",
            references=(capitalised(" ".join(spanish)) + ".",),
            fields={"tense": tense, "subject": "plural" if subject.plural else "singular"},
        )


RECIPE = Recipe(name="english-spanish", config=CONFIG, rows=rows, train=2000)
