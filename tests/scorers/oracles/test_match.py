"""Oracles of matching: the sentence of the page, or values that are known by construction."""

from __future__ import annotations

import itertools
import random
import re
import string
import unicodedata
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
import regex

from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, make_scorers
from tests.scorers.agreement import Pair, Pairs, agree
from tests.scorers.conftest import WORDS, generate, hard
from tests.scorers.scripts import SENTENCES

ALONE = r"[\p{L}&&[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}]]"
PAIRED = r"[\p{L}&&[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]"
PIECES = regex.compile(
    rf"(?:{PAIRED}\p{{M}}*)+|{ALONE}\p{{M}}*|(?:(?!{PAIRED}|{ALONE}).)+", regex.V1
)
LETTER = regex.compile(r"\P{M}\p{M}*")


def made(spec: str) -> Scorer:
    return make_scorers([spec], SuiteConfig(name="demo", task="qa"), [["a"]])[0]


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Answers in twenty scripts: whole, in part, in other order, with signs and articles."""
    sentences = [text for texts in SENTENCES.values() for text in texts]
    signs = ["the", "A", "an", "!", "—", "«»", "\u200d", "e\u0301", "é", "..."]
    words = [*WORDS, *signs, *itertools.chain(*(text.split() for text in sentences))]
    random_ = random.Random(31)
    parts = [text[random_.randrange(4) :][: random_.randrange(1, 30)] for text in sentences * 8]
    slices = [(part, [text, text.upper()]) for part, text in zip(parts, sentences * 8, strict=True)]
    return [*generate(30, 2000, words, lengths=(1, 4, 15)), *hard(words), *slices]


def normal(text: str) -> list[str]:
    """Words of lower case, without articles, punctuation and format characters."""
    kept = ""
    for character in unicodedata.normalize("NFC", text.lower()):
        category = unicodedata.category(character)
        dropped = character in string.punctuation or category[0] == "P" or category == "Cf"
        kept += " " if character in "\u0f0b\u0f0c" else "" if dropped else character
    return [word for word in kept.split() if word not in {"a", "an", "the"}]


def cut(word: str) -> list[str]:
    """What a word counts as: Chinese and Japanese letters, Thai and its like in pairs."""
    found = []
    for run in PIECES.findall(word):
        letters = LETTER.findall(run)
        paired = regex.match(PAIRED, run, regex.V1) and len(letters) > 1
        found += ["".join(two) for two in itertools.pairwise(letters)] if paired else [run]
    return found


def counting(references: list[str]) -> list[list[str]]:
    """The references that are something, or else the nothing that they are."""
    words = [normal(text) for text in references]
    return [each for each in words if each] or [[]]


def test_exact_match(pairs: Pairs) -> None:
    agree(made("exact_match"), lambda said, refs: normal(said) in counting(refs), pairs)


def test_exact_match_strict(pairs: Pairs) -> None:
    def same(said: str, references: list[str]) -> bool:
        return any(said.encode() == text.encode() for text in references)

    agree(made("exact_match_strict"), same, pairs)


def test_f1(pairs: Pairs) -> None:
    def overlap(said: list[str], wanted: list[str]) -> float:
        left, same = list(wanted), 0
        for word in said:
            if word in left:
                left.remove(word)
                same += 1
        if not said or not wanted:
            return float(said == wanted)
        return 2 * same / (len(said) + len(wanted))

    def best(said: str, references: list[str]) -> float:
        pieces = [piece for word in normal(said) for piece in cut(word)]
        accepted = [[p for word in words for p in cut(word)] for words in counting(references)]
        return max(overlap(pieces, wanted) for wanted in accepted)

    agree(made("f1"), best, pairs)


def test_contains(pairs: Pairs) -> None:
    def letters(words: list[str]) -> list[str]:
        every = (PIECES.findall(word) for word in words)
        return [
            letter
            for run in itertools.chain(*every)
            for letter in (LETTER.findall(run) if regex.match(PAIRED, run, regex.V1) else [run])
        ]

    def inside(said: str, references: list[str]) -> bool:
        words = letters(normal(said))
        for wanted in map(letters, map(normal, references)):
            starts = range(len(words) - len(wanted) + 1)
            if wanted and any(words[at : at + len(wanted)] == wanted for at in starts):
                return True
            if not wanted and not words:
                return True
        return False

    agree(made("contains"), inside, pairs)


@pytest.mark.parametrize("options", ["", "full=True", "ignore_case=True"])
def test_regex(options: str) -> None:
    """Python's own `re` is the oracle."""
    random_ = random.Random(32)
    atoms = [r"\d+", r"[a-c]+", "x?", "(ab|c)", r"\w", r"\bred\b", "^", "$", ".", "Москва", r"\s*",
             r"(?i:RED)", r"(?<=a)b", "北.", "[^b]", "a{2,3}", r"(a)\1"]  # fmt: skip
    words = ["abc", "red", "Red", "aab", "42", "Москва", "北京", "x", "ABC", "aa b\n"]
    pairs: list[Pair] = []
    for _ in range(2000):
        said = " ".join(random_.choices(words, k=random_.choice([0, 1, 1, 2, 5])))
        patterns = ["".join(random_.choices(atoms, k=random_.choice([1, 2, 3]))) for _ in "ab"]
        plain = random_.choice([[], [re.escape(said)], [" ".join(said.split()[::-1])], [""]])
        pairs.append((said, [*patterns[: random_.choice([1, 2])], *plain]))
    long = " ".join(random_.choices(words, k=5000))
    pairs += [(long, ["red 42", "nowhere"]), (long, ["nowhere"]), ("abc", ["abc"])]
    pairs += [("red x", ["x red"])]
    flags = re.IGNORECASE if "ignore" in options else 0

    def matches(said: str, patterns: list[str]) -> bool:
        compiled = [re.compile(pattern, flags) for pattern in patterns]
        return any(
            (each.fullmatch(said) if "full" in options else each.search(said)) for each in compiled
        )

    values = agree(made(f"regex({options})"), matches, pairs)
    assert 0.1 < values.mean() < 0.95


def written(random_: random.Random) -> tuple[str, Fraction, bool]:
    """A number as somebody might write it, its value, and whether a percent sign follows."""
    whole, cents = random_.choice([0, 3, 42, 1234, 50, 1234567]), random_.choice([0, 5, 25, 99])
    value = Fraction(whole * 100 + cents, 100)
    kind = random_.randrange(9)
    if kind == 0:
        text = f"{whole:,}.{cents:02}"
    elif kind == 1:
        text = f"{whole:,}".replace(",", "\u202f") + f".{cents:02}"
    elif kind == 2:
        text, value = f"{whole}/{cents + 1}", Fraction(whole, cents + 1)
    elif kind == 3:
        text, value = f"{whole}.{cents:02}e3", 1000 * value
    elif kind == 4:
        text = str(whole).translate({48 + i: 0x0660 + i for i in range(10)})
        value = Fraction(whole)
    elif kind == 5:
        text, value = str(whole), Fraction(whole)
    else:
        text = f"{whole}.{cents:02}"
    if kind != 2 and random_.random() < 0.2:
        text, value = random_.choice(["-", "\u2212", "-$"]) + text, -value
    percent = kind >= 5 and random_.random() < 0.3
    return text + "%" * percent, value, percent


@pytest.mark.parametrize(
    "options", [{}, {"tolerance": 0.5}, {"relative": 0.01}, {"tolerance": 2, "relative": 0.5}]
)
def test_numeric(options: dict[str, Any]) -> None:
    """Numbers are written out here, so their values are known and nothing has to be read."""
    random_ = random.Random(33)
    values: dict[str, tuple[Fraction, bool] | None] = {"": None, "none": None, "сорок два": None}
    texts = ["none", "сорок два"]
    for _ in range(400):
        text, value, percent = written(random_)
        before = random_.choice(["", "It is ", "first 7, then ", "Ответ 北京: ", "=> "])
        said = before + text + random_.choice(["", ".", " apples", "\n", "!"])
        values[said] = (value, percent)
        texts.append(said)
    long = "word 5 " * 2500 + "so 42"
    values[long] = (Fraction(42), False)
    for order in ("42 or 3", "3 or 42"):
        values[order] = (Fraction(order.split()[-1]), False)
    answers = [text for text in texts if values[text]]
    pairs: list[Pair] = []
    for _ in range(2500):
        refs = random_.sample(answers, random_.choice([1, 1, 2]))
        alike = [text for text in answers if values[text] == values[refs[0]]]
        pairs.append((random_.choice([refs[0], *random_.sample(texts, 1), *alike]), refs))
    pairs += [("", ["42"]), (long, ["42"]), ("42 or 3", ["3 or 42"]), ("42", ["42"])]
    values["42"] = (Fraction(42), False)

    def close(one: Fraction, other: Fraction) -> bool:
        share, distance = (
            Fraction(options.get("relative", 0)),
            Fraction(options.get("tolerance", 0)),
        )
        return abs(one - other) <= max(distance, share * abs(other))

    def right(said: str, references: list[str]) -> bool:
        found = values[said]
        for text in references:
            wanted = values[text]
            assert wanted is not None
            if found is None:
                continue
            readings = [found[0]]
            if found[1] != wanted[1]:
                readings.append(found[0] / 100 if found[1] else found[0] * 100)
            if any(close(reading, wanted[0]) for reading in readings):
                return True
        return False

    inside = ", ".join(f"{key}={value}" for key, value in options.items())
    values_ = agree(made(f"numeric({inside})"), right, pairs)
    assert 0.3 < values_.mean() < 0.95


def lists(seed: int, count: int) -> tuple[list[Pair], dict[str, list[str]]]:
    """Lists in all the forms that are read, and the items that each holds."""
    random_ = random.Random(seed)
    names = ["red", "green", "blue", "Москва", "北京", "x1", "ice cream", "7", "Ελλάδα"]
    held: dict[str, list[str]] = {"": []}

    def lay_out(items: list[str]) -> str:
        marks = random_.choice(["- ", "* ", "{}. ", "{}) ", ""])
        lines = "\n".join(marks.format(i) + item for i, item in enumerate(items, 1))
        quoted = "[" + ", ".join(f'"{item}"' for item in items) + "]"
        text = random_.choice([", ".join(items), "; ".join(items), lines, quoted])
        if len(items) < 2:
            text = "".join(items)
        held[text] = items
        return text

    def choose() -> list[str]:
        return random_.choices(names, k=random_.choice([0, 1, 2, 4, 9]))

    pairs = []
    for _ in range(count):
        references = [choose() for _ in range(random_.choice([1, 2]))]
        near = random_.choice([references[0], references[0][::-1], references[0][1:], choose()])
        pairs.append((lay_out(near), [lay_out(items) for items in references]))
    long = [f"w{random_.randrange(3000)}" for _ in range(5000)]
    pairs.append((lay_out(long), [lay_out(long[:100]), lay_out(long[2500:])]))
    forward = [["red", "green"], ["green", "red"]]
    for items in forward:
        held[" , ".join(items)] = items
    pairs += [("red , green", ["green , red"]), ("red", ["red"])]
    held["red"] = ["red"]
    return pairs, held


def test_list_f1() -> None:
    """scikit-learn's F1 is the oracle, with every pair as a label of its own."""
    from sklearn.metrics import f1_score
    from sklearn.preprocessing import MultiLabelBinarizer

    pairs, held = lists(34, 2200)
    flat = [(said, text) for said, references in pairs for text in references]
    binary = MultiLabelBinarizer(sparse_output=True).fit(held.values())
    said, wanted = (
        binary.transform([held[pair[side]] for pair in flat]).T.tocsr() for side in (0, 1)
    )
    scores = f1_score(wanted, said, average=None, zero_division=1)
    found = dict(zip(flat, scores, strict=True))
    agree(made("list_f1"), lambda said, refs: max(found[said, text] for text in refs), pairs)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k(k: int) -> None:
    pairs, held = lists(35, 2200)
    single = [(said, [*held[refs[0]][:1], *held[refs[-1]][1:2]] or ["red"]) for said, refs in pairs]
    single += [("", [""]), ("cream ice", ["ice cream"])]
    held |= {"cream ice": ["cream ice"]}

    def among(said: str, references: list[str]) -> bool:
        different = [item for i, item in enumerate(held[said]) if item not in held[said][:i]]
        return any(item in references for item in different[:k])

    agree(made(f"top_k(k={k})"), among, single)


def test_edit_similarity(short_pairs: Pairs) -> None:
    """The table of the definition, filled in by numpy row by row."""
    import numpy as np

    def distance(one: str, other: str) -> int:
        letters = np.array(list(map(ord, other)), dtype=np.int64)
        steps = np.arange(len(other) + 1)
        row = steps.copy()
        for letter in map(ord, one):
            below = row + 1
            below[1:] = np.minimum(below[1:], row[:-1] + (letters != letter))
            row = np.minimum.accumulate(below - steps) + steps
        return int(row[-1])

    def similarity(said: str, references: list[str]) -> float:
        longer = (max(len(said), len(text), 1) for text in references)
        return max(
            1 - distance(said, text) / most for text, most in zip(references, longer, strict=True)
        )

    long = " ".join(random.Random(36).choices(WORDS, k=5000))
    pairs = [*short_pairs, (long[40:90], [long]), (long, [long[:300], long[-300:]]), ("ab", ["ab"])]
    agree(made("edit_similarity"), similarity, pairs)


def test_the_cut_of_the_oracle_is_not_trivial(pairs: Pairs) -> None:
    pieces = Counter(len(cut(word)) > 1 for said, _ in pairs for word in normal(said))
    assert min(pieces.values()) > 200
