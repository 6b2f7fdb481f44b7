from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scorers.unwrap import (
    cut_closing,
    cut_preamble,
    cut_reasoning,
    open_fence,
    strip_quotes,
)

ALL = (cut_reasoning, cut_preamble, cut_closing, open_fence, strip_quotes)
HARMONY = "<|channel|>analysis<|message|>hm<|end|>"
CALL = "<|channel|>commentary to=f <|constrain|>json<|message|>{}<|call|>"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>2 and 2</think>\n\n4", "4"),
        ("<THINK>a</THINK>4", "4"),
        ("the template opened it</think>4", "4"),
        ("<think>cut off before the answ", ""),
        ("<think></think>\n4", "4"),
        ("before <think>a <think>b</think> c</think> after", "before  after"),
        ("<think>a</think>4<think>is that so?</think>", "4"),
        ("[THINK]a[/THINK]4", "4"),
        ("◁think▷a◁/think▷4", "4"),
        ("<seed:think>a</seed:think>4", "4"),
        ("<|START_THINKING|>a<|END_THINKING|>4", "4"),
        (f"{HARMONY}<|start|>assistant<|channel|>final<|message|>4<|return|>", "4"),
        (f"{HARMONY}{CALL}<|channel|>final<|message|>4", "4"),
        ("<|channel|>analysis<|message|>cut off", ""),
        ("analysisThe user wants 4.assistantfinal4", "4"),
        ("analysis of the market", "analysis of the market"),
        ("x < think > y", "x < think > y"),
        ("  4 ", "  4 "),
    ],
)  # fmt: skip
def test_reasoning_is_cut(text: str, left: str) -> None:
    assert cut_reasoning(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Sure! Here is the translation:\n\nGuten Tag.", "Guten Tag."),
        ("Certainly, here's a summary of the text: It rained.", "It rained."),
        ("Here are the items:\n- a\n- b", "- a\n- b"),
        ("**Here** is it", "**Here** is it"),
        ("Sure! 42", "42"),
        ("Of course.\n42", "42"),
        ("I'd be happy to help with that! 42", "42"),
        ("Sure, I can help with that! 42", "42"),
        ("Natürlich! Hier ist die Antwort: 42", "42"),
        ("¡Claro! Aquí tienes: 42", "¡Claro! Aquí tienes: 42"),
        ("Claro, aquí tienes la respuesta: 42", "42"),
        ("Bien sûr ! Voici la réponse :\n42", "42"),
        ("Sure", "Sure"),
        ("Sure!", "Sure!"),
        ("Sure thing is what they say.", "Sure thing is what they say."),
        ("Certainly the best film.", "Certainly the best film."),
        ("Here is Paris", "Here is Paris"),
        ("Yes, it is.", "Yes, it is."),
    ],
)
def test_preambles_are_cut(text: str, left: str) -> None:
    assert cut_preamble(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("42\n\nLet me know if you need more!", "42"),
        ("It rained. I hope this helps! Feel free to ask.", "It rained."),
        ("Let me know if you come.", "Let me know if you come."),
        ("Say to him:\nLet me know.\nOr not.", "Say to him:\nLet me know.\nOr not."),
    ],
)
def test_closings_are_cut(text: str, left: str) -> None:
    assert cut_closing(text) == left


@pytest.mark.parametrize(
    ("text", "language", "left"),
    [
        ("So:\n```python\nx = 1\n```\nDone.", "", "x = 1"),
        ("```\na\n\nb\n```", "", "a\n\nb"),
        ("~~~~\n```\n~~~~", "", "```"),
        ("```json\n{}\n```\n```sql\nSELECT 1\n```", "sql", "SELECT 1"),
        ("```json\n{}\n```", "sql", "```json\n{}\n```"),
        ("```c++\ncut off", "c++", "cut off"),
        ("no ``` fence", "", "no ``` fence"),
    ],
)
def test_fences_are_opened(text: str, language: str, left: str) -> None:
    assert open_fence(text, language) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('"Paris"', "Paris"),
        (" **`Paris`** ", "Paris"),
        ("\u201cParis\u201d", "Paris"),
        ("\u201eParis\u201c", "Paris"),
        ("«Paris»", "Paris"),
        ("「東京」", "東京"),
        ('"a" or "b"', '"a" or "b"'),
        ("'tis'", "tis"),
        ("don't", "don't"),
        ('""', '""'),
        ('"', '"'),
        ("  ", "  "),
    ],
)
def test_quotes_are_stripped(text: str, left: str) -> None:
    assert strip_quotes(text) == left


PIECES = [
    "<think>", "</think>", "<|channel|>", "final", "<|message|>", "<|end|>", "Sure! ",
    "Here is it: ", "\nLet me know. ", "```", "\n", '"', "*", "a ", "\u201c", "\u201d", " ",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_nothing_is_invented_and_an_answer_is_never_cut_to_nothing(text: str) -> None:
    for cut in ALL:
        left = cut(text)
        assert set(left) <= set(text)
        if cut is not cut_reasoning:
            assert left.strip() in text
        if cut in {cut_preamble, cut_closing, strip_quotes}:
            assert left.strip() or not text.strip()


@pytest.mark.parametrize(
    "piece",
    ["<think>", "</think>", "<|channel|>", "<|channel|>aaaaaaaaaa", "Sure! ", "Here is ", "```\n",
     "I hope this helps. ", '"', "*", "\n", "<|channel|>final<|message|>"],
)  # fmt: skip
def test_a_hostile_completion_is_cut_in_no_time(piece: str) -> None:
    text = "analysis"[: len(piece) % 2] + piece * (200_000 // len(piece))
    started = time.process_time()
    for cut in ALL:
        cut(text)
    assert time.process_time() - started < 2
