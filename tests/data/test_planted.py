"""Leakage that we planted ourselves is found, and honest prompts of the same forms are not."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from evalkit.data import find_leaks
from evalkit.stats.samples import rng
from tests.calibration.leakage import FOUND, HONEST, examples, scanned
from tests.data.planted import KINDS, prompt


def test_planted_prompts_are_found_and_honest_ones_are_not() -> None:
    rows = [row for seed in ("one", "two", "three") for row in scanned(rng(seed))]
    asked = Counter(way for _, way, _ in rows)
    found = Counter(way for _, way, leak in rows if leak)
    share = {way: found[way] / asked[way] for way in asked}
    assert all(low <= share[way] <= high for way, (low, high) in FOUND.items()), share
    assert (found.total() - found[HONEST]) / found.total() >= 0.95, found
    accused = Counter(leak for _, way, leak in rows if way == HONEST)
    assert accused["reworded"] <= 0.005 * asked[HONEST], accused


def background() -> list[str]:
    dice = Random(7)
    return [prompt(kind, dice) for kind in KINDS for _ in range(200)]


@pytest.mark.parametrize(
    ("test", "leaks"),
    [
        ("Would you kindly tell me what the capital of Kenya is called?", True),
        ("Hello! Could you tell me what the capital of Kenya is really called?", True),
        ("Could you tell me what the capital of Chad is called?", False),
        ("Could you tell me what the currency of Kenya is called?", False),
        ("Kenya", False),
    ],
)
def test_another_question_about_one_thing_is_no_rewording(test: str, *, leaks: bool) -> None:
    asked = ("capital", "currency", "president")
    lands = ("Kenya", "Peru", "Laos", "Malta", "Oman", "Togo", "Cuba", "Mali", "Chile", "Qatar")
    train = [
        f"Could you tell me what the {asked[number % 3]} of {land} is called?"
        for number, land in enumerate(lands)
    ]
    found = find_leaks("s", "train", examples([test]), examples([*background(), *train]))
    assert [leak.kind for leak in found] == ["reworded"] * leaks


def test_a_rewording_of_what_training_rewords_is_not_found() -> None:
    source = "Which heron did Olga Petrov draw in the botanical garden of Norden?"
    once = "Which heron was it that Olga Petrov drew in the botanical garden of Norden?"
    twice = "Tell me which heron Olga Petrov drew once in the botanical garden of Norden."
    test = examples(["In the botanical garden of Norden, which heron did Olga Petrov sketch?"])
    [found] = find_leaks("s", "train", test, examples([*background(), source]))
    assert (found.kind, found.train_id) == ("reworded", str(len(background())))
    assert not find_leaks("s", "train", test, examples([*background(), source, once, twice]))


def test_planted_prompts_are_of_the_lengths_that_people_write() -> None:
    dice = Random(1)
    lengths = {k: [len(prompt(k, dice).split()) for _ in range(300)] for k in KINDS}
    assert min(map(min, lengths.values())) <= 8
    assert 60 <= max(map(max, lengths.values())) <= 80
