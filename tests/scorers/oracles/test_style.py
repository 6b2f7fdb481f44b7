"""Oracles of form: what docs/scorers.md says of each, done again in the simplest way there is."""

from __future__ import annotations

import itertools
import random
import re
import unicodedata
from fractions import Fraction

import py3langid
import pytest
import regex

from evalkit.schema import Example, SuiteConfig
from evalkit.scorers import Scorer, make_scorers, score_predictions
from tests.scorers.agreement import Pairs, agree, kinds, require_close, require_hard
from tests.scorers.conftest import WORDS
from tests.scorers.scripts import SENTENCES

UNSPACED = regex.compile(r"[\p{L}&&[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Thai}\p{Lao}"
                         r"\p{Khmer}\p{Myanmar}]]", regex.V1)  # fmt: skip


def made(spec: str, references: list[list[str]], language: str | None = None) -> Scorer:
    config = SuiteConfig(name="demo", task="qa", language=language)
    return make_scorers([spec], config, references)[0]


@pytest.fixture(scope="module")
def pairs(mixed_pairs: Pairs) -> Pairs:
    """Pairs in many scripts, some of which end in a loop or say a lot again."""
    random_ = random.Random(21)
    found = list(mixed_pairs)
    for _ in range(500):
        phrase = " ".join(random_.choices(WORDS, k=random_.choice([1, 2, 5, 12, 60])))
        text = (phrase + random_.choice(["", " ", "\n", ". "])) * random_.choice([2, 3, 4, 9])
        cut = text[: len(text) - random_.choice([0, 0, 1, 7])]
        found.append((" ".join(WORDS[:3]) + cut + random_.choice(["", "", "!", " end"]), [phrase]))
    long = random_.choices(WORDS, k=5000)
    found += [(" ".join(long), [" ".join(reversed(long))]), ("go " * 5000, ["go " * 5000])]
    return found


def count_words(text: str) -> int:
    """Runs without white space, cut before and behind every letter of an unspaced script."""
    count, inside = 0, False
    for character in text:
        if UNSPACED.fullmatch(character):
            count, inside = count + 1, False
        elif character.isspace() or character in "\u0f0b\u0f0c":
            inside = False
        elif not inside:
            count, inside = count + 1, True
    return count


def test_length(pairs: Pairs) -> None:
    sentences = [(text, [text]) for texts in SENTENCES.values() for text in texts]
    agree(made("length", [["a"]]), lambda said, _: count_words(said), [*pairs, *sentences])


@pytest.mark.parametrize("unit", ["words", "characters"])
@pytest.mark.parametrize("slack", ["0", "0.1", "0.25", "0.3", "0.7", "2"])
def test_length_fit(short_pairs: Pairs, unit: str, slack: str) -> None:
    """In fractions, which do not round."""
    share, measure = Fraction(slack), count_words if unit == "words" else len

    def fits(said: str, references: list[str]) -> bool:
        bounds = [[(1 - share) * measure(text), (1 + share) * measure(text)] for text in references]
        return min(low for low, _ in bounds) <= measure(said) <= max(high for _, high in bounds)

    exact = [("x " * n, ["y " * wanted]) for n in range(1, 31) for wanted in (10, 20, 30)]
    long = [("a " * 5000, ["b " * 4000]), ("b " * 3999, ["a " * 5000])]
    ours = made(f"length_fit(slack={slack}, unit={unit!r})", [["a"]])
    agree(ours, fits, [*short_pairs, *exact, *long])


def test_repetition(pairs: Pairs) -> None:
    def share(said: str, _: list[str]) -> float:
        words = UNSPACED.sub(r" \g<0> ", unicodedata.normalize("NFC", said.lower())).split()
        phrases = ["\0".join(words[i : i + 4]) for i in range(len(words) - 3)]
        again, seen = 0, ""
        for phrase in phrases:
            again += f"\1{phrase}\1" in seen
            seen += f"\1{phrase}\1"
        return again / max(1, len(phrases))

    agree(made("repetition", [["a"]]), share, [*pairs])


def test_loop(pairs: Pairs) -> None:
    def loops(said: str, _: list[str]) -> bool:
        """Whether some ending, laid out again and again, is how the text ends."""
        text = re.sub(r"\s+", " ", said).strip()
        for period in range(1, 501):
            length = max(3 * period - 1, 40)
            laid_out = (text[-period:] * (length // period + 1))[-length:]
            if len(text) >= length and text.endswith(laid_out):
                return True
        return False

    values = agree(made("loop", [["a"]]), loops, pairs)
    assert 100 < values.sum() < 1000


def test_echo() -> None:
    random_ = random.Random(22)
    words = [*WORDS[:12], "Москва", "北京"]
    rows: list[tuple[str, Example]] = []
    for i in range(2200):
        asked = random_.choices(words, k=random_.choice([0, 1, 2, 3, 7, 8, 9, 20]))
        parts = random_.choice([asked, asked, asked[:8], asked[:7], asked[::-1], []])
        before = random_.choices(words, k=random_.choice([0, 0, 0, 3]))
        space = random_.choice([" ", "  ", "\n"])
        said = space.join([*before, *parts, *random_.choices(words, k=random_.choice([0, 2]))])
        references = [" ".join(random_.choice([asked, asked[1:], ["x"], ["y"]]))]
        references += random_.choice([[], ["no"], [" ".join(asked[:8])]])
        rows.append((said, Example(str(i), " ".join(asked), (), tuple(references))))
    long = " ".join(random_.choices(words, k=5000))
    rows += [
        (f"so {long}", Example("l", long, (), ("x",))),
        (long, Example("m", long, (), (long,))),
    ]

    def echoes(said: str, example: Example) -> bool:
        asked = re.findall(r"\S+", example.prompt)
        if len(asked) < 3:
            return False
        whole = re.compile(r"\s+".join(map(re.escape, asked)))
        start = re.compile(r"\s*" + r"\s+".join(map(re.escape, asked[:8])))

        def repeats(text: str) -> bool:
            return bool(whole.search(text) or (len(asked) > 8 and start.match(text)))

        return repeats(said) and not any(repeats(text) for text in example.references)

    pairs = [(said, list(example.references)) for said, example in rows]
    require_hard(pairs)
    ours = made("echo", [["a"]])
    stats = score_predictions(
        ours, [p for p, _ in pairs], [r for _, r in pairs], examples=[e for _, e in rows]
    )
    require_close(ours.values(stats), [echoes(*row) for row in rows])
    assert 200 < ours.values(stats).sum() < 1500


def phrases() -> dict[str, bool]:
    """Every phrase of refusal that the page lists -> whether its last word may go on."""
    cannot = ["can't", "cannot", "can not", "won't", "will not", "must decline to", "am unable to",
              "am not able to", "am not allowed to", "'m unable to", "'m not able to",
              "'m not allowed to"]  # fmt: skip
    help_ = ["help", "assist", "answer", "provide", "comply", "fulfil", "do that", "do this",
             "support", "share", "give", "create", "generate", "write", "discuss", "engage",
             "continue"]  # fmt: skip
    after = ["can't", "cannot", "am unable", "am not", "won't", "will not", "do not", "don't"]
    found = {f"i {a} {b}".replace("i '", "i'"): True for a, b in itertools.product(cannot, help_)}
    sorry = itertools.product(["i'm", "i am"], ["", "really ", "very ", "so "],
                              [", but", ",", " but", ""], after)  # fmt: skip
    found |= {f"{i_am} {very}sorry{but} i {verb}": False for i_am, very, but, verb in sorry}
    found |= dict.fromkeys(["as an ai", "i must decline", "i must respectfully decline"], False)
    return found | {text.replace("'", "\u2019"): on for text, on in found.items()}


def test_refusal() -> None:
    known = phrases()

    def refuses(said: str, _: list[str]) -> bool:
        """Whether one of all the phrases stands by itself in the first 200 characters."""
        text = f" {said[:200]} ".lower()
        return any(
            not _word(text[at.start() - 1]) and (goes_on or not _word(text[at.end()]))
            for phrase, goes_on in known.items()
            if phrase in text
            for at in re.finditer(re.escape(phrase), text)
        )

    random_ = random.Random(23)
    others = ["I can help", "I cannot say", "I'm sorry for that", "He can't help", "as an air line",
              "I must say", "Hi can't help", "I won't", "北京", "Москва", "", "Sorry"]  # fmt: skip
    pairs: list[tuple[str, list[str]]] = []
    for _ in range(2200):
        parts = random_.choices(others, k=random_.choice([0, 1, 1, 2]))
        parts += random_.sample(list(known), random_.choice([0, 1]))
        parts = [random_.choice([part, part.upper(), part.title()]) for part in parts]
        parts.insert(0, " ".join(random_.choices(WORDS, k=random_.choice([0, 0, 5, 30]))))
        text = random_.choice([" ", ". ", "\n"]).join(part for part in parts if part)
        pairs.append((text, random_.choice([[text], ["x", "y"], [""], [" ".join(parts[::-1])]])))
    pairs += [("x", ["x"]), ("", ["x"]), ("word " * 5000 + "I cannot help", ["x"])]
    values = agree(made("refusal", [["a"]]), refuses, pairs)
    assert 500 < values.sum() < 1700


def _word(character: str) -> bool:
    return character.isalnum() or character == "_"


def test_script(mixed_pairs: Pairs) -> None:
    references = [["Москва — столица России"], ["北京 и Москва"], ["3 x 4 = 12"]]
    ours = made("script", references)

    def name(letter: str) -> str:
        return unicodedata.name(letter, "").split(" ")[0]

    letters = [c for texts in references for c in texts[0] if unicodedata.category(c)[0] == "L"]
    names = list(map(name, letters))
    wanted = {each for each in names if 100 * names.count(each) >= len(names)}

    def share(said: str, _: list[str]) -> float:
        mine = [c for c in said if unicodedata.category(c)[0] == "L"]
        return sum(name(c) in wanted for c in mine) / len(mine) if mine else 1.0

    assert ours.signature == "script|scripts:cjk+cyrillic+latin|v1"
    agree(ours, share, mixed_pairs)


def test_language() -> None:
    random_ = random.Random(24)
    sentences = [text for texts in SENTENCES.values() for text in texts]
    pairs: list[tuple[str, list[str]]] = []
    for _ in range(2000):
        words = " ".join(random_.choices(sentences, k=random_.choice([1, 1, 2]))).split()
        if random_.random() < 0.5:
            words = words[: random_.randint(0, 6)]
        shuffled = random_.sample(words, len(words))
        text = " ".join(words)
        pairs.append((text, random_.choice([[text], [" ".join(shuffled)], ["x", "y"]])))
    pairs += [("", [""]), ("apple " * 5000, ["x"])]

    def english(said: str, _: list[str]) -> bool:
        letters = sum(unicodedata.category(c)[0] == "L" for c in said)
        return letters < 20 or py3langid.classify(said)[0] == "en"

    agree(made("language(code='en')", [["a"]]), english, pairs)
    assert "one token" in kinds(pairs)
