"""Prompts of our own, and the ways in which a test prompt comes to lie in training.

Five kinds of prompts, of 6 to 80 words: mails, questions, stories with numbers, forms behind an
instruction, and facts, which ask one of 250 rare things of something that nobody asks twice. Honest
rows of one kind share phrases, names and whole templates: they are what a scan must not accuse.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

KINDS = ("mail", "question", "story", "form", "fact")

_MADE_OF = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
_FORMS: Mapping[str, Sequence[str]] = {
    **{name: entries.split(", ") for name, entries in _MADE_OF["words"].items()},
    **_MADE_OF["forms"],
    "n": [str(number) for number in range(2, 100)],
    "year": [str(number) for number in range(1650, 1990)],
}
_SYNONYMS: Mapping[str, str] = dict(pair.split() for pair in _MADE_OF["synonyms"].split(", "))
_FILLERS: Sequence[str] = _MADE_OF["fillers"].split(", ")
_GREETINGS: Sequence[str] = _MADE_OF["greetings"]
NAMES: Sequence[str] = _FORMS["family"]
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
_QUOTES = str.maketrans({"'": "\N{RIGHT SINGLE QUOTATION MARK}", "-": "\N{NON-BREAKING HYPHEN}"})


def prompt(kind: str, rng: random.Random) -> str:
    """An honest prompt of one kind."""
    text = rng.choice(_FACTS if kind == "fact" else _FORMS[kind])
    text = text.replace("{it}", " ".join(_invented(rng) for _ in range(rng.randint(1, 2))))
    while found := re.search(r"\{(\w+)\}", text):
        text = text[: found.start()] + rng.choice(_FORMS[found[1]]) + text[found.end() :]
    return text


def _invented(rng: random.Random) -> str:
    """A word that means nothing."""
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 3)))


def _facts(count: int) -> list[str]:
    """Questions for one rare thing each, with a place for what is asked about."""
    rng = random.Random(count)
    things = [" ".join(_invented(rng) for _ in range(rng.randint(1, 3))) for _ in range(count)]
    return [rng.choice(_MADE_OF["facts"]).replace("{}", thing) for thing in things]


_FACTS = _facts(250)


def exact(text: str, rng: random.Random) -> str:
    """The text itself."""
    del rng
    return text


def reformatted(text: str, rng: random.Random) -> str:
    """Other case, white space, punctuation, Markdown or Unicode: the same words."""
    ways: Sequence[Callable[[str], str]] = (
        str.upper,
        str.lower,
        lambda t: re.sub(r"\s+", "  ", t) + "\n",
        lambda t: re.sub(r"[.,:?!]", "", t),
        lambda t: "**" + t.replace("\n\n", "**\n\n- ") + ("" if "\n\n" in t else "**"),
        lambda t: f"# {t}\n\n---\n",
        lambda t: "> " + t.replace(". ", ".\n> "),
        lambda t: t.translate(_QUOTES).replace(" ", "\N{NO-BREAK SPACE}"),
        lambda t: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in t),
    )
    return rng.choice([other for way in ways if (other := way(text)) != text])


def lightly_reworded(text: str, rng: random.Random) -> str:
    """One or two words changed or put in, and now and then a greeting before."""
    words = text.split(" ")
    for _ in range(rng.choice([1, 1, 2])):
        known = [i for i, word in enumerate(words) if _other(word) != word]
        if known and rng.random() < 0.7:
            place = rng.choice(known)
            words[place] = _other(words[place])
        else:
            words.insert(rng.randrange(1, len(words)), rng.choice(_FILLERS))
    return (rng.choice(_GREETINGS) if rng.random() < 0.3 else "") + " ".join(words)


def heavily_reworded(text: str, rng: random.Random) -> str:
    """Sentences reordered, many words replaced by others, parts dropped."""
    sentences = re.split(r"(?<=[.?!\n]) +|\n+", text)
    if len(sentences) == 1:
        first, comma, rest = text.partition(", ")
        sentences = [rest, first] if comma else [text]
    else:
        rng.shuffle(sentences)
        if len(sentences) > 3:
            sentences.pop()
    words = [_other(word) if rng.random() < 0.8 else word for word in " ".join(sentences).split()]
    words = [word for word in words if rng.random() > 0.1]
    if " ".join(words) == text:
        words.pop(rng.randrange(len(words)))
    for _ in range(len(words) // 8):
        words.insert(rng.randrange(len(words)), rng.choice(_FILLERS))
    return (rng.choice(_GREETINGS) if rng.random() < 0.5 else "") + " ".join(words)


WAYS: Mapping[str, Callable[[str, random.Random], str]] = {
    "exact": exact,
    "reformatted": reformatted,
    "lightly reworded": lightly_reworded,
    "heavily reworded": heavily_reworded,
}
"""How a planted prompt differs from the row that it was planted as."""


def _other(word: str) -> str:
    """Another word for it, in its case and with its punctuation; itself if there is none."""
    core = word.strip(".,:?!\n")
    other = _SYNONYMS.get(core.lower())
    if not core or other is None:
        return word
    return word.replace(core, other.capitalize() if core[0].isupper() else other)
