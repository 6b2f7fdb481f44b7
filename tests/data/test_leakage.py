from __future__ import annotations

import functools
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from evalkit.data import check_suite, find_leaks, load_suite
from evalkit.data.incidence import encode, find_boilerplate, incidence
from evalkit.data.leakage import BOILERPLATE, BOILERPLATE_ROWS
from evalkit.data.rarity import (
    COMMON,
    FEWEST_WORDS,
    LEAD_BY_LACKING,
    LEAD_BY_SHARED,
    LEAD_BY_SPREAD,
    LEAST_LEAD,
)
from evalkit.data.wordings import containment, jaccard, normalise, shingles, words
from evalkit.schema import GRAM, SHINGLE, SIMILAR, Example, Leak, Message

MINUS, TIMES, SLASH = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}", "\N{DIVISION SLASH}"


def examples(prompts: Sequence[str]) -> list[Example]:
    return [
        Example(f"r{n}", prompt, (Message("user", prompt),), ("x",))
        for n, prompt in enumerate(prompts)
    ]


def leaks(test: Sequence[str], train: Sequence[str]) -> list[tuple[str, str, str, float]]:
    found = find_leaks("s", "train", examples(test), examples(train))
    return [(leak.test_id, leak.train_id, leak.kind, leak.similarity) for leak in found]


def text(*numbers: int) -> str:
    return " ".join(f"w{n}" for n in numbers)


def test_v18() -> None:
    one = shingles("the cat sat on the mat today", 3)
    other = shingles("A cat sat on the mat!", 3)
    assert jaccard(one, other) == 0.5
    assert containment(other, one) == 0.75
    assert jaccard(set(), set()) == containment(set(), one) == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  What\tis “Paris”?\n", "what is paris"),
        ("STRASSE Straße ﬁne", "strasse strasse fine"),
        ("don't stop-gap (now)", "don t stop gap now"),
        ("3+4 = 7", "3 + 4 = 7"),
        ("3-4, 3 * 4; 3/4 10%3", f"3 {MINUS} 4 3 {TIMES} 4 3 ÷ 4 10 {SLASH} 3"),
        ("-4 and (2)-(3)", f"{MINUS} 4 and 2 3"),
        ("2024-01-05", f"2024 {MINUS} 01 {MINUS} 05"),
        ("$5 ≤ x²", "$ 5 ≤ x2"),
        ("你好\N{FULLWIDTH COMMA}世界", "你 好 世 界"),
        ("カタ ﾊﾝ", "カ タ ハ ン"),
        ("สวัสดี", "ส ว ั ส ด ี"),
        ("हिन्दी है", "हिन्दी है"),
        ("안녕 세계", "안녕 세계"),
        ("👍🏽 ok", "👍 🏽 ok"),
        ("?!", ""),
        ("> **What** is\n>> `x > 2` or ~~_y_~~?", "what is x > 2 or y"),
        ("un\N{SOFT HYPHEN}seen\N{ZERO WIDTH NO-BREAK SPACE} a\N{NO-BREAK SPACE}b", "unseen a b"),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert normalise(text) == " ".join(words(text))
    assert normalise(text) == expected


@given(st.text(st.characters(max_codepoint=127)))
def test_case_and_space_and_a_second_time_change_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == normalise(text.upper()) == normalise(f"\t{text}\n") == once


@pytest.mark.parametrize(
    ("test", "train", "expected"),
    [
        ("What is it?", ["no", "What is it?", "What is it?"], ("r1", "exact", 1.0)),
        ("What is it?", ["what IS it", "What  is it"], ("r0", "normalised", 1.0)),
        ("What is it?", ["what is it", "What is it?"], ("r1", "exact", 1.0)),
        ("?", ["?"], ("r0", "exact", 1.0)),
        ("?", ["!"], None),
        ("3 + 4?", ["3 - 4?", "3 * 4?", "3 / 4?"], None),
        (text(*range(13)), [text(*range(12)), text(*range(1, 14))], ("r0", "shingles", 8 / 9)),
        # 13 words in a row, in a text that is otherwise different: 9 of 5-word shingles in common.
        (text(*range(13), *range(50, 60)), [text(*range(70, 80), *range(13))],
         ("r0", "13-gram", 9 / (19 + 19 - 9))),
        (text(*range(12), *range(50, 60)), [text(*range(70, 80), *range(12))], None),
        # The one that shares most.
        (text(*range(40)), [text(*range(13)), text(*range(20)), text(*range(20, 40))],
         ("r1", "13-gram", 16 / 36)),
        # 12 words can have no 13-gram: 8 shingles, of which one or two differ.
        (text(*range(10)), [text(*range(9))], ("r0", "shingles", 5 / 6)),
        (text(*range(9)), [text(*range(8))], ("r0", "shingles", 0.8)),
        (text(*range(8)), [text(*range(7))], None),
        (text(*range(4)), [text(*range(3))], None),
        ("", [""], ("r0", "exact", 1.0)),
        ("你好\N{FULLWIDTH COMMA}世界\N{FULLWIDTH EXCLAMATION MARK}今天天气怎么样",
         ["你好世界今天天气怎么样呢"], ("r0", "shingles", 7 / 8)),
    ],
)  # fmt: skip
def test_planted_leaks(
    test: str, train: list[str], expected: tuple[str, str, float] | None
) -> None:
    found = leaks([test, "something else"], train)
    assert found == ([("r0", *expected)] if expected else [])


def test_nothing_leaks_into_or_out_of_nothing() -> None:
    assert find_leaks("s", "train", [], examples(["a"])) == ()
    assert find_leaks("s", "train", examples(["a"]), []) == ()


@pytest.mark.parametrize("test", ["?", "a", "a b c", text(*range(30))])
@pytest.mark.parametrize("train", ["!", ".", "d", "d e f", text(*range(50, 80))])
def test_nothing_leaks_where_nothing_is_in_common(test: str, train: str) -> None:
    assert leaks([test], [train]) == []


def test_a_leak_says_where() -> None:
    found = find_leaks("suite", "train-small", examples(["a", "b"]), examples(["c", "b"]))
    assert found == (Leak("suite", "train-small", "r1", "r1", "exact", 1.0),)


INSTRUCTION = "classify the mail below into one of the six labels and answer with the label only "


def test_an_instruction_in_every_row_is_no_leak() -> None:
    rng = random.Random(1)
    mails = [text(*(rng.randrange(500) for _ in range(rng.randrange(3, 12)))) for _ in range(600)]
    prompts = [INSTRUCTION + mail for mail in dict.fromkeys(mails)]
    assert leaks(prompts[:300], prompts[300:]) == []


def test_what_leaks_behind_an_instruction_is_found() -> None:
    rng = random.Random(2)
    mails = [text(*(rng.randrange(5000) for _ in range(20))) for _ in range(200)]
    train = [INSTRUCTION + mail for mail in mails]
    test = [INSTRUCTION + mails[150] + " please", INSTRUCTION + text(*range(6000, 6020))]
    [(test_id, train_id, kind, _)] = leaks(test, train)
    assert (test_id, train_id, kind) == ("r0", "r150", "13-gram")


def test_copies_of_a_training_row_do_not_make_it_boilerplate() -> None:
    train = [text(*range(20))] * 50 + [text(*range(n, n + 5)) for n in range(100, 1000, 10)]
    assert leaks([text(*range(21))], train)[0][:3] == ("r0", "r0", "13-gram")


def find_common(train: Sequence[str]) -> set[tuple[str, ...]]:
    different = list(dict.fromkeys(map(normalise, train)))
    held = Counter(shingle for other in different for shingle in shingles(other))
    limit = max(BOILERPLATE_ROWS, BOILERPLATE * len(different))
    return {shingle for shingle, count in held.items() if count > limit}


def has_none_of(gram: tuple[str, ...], common: set[tuple[str, ...]]) -> bool:
    return not any(gram[i : i + SHINGLE] in common for i in range(GRAM - SHINGLE + 1))


def brute_force(test: Sequence[str], train: Sequence[str]) -> list[tuple[str, str, str, object]]:
    """The definition, pair by pair, over sets of words."""
    common = find_common(train)
    small = functools.cache(shingles)
    large = functools.cache(
        lambda one: {gram for gram in shingles(one, GRAM) if has_none_of(gram, common)}
    )

    def leak(one: str) -> Iterator[tuple[int, float, int, str, float]]:
        for number, other in enumerate(train):
            similarity = jaccard(small(one), small(other))
            rare = jaccard(small(one) - common, small(other) - common)
            shared = len(large(one) & large(other))
            if one == other:
                yield 0, 0, number, "exact", 1.0
            elif normalise(one) == normalise(other) != "":
                yield 1, 0, number, "normalised", 1.0
            elif shared:
                yield 2, -shared, number, "13-gram", similarity
            elif similarity >= SIMILAR and rare >= SIMILAR:
                yield 3, -similarity, number, "shingles", similarity

    different = list(dict.fromkeys(map(normalise, train)))
    first = {normalise(other): number for number, other in reversed([*enumerate(train)])}

    def reworded(one: str) -> tuple[float, float, int, str, float] | None:
        if found := find_source(one, different):
            return 4, 0, first[found[0]], "reworded", found[1]
        return None

    best = [(row, min(leak(one), default=None) or reworded(one)) for row, one in enumerate(test)]
    return [(f"r{row}", f"r{one[2]}", one[3], pytest.approx(one[4])) for row, one in best if one]


def find_source(one: str, train: Sequence[str]) -> tuple[str, float] | None:
    """The text that stands out as the source of another, and their similarity, by the formulas."""
    asked, asked_pairs = set(words(one)), set(itertools.pairwise(words(one)))
    words_of = {other: set(other.split()) for other in train}
    pairs_of = {other: set(itertools.pairwise(other.split())) for other in train}
    holders = Counter[object](f for held in (words_of, pairs_of) for s in held.values() for f in s)

    def bits(feature: object) -> float:
        return math.log2(len(train) / holders[feature]) if feature in holders else 0.0

    def shared(other: str) -> float:
        twice = (bits(a) + bits(b) - bits((a, b)) for a, b in pairs_of[other] & asked_pairs)
        own = sum(map(bits, words_of[other] & asked)) - sum(max(0.0, more) for more in twice)
        return round(own, 9)

    by_bits = {other: shared(other) for other in train}
    sharing = [other for other in train if words_of[other] & asked]
    nearest, second, *_ = [*sorted(sharing, key=lambda other: -by_bits[other]), "", ""]
    if not nearest:
        return None
    lead = by_bits[nearest] - by_bits.get(second, 0)
    both = sum(map(bits, words_of[nearest] & asked))
    differing = sum(map(bits, words_of[nearest] ^ asked))
    lacking = max(map(bits, words_of[nearest] - asked - set(second.split())), default=0)
    needed = max(LEAST_LEAD, LEAD_BY_SPREAD * math.sqrt(differing), LEAD_BY_LACKING * lacking)
    if lacking > COMMON:
        needed = max(needed, LEAD_BY_SHARED * max(map(bits, words_of[nearest] & asked), default=0))
    enough = len(words_of[nearest] & asked) >= FEWEST_WORDS
    return (nearest, both / (both + differing)) if enough and lead >= needed else None


@given(st.integers(0, 10_000), st.sampled_from([3, 12, 60]), st.sampled_from([0, 6, 14]))
@settings(max_examples=40, deadline=None)
def test_all_pairs_against_brute_force(seed: int, vocabulary: int, instruction: int) -> None:
    rng = random.Random(seed)
    head = [f"i{n}" for n in range(instruction)]
    train = [
        " ".join([*head, *(f"w{rng.randrange(vocabulary)}" for _ in range(rng.randrange(25)))])
        for _ in range(40)
    ]
    test = []
    for _ in range(25):
        words = rng.choice(train).split()
        for _ in range(rng.randrange(3)):
            words.insert(rng.randrange(len(words) + 1), rng.choice(["!", "new", "W1"]))
        if rng.random() < 0.2:
            rng.shuffle(words)
        test.append(" ".join(words))
    found = leaks(test, train)
    assert found == brute_force(test, train)
    for kind in {kind for *_, kind, _ in found}:
        event(kind)


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    train = [text(*(rng.randrange(9) for _ in range(rng.randrange(30)))) for _ in range(60)]
    test = [text(*(rng.randrange(9) for _ in range(rng.randrange(30)))) for _ in range(60)]
    whole = leaks(test, train)
    monkeypatch.setattr("evalkit.data.incidence._BATCH", 7)
    assert leaks(test, train) == whole
    assert len(whole) > 5


def test_sequences_do_not_run_from_one_text_into_the_next() -> None:
    vocabulary: dict[str, int] = {}
    left = encode(["a b", "c d e", ""], vocabulary)
    right = encode(["a b c", "d e"], vocabulary)
    nothing = find_boilerplate(right, 2, 10)
    pairs = list(incidence(left, right, 2, nothing).sharing())
    found = [(int(a), int(b)) for p in pairs for a, b in zip(p.left, p.right, strict=True)]
    assert found == [(0, 0), (1, 1)]
    assert np.array_equal(incidence(left, right, 2, nothing).left.size, [1, 2, 0])


SYSTEM = {"role": "system", "content": "You are a patient teacher of languages and never swear."}


def chat(*turns: str) -> dict[str, Any]:
    """A row of turns that take turns, the last one the reference."""
    said = [
        {"role": ("user", "assistant")[number % 2], "content": turn}
        for number, turn in enumerate(turns)
    ]
    return {"messages": [SYSTEM, *said]}


HOUSE = ("What is a house in Spanish?", "casa")
BREAD = ("What is bread in Spanish?", "pan")
AND_FRENCH = "And in French?"


@pytest.mark.parametrize(
    ("asked", "learned", "kinds"),
    [
        (chat(*HOUSE, AND_FRENCH, "maison"), chat(*BREAD, AND_FRENCH, "pain"), []),
        (chat(*HOUSE, AND_FRENCH, "maison"), chat(*HOUSE, AND_FRENCH, "maison"), ["exact"]),
        (chat(*HOUSE, AND_FRENCH, "maison"), chat(HOUSE[0], "Casa!", AND_FRENCH, "maison"),
         ["normalised"]),
        (chat(*HOUSE), chat(*HOUSE, AND_FRENCH, "maison"), ["exact"]),
        (chat(*HOUSE, AND_FRENCH, "maison"), chat(*HOUSE), []),
        (chat(AND_FRENCH, "Of what?"), chat(*HOUSE, AND_FRENCH, "maison"), []),
    ],
)  # fmt: skip
def test_a_conversation_is_compared_from_its_first_turn_on(
    suite: Callable[..., Path], asked: dict[str, Any], learned: dict[str, Any], kinds: list[str]
) -> None:
    yaml = "test: test.jsonl\ntrain: train.jsonl"
    found = check_suite(load_suite(suite(yaml, test=[asked], train=[learned]))).leaks
    assert [leak.kind for leak in found] == kinds


def test_what_a_template_places_belongs_to_the_question_and_its_own_text_does_not(
    suite: Callable[..., Path],
) -> None:
    def row(text: str) -> dict[str, str]:
        return {"prompt": "Sum up.", "text": text, "completion": "x"}

    yaml = (
        "test: test.jsonl\ntrain: train.jsonl\nsystem: You sum up.\n"
        "template: 'Read the report of our engineers with care and sum it up in one short "
        "sentence without numbers: {text}\n\n{prompt}'\n"
    )
    test = [row("The bridge is open."), row("The lift is broken."), row("All is well.")]
    train = [row("The lift is broken!"), row("The mill is old."), row("Nobody came.")]
    found = check_suite(load_suite(suite(yaml, test=test, train=train))).leaks
    assert [leak.kind for leak in found] == ["normalised"]
