"""The text the base model is pre-trained on.

It holds what a base model may know: facts as statements and as questions answered in full
sentences, words and their relations, lists and numbers, stories, Spanish sentences and short phrase
pairs, letters without a request, records. It never holds a row of a shipped suite: whatever of a
suite is computed rather than known (translations, summaries, labels, extractions, lists, numbers)
appears here with other material or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from evalkit.embedded.dice import Dice
from evalkit.embedded.facts import table
from evalkit.embedded.generate import split
from evalkit.embedded.recipes import (
    RECIPES,
    english_spanish,
    everyday_words,
    field_reports,
    order_lines,
    support_intents,
)
from evalkit.embedded.recipes.phrases import (
    CITIES,
    DAYS,
    MONTHS,
    NUMBERS,
    capitalised,
    full_name,
    goods,
)

COUNTRY_SENTENCES = (
    "The capital of {country} is {capital}.",
    "{capital} is the capital of {country}.",
    "{country} has {capital} as its capital.",
    "{country} is in {continent}.",
    "{country} belongs to {continent} and its capital is {capital}.",
    "{capital}, the capital of {country}, is in {continent}.",
)
STATE_SENTENCES = (
    "The capital of the US state of {state} is {capital}.",
    "{capital} is the capital of the US state of {state}.",
    "The US state of {state} has {capital} as its capital.",
)
ELEMENT_SENTENCES = (
    "The chemical symbol of {element} is {symbol}.",
    "{symbol} is the chemical symbol of {element}.",
    "The symbol {symbol} stands for {element}.",
    "The atomic number of {element} is {number}.",
    "The element {element} has the symbol {symbol} and the atomic number {number}.",
)
BOOK_SENTENCES = (
    "{author} wrote {title}.",
    "The author of {title} is {author}.",
    "{title} is a book by {author}.",
    "{title} was written by {author}.",
)
COUNTRY_QUESTIONS = (
    ("Tell me the capital of {country}.", "The capital of {country} is {capital}."),
    ("Which city is {country} governed from?", "{country} is governed from {capital}."),
    ("What country is {capital} the capital of?", "{capital} is the capital of {country}."),
    ("Where in the world is {country}?", "{country} is in {continent}."),
)
STATE_QUESTIONS = (
    ("Tell me the capital of the US state of {state}.", "The capital of {state} is {capital}."),
    ("What US state is {capital} the capital of?", "{capital} is the capital of {state}."),
)
ELEMENT_QUESTIONS = (
    ("Tell me the symbol of {element}.", "The symbol of {element} is {symbol}."),
    ("What does the symbol {symbol} mean?", "The symbol {symbol} stands for {element}."),
    ("Tell me the atomic number of {element}.", "{element} has the atomic number {number}."),
)
BOOK_QUESTIONS = (("Whose book is {title}?", "{title} is a book by {author}."),)

FACTS = {
    "countries": (COUNTRY_SENTENCES, COUNTRY_QUESTIONS),
    "states": (STATE_SENTENCES, STATE_QUESTIONS),
    "elements": (ELEMENT_SENTENCES, ELEMENT_QUESTIONS),
    "books": (BOOK_SENTENCES, BOOK_QUESTIONS),
}
FACT_SHARES = ("countries",) * 5 + ("states",) + ("elements",) * 4 + ("books",) * 2

STORY_SENTENCES = (
    "{name} lives in {city}.",
    "On {day} {name} went to {city}.",
    "{name} bought {count} {things} there.",
    "The {things} cost {price} euros.",
    "It was a quiet {day} in {month}.",
    "{name} told {other} about the {things}.",
    "{other} wanted to see the {thing} too.",
    "They met at {time} in {city}.",
    "In {month} {name} moved from {city} to {place}.",
    "{other} forgot the {thing} in {place}.",
    "{name} found the {thing} on {day}.",
    "The meeting of {name} and {other} was on {day} at {time}.",
)
HEADINGS = ("Answer briefly, with the word or number only.", "Short questions, short answers.", "")


def statements(dice: Dice) -> str:
    """A few facts of the world, told plainly."""
    lines = []
    for _ in range(dice.number(3, 7)):
        name = dice.pick(FACT_SHARES)
        sentences, _ = FACTS[name]
        lines.append(capitalised(dice.pick(sentences).format(**dice.pick(table(name)))))
    return dice.pick((" ", "\n")).join(lines)


def talk(dice: Dice) -> str:
    """Questions about the world, answered in full sentences."""
    pairs = []
    for _ in range(dice.number(2, 5)):
        name = dice.pick(FACT_SHARES)
        _, questions = FACTS[name]
        question, answer = dice.pick(questions)
        fact = dice.pick(table(name))
        pairs.append((question.format(**fact), capitalised(answer.format(**fact))))
    return _asked(pairs)


def word_facts(dice: Dice) -> str:
    """Opposites, plurals, kinds and young animals as sentences."""
    lines = []
    for _ in range(dice.number(3, 7)):
        skill, thing, answer = _word_fact(dice)
        sentences = {
            "opposite": (
                f"The opposite of {thing} is {answer}.",
                f"{thing} is the opposite of {answer}.",
            ),
            "plural": (f"The plural of {thing} is {answer}.", f"One {thing}, two {answer}."),
            "young": (f"A young {thing} is called a {answer}.", f"The {thing} and its {answer}."),
            "category": (f"{thing} is a kind of {answer}.", f"A well-known {answer}: {thing}."),
        }
        lines.append(capitalised(dice.pick(sentences[skill])))
    return dice.pick((" ", "\n")).join(lines)


def word_questions(dice: Dice) -> str:
    """The same as short questions with short answers."""
    pairs = []
    for _ in range(dice.number(3, 6)):
        skill, thing, answer = _word_fact(dice)
        others = [name for name in everyday_words.members() if name != answer]
        one, two, three = dice.shuffled([answer, *dice.several(others, 2)])
        questions = {
            "opposite": (f"Opposite of {thing}?", f"What word is the opposite of {thing}?"),
            "plural": (f"Plural of {thing}?", f"What is the plural form of {thing}?"),
            "young": (f"What do you call a young {thing}?", f"Young {thing}?"),
            "category": (
                f"{capitalised(thing)}: {one}, {two} or {three}?",
                f"What kind of thing is {thing}: {one}, {two} or {three}?",
            ),
        }
        pairs.append((dice.pick(questions[skill]), answer))
    return _asked(pairs, dice.pick(HEADINGS))


def _word_fact(dice: Dice) -> tuple[str, str, str]:
    skill = dice.pick(("opposite", "opposite", "plural", "plural", "category", "category", "young"))
    if skill == "opposite":
        word = dice.pick(tuple(everyday_words.opposites()))
        return skill, word, dice.pick(everyday_words.opposites()[word])
    if skill == "plural":
        fact = dice.pick(table("plurals"))
        return skill, fact["singular"], fact["plural"]
    if skill == "young":
        fact = dice.pick(table("young"))
        return skill, fact["animal"], fact["young"]
    category = dice.pick(tuple(everyday_words.members()))
    return skill, dice.pick(everyday_words.members()[category]), category


def lists_and_numbers(dice: Dice) -> str:
    """Lists to repeat, sequences to continue, numbers to compare."""
    asked = everyday_words.computed(dice)
    rows = [next(asked) for _ in range(dice.number(2, 5))]
    return _asked([(row.prompt, row.references[0]) for row in rows], dice.pick(HEADINGS))


def story(dice: Dice) -> str:
    """Sentences about the same two people, places and things."""
    thing, things = goods(dice)
    places = {
        "name": full_name(dice),
        "other": full_name(dice),
        "city": dice.pick(CITIES),
        "place": dice.pick(CITIES),
        "day": dice.pick(DAYS),
        "month": dice.pick(MONTHS),
        "thing": thing,
        "things": things,
        "count": dice.pick(NUMBERS[2:]),
        "price": str(dice.number(10, 999)),
        "time": f"{dice.number(7, 19)}:{dice.number(10, 59)}",
    }
    told = dice.several(STORY_SENTENCES, dice.number(4, 7))
    return " ".join(sentence.format(**places) for sentence in told)


def record(dice: Dice) -> str:
    """What is known of a person or a country, as a list and as JSON."""
    thing, things = goods(dice)
    name = full_name(dice)
    count = dice.number(2, 9)
    told = {
        "person": name,
        "town": dice.pick(CITIES),
        "object": thing,
        "amount": count,
        "weekday": dice.pick(DAYS),
        "hour": f"{dice.number(0, 23):02}:{dice.number(0, 59):02}",
        "month": dice.pick(MONTHS),
    }
    kept = {key: told[key] for key in dice.several(tuple(told), dice.number(2, 5))}
    plain = "; ".join(f"{capitalised(key)}: {value}" for key, value in kept.items())
    first = f"{count} {things}, {NUMBERS[count]} {things}. {plain}"
    return f"{dice.pick((plain, first))}\n{json.dumps(kept)}"


def phrases(dice: Dice) -> str:
    """Short phrases in English and Spanish."""
    lines = []
    for _ in range(dice.number(3, 6)):
        kind = dice.pick(("person", "thing", "thing", "place"))
        phrase = english_spanish.noun_phrase(dice, kind, described=0.6)
        verb = dice.pick(table("spanish-verbs"))
        number = dice.pick(("third singular", "english plural", "past past_singular"))
        english, spanish = number.split()
        noun = (phrase.english, phrase.spanish)
        pair = dice.pick((noun, noun, (verb[english], verb[spanish])))
        lines.append(dice.pick(("{} = {}", "{} in Spanish is {}")).format(*pair))
    return "\n".join(lines)


def spanish(dice: Dice) -> str:
    """Spanish sentences without their English."""
    endless = english_spanish.rows(dice)
    return " ".join(next(endless).references[0] for _ in range(dice.number(2, 4)))


def letter(dice: Dice) -> str:
    """A letter that asks for nothing, or one sentence of a letter that does."""
    language = dice.pick(support_intents.LANGUAGES)
    if dice.chance(0.5):
        part = dice.pick(support_intents.LABELS)
        return support_intents.sentence(dice, language, part, full_name(dice))
    name = full_name(dice)
    parts = ("opening", "context", "context", "closing")
    return " ".join(support_intents.sentence(dice, language, part, name) for part in parts)


def report(dice: Dice) -> str:
    """A report without its summary."""
    return next(field_reports.rows(dice)).prompt


def notes(dice: Dice) -> str:
    """Orders and appointments without their JSON."""
    endless = order_lines.rows(dice)
    return "\n".join(next(endless).prompt for _ in range(dice.number(2, 3)))


def instruction(dice: Dice) -> str:
    """What somebody is told to do, without anything to do it with."""
    return "\n".join(recipe.system for recipe in dice.several(RECIPES, 2))


def _asked(pairs: list[tuple[str, str]], heading: str = "") -> str:
    lines = [f"Q: {question}\nA: {answer}" for question, answer in pairs]
    return "\n".join([heading, *lines] if heading else lines)


KINDS: tuple[tuple[Callable[[Dice], str], int], ...] = (
    (statements, 22),
    (talk, 11),
    (word_facts, 6),
    (word_questions, 11),
    (lists_and_numbers, 10),
    (story, 6),
    (record, 8),
    (phrases, 9),
    (spanish, 3),
    (letter, 6),
    (report, 4),
    (notes, 3),
    (instruction, 1),
)
"""Kinds of documents and how many of a hundred there are of each."""


def sorts(count: int) -> Iterator[str]:
    """`count` documents of each kind, so that a tokenizer learns the rare kinds too."""
    dice = Dice("sorts-1")
    for kind, _ in KINDS:
        for _ in range(count):
            yield kind(dice)


SENTENCES = ("field-reports", "english-spanish", "order-lines")
"""Suites whose completions are texts that nothing but the suite should hold."""


def documents(seed: int, forbidden: frozenset[str]) -> Iterator[str]:
    """Documents without end; those that hold a forbidden text are left out.

    Args:
        seed: same seed, same documents.
        forbidden: prompts and completions, as `sealed` gives them.
    """
    dice = Dice(f"pretrain-1/{seed}")
    bag = [kind for kind, share in KINDS for _ in range(share)]
    while True:
        text = dice.pick(bag)(dice)
        if not any(part in forbidden for part in parts(text)):
            yield text


def sealed() -> frozenset[str]:
    """Every prompt of a shipped suite, and every completion that is a sentence of its own."""
    texts = set()
    for recipe in RECIPES:
        splits = split(recipe)
        for _, row in (*splits["test"], *splits["validation"], *splits["train"]):
            texts.add(row.prompt)
            if recipe.name in SENTENCES:
                texts.add(row.references[0])
    return frozenset(texts)


def parts(text: str) -> list[str]:
    """The pieces of a document that could be a row of a suite: its lines, questions, sentences."""
    lines = text.split("\n")
    pieces = [line.removeprefix("Q: ").removeprefix("A: ") for line in lines]
    sentences = [f"{piece}." for line in lines for piece in line.rstrip(".").split(". ")]
    return [text, *pieces, *sentences]
