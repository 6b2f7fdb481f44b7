"""The text the base model is pre-trained on.

It holds what a base model may know: facts as statements and as questions answered in full
sentences, words and their relations, lists and stories, Spanish sentences and short phrase
pairs, letters without a request, records. It never holds a row of a shipped suite: whatever of a
suite is computed rather than known (translations, summaries, labels, extractions, lists, numbers)
appears here with other material or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import islice

from evalkit.embedded.dice import Dice
from evalkit.embedded.facts import column, table
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
    order_number,
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
    "The element {element} has the symbol {symbol}.",
)
BOOK_SENTENCES = (
    "{author} wrote {title}.",
    "The author of {title} is {author}.",
    "{title} is a book by {author}.",
    "{title} was written by {author}.",
)
CAPITAL_ANSWERS = (
    "{capital} is the capital of {country}.",
    "The capital of {country} is {capital}.",
)
COUNTRY_ANSWERS = ("{country} has {capital} as its capital.",)
CONTINENT_ANSWERS = ("{country} is in {continent}.", "In {continent}.")
COUNTRY_QUESTIONS = (
    ("Tell me the capital of {country}.", CAPITAL_ANSWERS, "{capital}"),
    ("Capital of {country}?", CAPITAL_ANSWERS, "{capital}"),
    ("What city is the capital of {country}?", CAPITAL_ANSWERS, "{capital}"),
    ("Do you know the capital of {country}?", CAPITAL_ANSWERS, "{capital}"),
    (
        "What country is {capital} the capital of?",
        ("{country} has {capital} as its capital.",),
        "{country}",
    ),
    ("Whose capital is {capital}?", COUNTRY_ANSWERS, "{country}"),
    (
        "Country with the capital {capital}?",
        ("{country} has {capital} as its capital.",),
        "{country}",
    ),
    (
        "Where in the world is {country}?",
        ("{country} is in {continent}.", "In {continent}."),
        "{continent}",
    ),
    (
        "What continent is {country} in?",
        ("{country} is in {continent}.", "In {continent}."),
        "{continent}",
    ),
)
STATE_ANSWERS = ("{capital} is the capital of {state}.", "The capital of {state} is {capital}.")
STATE_NAMES = ("{state} has {capital} as its capital.",)
STATE_QUESTIONS = (
    ("Tell me the capital of the US state of {state}.", STATE_ANSWERS, "{capital}"),
    ("Capital of the US state of {state}?", STATE_ANSWERS, "{capital}"),
    (
        "What US state is {capital} the capital of?",
        ("{state} has {capital} as its capital.",),
        "{state}",
    ),
    ("US state with the capital {capital}?", STATE_NAMES, "{state}"),
)
SYMBOL_ANSWERS = ("{symbol} is the symbol of {element}.", "The symbol of {element} is {symbol}.")
ELEMENT_ANSWERS = ("{element} has the symbol {symbol}.", "It is {element}.")
ELEMENT_QUESTIONS = (
    ("Tell me the symbol of {element}.", SYMBOL_ANSWERS, "{symbol}"),
    ("Chemical symbol of {element}?", SYMBOL_ANSWERS, "{symbol}"),
    ("What does the symbol {symbol} mean?", ELEMENT_ANSWERS, "{element}"),
    ("Element with the symbol {symbol}?", ELEMENT_ANSWERS, "{element}"),
    ("How do chemists write {element}?", SYMBOL_ANSWERS, "{symbol}"),
    ("{symbol} is short for which element?", ELEMENT_ANSWERS, "{element}"),
)
BOOK_ANSWERS = ("{author} wrote {title}.", "{title} is by {author}.")
BOOK_QUESTIONS = (
    ("Whose book is {title}?", BOOK_ANSWERS, "{author}"),
    ("Author of {title}?", BOOK_ANSWERS, "{author}"),
    ("By whom was {title} written?", BOOK_ANSWERS, "{author}"),
)

FACTS = {
    "countries": (COUNTRY_SENTENCES, COUNTRY_QUESTIONS),
    "states": (STATE_SENTENCES, STATE_QUESTIONS),
    "elements": (ELEMENT_SENTENCES, ELEMENT_QUESTIONS),
    "books": (BOOK_SENTENCES, BOOK_QUESTIONS),
}
"""Name of a table -> sentences, and questions with their answers in sentences and in short."""
FACT_SHARES = ("countries",) * 5 + ("states",) + ("elements",) * 4 + ("books",) * 3

STORY: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("{name} lives in {city}.", (("Where does {name} live?", "{city}"),)),
    (
        "On {day} {name} went to {city}.",
        (("When did {name} go to {city}?", "{day}"), ("Where did {name} go?", "{city}")),
    ),
    (
        "{name} bought {count} {things} there.",
        (("Who bought {things}?", "{name}"), ("How many {things} were bought?", "{count}")),
    ),
    ("The {things} cost {price} euros.", (("What did the {things} cost?", "{price} euros"),)),
    ("It was a quiet {day} in {month}.", (("What month was it?", "{month}"),)),
    ("{name} told {other} about the {things}.", (("Who told about the {things}?", "{name}"),)),
    ("{other} wanted to see the {thing} too.", (("Who wanted to see the {thing}?", "{other}"),)),
    ("They met at {time} in {city}.", (("When did they meet?", "{time}"),)),
    (
        "In {month} {name} moved from {city} to {place}.",
        (("Where did {name} move?", "{place}"), ("When did {name} move?", "{month}")),
    ),
    ("{other} forgot the {thing} in {place}.", (("Who forgot the {thing}?", "{other}"),)),
    ("{name} found the {thing} on {day}.", (("What did {name} find?", "{thing}"),)),
    ("{other} comes from {place}.", (("Where does {other} come from?", "{place}"),)),
)
HEADINGS = ("Answer briefly, with the word or words only.", "Short questions, short answers.", "")


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
    return _talk(dice, dice.pick(("", "", "Answer in a sentence.")), in_short=False)


def short_talk(dice: Dice) -> str:
    """The same with short answers, in wordings that no suite has."""
    return _talk(dice, dice.pick(HEADINGS), in_short=True)


def _talk(dice: Dice, heading: str, *, in_short: bool) -> str:
    pairs = []
    for _ in range(dice.number(2, 5)):
        name = dice.pick(FACT_SHARES)
        _, questions = FACTS[name]
        question, answers, short = dice.pick(questions)
        fact = dice.pick(table(name))
        answer = short if in_short else capitalised(dice.pick(answers).format(**fact))
        pairs.append((question.format(**fact), answer.format(**fact)))
    return _asked(pairs, heading)


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


def lists(dice: Dice) -> str:
    """Lists to repeat and to look into."""
    asked = everyday_words.computed(dice)
    rows = [next(asked) for _ in range(dice.number(2, 5))]
    return _asked([(row.prompt, row.references[0]) for row in rows], dice.pick(HEADINGS))


def story(dice: Dice) -> str:
    """Sentences about the same two people, places and things, and questions about them."""
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
    told = dice.several(STORY, dice.number(3, 6))
    text = " ".join(sentence for sentence, _ in told)
    asked = [dice.pick(questions) for _, questions in dice.several(told, dice.number(1, 3))]
    return f"{text}\n{_asked(asked)}".format(**places)


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
    kept = {key: told[key] for key in dice.several(tuple(told), dice.number(3, 6))}
    listed = [f"{capitalised(key)}: {value}" for key, value in kept.items()]
    spoken = {
        "person": dice.pick((f"it is about {name}", f"{name} called", f"says {name}")),
        "town": dice.pick((f"in {told['town']}", f"from {told['town']}")),
        "object": dice.pick((f"one {thing} or more", f"not two {things}")),
        "amount": dice.pick((f"{NUMBERS[count]} pieces", f"{count} pieces")),
        "weekday": dice.pick((f"on {told['weekday']}", f"by {told['weekday']}")),
        "hour": f"at {told['hour']}",
        "month": f"in {told['month']}",
    }
    said = ", ".join(spoken[key] for key in dice.shuffled(kept))
    plain = dice.pick(("; ".join(dice.shuffled(listed)), said, capitalised(said) + "."))
    return f"{plain}\n{json.dumps(kept)}"


@cache
def words() -> tuple[str, ...]:
    """Words and names of all tables."""
    sources = (
        *column("names", "first"),
        *column("names", "last"),
        *column("countries", "country"),
        *column("countries", "capital"),
        *column("elements", "element"),
        *column("spanish-nouns", "spanish"),
        *everyday_words.words(),
        *CITIES,
        *DAYS,
    )
    return tuple(dict.fromkeys(sources))


def twice(dice: Dice) -> str:
    """A few words in a row, told twice."""
    row = dice.pick((" ", ", ")).join(dice.several(words(), dice.number(3, 8)))
    return f"{row}\n{row}"


def copies(dice: Dice) -> str:
    """Things under names, told twice or asked for by name."""
    thing, things = goods(dice)
    told = {
        "Person": full_name(dice),
        "Friend": full_name(dice),
        "Town": dice.pick(CITIES),
        "Place": dice.pick(CITIES),
        "Object": thing,
        "Order": f"{dice.number(2, 99)} {things}",
        "Weekday": dice.pick(DAYS),
        "Month": dice.pick(MONTHS),
        "Hour": f"{dice.number(0, 23)}:{dice.number(10, 59)}",
        "Number": order_number(dice),
        "Price": f"{dice.number(10, 999)} euros",
    }
    kept = dice.several(tuple(told), dice.number(3, 7))
    if dice.chance(0.4):
        line = ", ".join(told[key] for key in kept)
        return f"{line}\n{line}"
    listed = dice.pick(("; ", "\n")).join(f"{key}: {told[key]}" for key in kept)
    asked = [(f"{key}?", told[key]) for key in dice.several(kept, dice.number(2, 4))]
    return f"{listed}\n{_asked(asked)}"


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
    (statements, 12),
    (talk, 11),
    (short_talk, 3),
    (word_facts, 3),
    (word_questions, 8),
    (lists, 8),
    (story, 12),
    (record, 12),
    (copies, 8),
    (twice, 6),
    (phrases, 6),
    (spanish, 2),
    (letter, 3),
    (report, 3),
    (notes, 2),
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


EARLY_DOCUMENTS, EARLY_SHARE = 25_000, 0.75
"""Rows told twice make up this share of the first documents, or a model this small would not learn
within its few steps to copy what it has not seen before."""
KNOWLEDGE = (talk, short_talk, word_questions, word_questions)
"""Kinds of documents that a fine-tune rehearses to keep what the base knows."""


def documents(seed: int, forbidden: frozenset[str]) -> Iterator[str]:
    """Documents without end; those that hold a forbidden text are left out.

    Args:
        seed: same seed, same documents.
        forbidden: prompts and completions, as `sealed` gives them.
    """
    bag = [kind for kind, share in KINDS for _ in range(share)]
    early = Dice(f"pretrain-1/{seed}/early")
    copied = round(EARLY_SHARE / (1 - EARLY_SHARE) * len(bag))
    yield from islice(_drawn(early, bag + [twice] * copied, forbidden), EARLY_DOCUMENTS)
    yield from _drawn(Dice(f"pretrain-1/{seed}"), bag, forbidden)


def knowledge(seed: int, forbidden: frozenset[str]) -> Iterator[str]:
    """Further documents of the kinds that hold knowledge, left out likewise."""
    return _drawn(Dice(f"rehearsal-1/{seed}"), KNOWLEDGE, forbidden)


def _drawn(
    dice: Dice, bag: Sequence[Callable[[Dice], str]], forbidden: frozenset[str]
) -> Iterator[str]:
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
