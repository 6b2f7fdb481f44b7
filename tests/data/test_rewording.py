from __future__ import annotations

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.data.rewording import CHANGES, mistyped, read_prose, words_of
from evalkit.stats.samples import rng


def change(kind: str, prompt: str, kept: str = "", seed: int = 1) -> str:
    return CHANGES[kind](read_prose(prompt, words_of(kept)), rng("test", seed))


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("What is it? Say it.", "what is it? say it."),
        ("what is it", "What is it"),
        ("¿Qué es esto?", "¿qué es esto?"),
        ("Was ist das?\nSag es.", "was ist das?\nsag es."),
        ("Clara Schwarz is here.", "Clara Schwarz is here."),  # a name
        ("NASA is here. I am too.", "NASA is here. I am too."),
        ("Question: who?", "Question: who?"),  # a key
    ],
)
def test_case(prompt: str, expected: str) -> None:
    assert change("case", prompt) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("symbol", "sybmol"),
        ("silver", "sivler"),
        ("город", None),
        ("карандаш", "караднаш"),
        ("form", None),  # short
        ("Silver", None),  # a name
        ("seventeen", None),  # a number
        ("idea", None),
        ("queue", None),
        ("hobby", "hobbby"),
        ("東京都庁舎", None),
    ],
)
def test_slips(word: str, expected: str | None) -> None:
    assert mistyped(word) == expected


FIXED = [
    'Translate "the silver spoon" now',
    "Translate „das silberne Besteck“ now",
    "Translate «le département» now",
    "Translate \u2018the silver spoon\u2019 now",
    "Run `print spoons` now",
    "```\nfor spoon in drawers:\n    spoon.polish()\n```",
    '{"silver": "spoon", "drawers": [1, 2]}',
    "[silver, spoons]",
    "{never closed silver spoons",
    "Fill <silver spoons> in",
    "Mail silver.spoon@example.org or https://example.org/silver now",
    "silver_spoon silverSpoon SILVER 12kg 3.14 x=silver",
    "Silver: drawer",
    "| silver | spoons |",
    "    indented silver spoons",
]


@pytest.mark.parametrize("prompt", FIXED)
def test_what_is_no_running_text_is_never_mistyped(prompt: str) -> None:
    for seed in range(5):
        assert change("typos", prompt, seed=seed) == prompt


@pytest.mark.parametrize("prompt", FIXED)
def test_nor_are_its_spaces_doubled(prompt: str) -> None:
    inside = re.compile(r"silver spoons?|silber\w+ Besteck|le département|print spoons|\[.*\]|\{.*")
    wanted = inside.findall(prompt)
    for seed in range(5):
        assert inside.findall(change("spacing", prompt, seed=seed)) == wanted


def test_the_words_of_an_answer_stay_and_so_do_words_used_twice() -> None:
    prompt = "Which word follows table in this list: table, number, symbol?"
    for seed in range(9):
        for kind in CHANGES:
            changed = change(kind, prompt, kept="number", seed=seed)
            assert changed.count("table") == 2
            assert "number" in changed


def test_a_copied_phrase_keeps_its_spaces() -> None:
    for seed in range(9):
        assert "Clara Maria Schwarz" in change(
            "spacing", "The name of Clara Maria Schwarz is here", "Clara Maria Schwarz", seed
        )


def test_as_many_changes_as_the_length_asks_for() -> None:
    prompt = " ".join(f"symbol{'abcdefghij'[i]}" for i in range(10)) + " plain words of it are"
    assert len(change("spacing", prompt)) - len(prompt) == 5
    changed = change("typos", prompt)
    assert sum(a != b for a, b in zip(prompt.split(), changed.split(), strict=True)) == 2


@given(st.text(max_size=200), st.text(max_size=40), st.integers(0, 3))
def test_nothing_but_letters_and_spaces_ever_changes(prompt: str, kept: str, seed: int) -> None:
    for kind in CHANGES:
        changed = change(kind, prompt, kept, seed)
        assert changed == change(kind, prompt, kept, seed)
        assert re.sub(r"[^\W\d_]+| ", "", changed) == re.sub(r"[^\W\d_]+| ", "", prompt)
        assert words_of(kept) & words_of(prompt) <= words_of(changed)
        if kind == "spacing":
            assert changed.split() == prompt.split()
        if kind == "case":
            assert changed.casefold() == prompt.casefold()


@pytest.mark.parametrize(
    "prompt",
    ["silver spoons. " * 20_000, "{" * 200_000, "'a " * 60_000, "<" * 200_000, "“" * 99_999],
)
def test_long_and_hostile_prompts_cost_little(prompt: str) -> None:
    started = process_time()
    for kind in CHANGES:
        change(kind, prompt)
    assert process_time() - started < 10
