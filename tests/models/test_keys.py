from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from evalkit.errors import ModelError
from evalkit.models.keys import NO_KEY, read_key, without_key

KEY = "sk-Ab/9+z=1&~x"
HERE = "http://localhost:8000/v1"


@pytest.fixture
def variable(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SOME_KEY", f" {KEY}\n")
    return "SOME_KEY"


@pytest.mark.parametrize(
    "spelt",
    [
        KEY,
        json.dumps(KEY),
        KEY.replace("/", "\\/"),  # as PHP writes it
        KEY.replace("&", "\\u0026").replace("=", "\\u003D"),  # as Go does, and others
        "".join(f"\\u{ord(letter):04x}" for letter in KEY),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower().replace("sk-ab", "sk-Ab"),
    ],
)
def test_a_key_is_taken_out_however_it_is_spelt(variable: str, spelt: str) -> None:
    said = f'{{"message": "Bearer {spelt} is wrong"}}'
    assert b"Bearer [key]" in without_key(said.encode(), variable).replace(b'"[key]"', b"[key]")


def test_all_else_stays(variable: str) -> None:
    said = f"{KEY[:-1]} {KEY[::-1]} %zz \\u00 €".encode()
    assert without_key(said, variable) == said


@pytest.mark.parametrize("word", ["EMPTY", "none", "x", "lm-studio"])
def test_a_placeholder_is_a_word_that_answers_may_hold(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", word)
    assert without_key(b"EMPTY none x lm-studio", "SOME_KEY") == b"EMPTY none x lm-studio"
    assert read_key("m", "SOME_KEY", HERE, needed=True) == word


@pytest.mark.parametrize(
    ("key", "place", "code"),
    [
        ("\ufeffsk-secret-1", 1, "U+FEFF"),
        ("sk-secret\nsk-secret", 10, "U+000A"),
        ("sk-cl\u00e9", 6, "U+00E9"),
    ],
)
def test_what_cannot_be_sent_is_named_by_its_place(
    key: str, place: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", key)
    with pytest.raises(ModelError) as told:
        read_key("tuned", "SOME_KEY", HERE, needed=False)
    message = str(told.value)
    assert f"'tuned': the environment variable SOME_KEY holds the character {code}" in message
    assert f"in place {place} of {len(key)}" in message
    assert "secret" not in message


def test_a_key_is_needed_by_openai_and_where_a_variable_is_named(variable: str) -> None:
    assert read_key("m", variable, HERE, needed=False) == KEY
    assert read_key("m", "NOT_THERE", HERE, needed=False) == NO_KEY
    for endpoint, needed in ((HERE, True), ("https://api.openai.com/v1", False)):
        with pytest.raises(ModelError, match="NOT_THERE is not set; expected the API key for"):
            read_key("m", "NOT_THERE", endpoint, needed=needed)
