"""Generated pairs of prediction and references, with the hard cases mixed in."""

from __future__ import annotations

import random

import pytest

from evalkit.schema import SuiteConfig

ENGLISH = (
    "the a an quick brown fox foxes jumping jumped over lazily lazy dogs dog's generalization",
    "happily sky skies dying 42 3.14 1,000 U.S. e-mail snake_case don't (well) end. No! [x] {y} $5",
    "50% a/b I'm running runners ran yyyy",
)
OTHERS = (
    "naïve café Straße Москва столица России الكتاب מחשב ภาษาไทย 北京大学 日本語です 한국어 हिन्दी",
    "😀 — “quoted” … e\u0301",
)
ASCII_WORDS = " ".join(ENGLISH).split()
WORDS = ASCII_WORDS + " ".join(OTHERS).split()


@pytest.fixture
def config() -> SuiteConfig:
    return SuiteConfig(name="demo", task="qa")


def generate(
    seed: int, count: int, words: list[str], lengths: tuple[int, ...] = (1, 5, 30)
) -> list[tuple[str, list[str]]]:
    """Pairs: unrelated, equal, permuted, overlapping, empty, of one word, of many lines."""
    random_ = random.Random(seed)

    def text(longest: int) -> str:
        chosen = random_.choices(words, k=random_.randint(0, longest))
        return "".join(w + random_.choice([" ", " ", " ", "\n", "  ", ", "]) for w in chosen)

    def near(original: str) -> str:
        parts = original.split(" ")
        kind = random_.randrange(5)
        if kind == 0:
            random_.shuffle(parts)
        elif kind == 1:
            parts = parts[: random_.randint(0, len(parts))]
        elif kind in {2, 3}:
            parts = [p if random_.random() < 0.7 else random_.choice(words) for p in parts]
        return " ".join(parts)

    pairs = []
    for _ in range(count):
        references = [text(random_.choice(lengths)) for _ in range(random_.choice([1, 1, 2, 3]))]
        related = random_.random() < 0.8
        prediction = near(random_.choice(references)) if related else text(lengths[-1])
        pairs.append((prediction, references))
    return pairs


def hard(words: list[str]) -> list[tuple[str, list[str]]]:
    """Pairs that stand for what is rare: 5,000 words, one word, the same, turned round, nothing."""
    long = " ".join(random.Random(0).choices(words, k=5000))
    short = " ".join(words[:40])
    return [
        (long, [short]),
        (short, [long, short[: len(short) // 2]]),
        (short, [" ".join(reversed(words[:40]))]),
        (long[:3000], [long[:3000]]),
        (words[0], [words[0]]),
        (words[0], [long]),
        ("", [""]),
        ("", [short]),
        (short, [""]),
        (f"{words[0]} " * 300, [f"{words[0]} {words[1]} " * 100]),
    ]


@pytest.fixture(scope="session")
def english_pairs() -> list[tuple[str, list[str]]]:
    """2,000 pairs of ASCII text."""
    return generate(1, 2000, ASCII_WORDS) + hard(ASCII_WORDS)


@pytest.fixture(scope="session")
def mixed_pairs() -> list[tuple[str, list[str]]]:
    """2,000 pairs of text in many scripts."""
    return generate(2, 2000, WORDS) + hard(WORDS)


@pytest.fixture(scope="session")
def short_pairs() -> list[tuple[str, list[str]]]:
    """2,000 pairs of at most eight words, for what takes long."""
    return generate(3, 2000, WORDS, lengths=(1, 3, 8))


@pytest.fixture(scope="session")
def punctuated_pairs() -> list[tuple[str, list[str]]]:
    """2,000 pairs of a few words, many of which are nothing once normalised."""
    words = ["the", "a", "An", "?", "!", "...", "red", "car", "--", "42", "U.S.", "\x07"]
    return generate(4, 2000, words, lengths=(1, 2, 4))
