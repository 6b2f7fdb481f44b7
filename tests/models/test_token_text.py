"""Finding a text among tokens that don't show all that they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models.token_text import find_text, spell_prompt


@pytest.mark.parametrize(
    ("tokens", "text", "start"),
    [
        (["a", " b", " c"], " c", 2),
        (["a", " b", " c"], "b c", 1),  # a token that holds the end of the prompt, too
        (["a", " b", " c"], " d", None),
        (["a:", " ", "", "", ""], " 🦙", 1),  # llama.cpp: parts of characters show nothing
        (["a:", " ", "", "", "", "."], " 🦙.", 1),
        (["a:", " x", "", "", " y"], " x日 y", 1),
        (["a:", "\ufffd", "\ufffd", "\ufffd"], "語", 1),  # others: the replacement character
        (["a:", "", "", "語"], "語", 1),  # or all of it with the last part
        (["日", "本"], "本語", None),  # nothing stands for the last character
        (["日", "本"], "日本語", None),
        (["a", "", ""], "b", None),  # no ASCII character is shared
        (["a", "", "", "", "", ""], "語", None),  # nor has one so many parts
        (["a", "\u2581b", "\u2581c"], " b c", 1),
        (["a", "b", "c"], " b c", 1),
        (["a", " ", "b"], " b", 1),
        ([], "a", None),
        (["a"], "", 1),
    ],
)
def test_where_a_text_begins(tokens: list[str], text: str, start: int | None) -> None:
    assert find_text(tokens, text) == start


def ignored(piece: bytes) -> str:
    return piece.decode(errors="ignore")


def replaced(piece: bytes) -> str:
    return piece.decode(errors="replace")


def cut(content: bytes, places: Sequence[int]) -> list[bytes]:
    """Pieces of some bytes, cut at places that are taken modulo their number."""
    ends = sorted({place % len(content) for place in places} | {0, len(content)})
    return [content[a:b] for a, b in pairwise(ends)]


WORDS = st.text("ab é日🦙", min_size=1, max_size=8).map(str.strip).filter(bool)
PLACES = st.lists(st.integers(0, 99), max_size=12)


@given(WORDS, WORDS, PLACES, PLACES, st.sampled_from([ignored, replaced]))
def test_wherever_characters_are_cut_no_other_place_is_found(
    prompt: str, text: str, before: list[int], after: list[int], show: Callable[[bytes], str]
) -> None:
    first = cut(f"{prompt}:".encode(), before)
    tokens = [show(piece) for piece in [*first, *cut(f" {text}".encode(), after)]]
    assert find_text(tokens, f" {text}") in {len(first), None}


@given(WORDS, st.sampled_from([ignored, replaced]))
def test_characters_that_are_cut_into_bytes_are_found(
    text: str, show: Callable[[bytes], str]
) -> None:
    pieces = [bytes([byte]) for byte in f" {text}".encode()]
    assert find_text(["a", *map(show, pieces)], f" {text}") == 1


def test_a_prompt_is_spelt_whole() -> None:
    assert spell_prompt(["<s>", "a", " b"], "a b")
    assert spell_prompt(["a", " b"], "[BOS]a b")
    assert not spell_prompt(["a"], "a b")
    assert not spell_prompt([" b"], "a b")
    assert spell_prompt(["", " b"], "é b")
    assert not spell_prompt(["b ", "", ""], "b é")  # there may have been another
