from __future__ import annotations

import pytest

from evalkit.scorers.text import (
    articles,
    in_units,
    normalise,
    rouge_words,
    script,
    scripts,
    words_of_normalised,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Denver\tBroncos!", "denver broncos"),
        ("U.S.", "us"),
        ("well-known", "wellknown"),
        ("a an the", ""),
        ("theatre", "theatre"),
        ("«Привет», мир…", "привет мир"),
        ("1990\u20131995", "19901995"),
        ("Cafe\u0301", "caf\u00e9"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("¿Qué?", "qué"),
        ("$5 + 5", "5 5"),
        ("हिन्दी।", "हिन्दी"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The dog", ["dog"]),
        ("北京大学", ["北", "京", "大", "学"]),
        ("GPT是模型", ["gpt", "是", "模", "型"]),
        ("한국어 문장", ["한국어", "문장"]),
    ],
)
def test_scripts_without_spaces_fall_into_characters(text: str, expected: list[str]) -> None:
    assert in_units(words_of_normalised(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't snake_case 3.14", ["don", "t", "snake", "case", "3", "14"]),
        ("Straße, Café!", ["straße", "café"]),
        ("Cafe\u0301", ["café"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("日本語です", list("日本語です")),
        ("I ❤\ufe0f 😀😀", ["i", "❤", "😀", "😀"]),
        ("25°C ©", ["25", "c"]),
        ("ไทย ok", ["ไท", "ทย", "ok"]),
        ("กี่ปี", ["กี่ปี"]),
        ("ก", ["ก"]),
        ("བོད་ཡིག", ["བོད", "ཡིག"]),
        ("が", ["が"]),
        ("か\u3099く", ["が", "く"]),
        ("—…!", []),
    ],
)
def test_rouge_words(text: str, expected: list[str]) -> None:
    assert rouge_words(text) == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("The cat, an apple", None, "cat apple"),
        ("The cat, an apple", "en-gb", "cat apple"),
        ("Der Hund liegt an der Tür", "de", "hund liegt an tür"),
        ("El perro y la casa", "es-mx", "perro y casa"),
        ("Những ngôi nhà của tôi", "vi", "ngôi nhà tôi"),
        ("A casa é a melhor", "pt", "a casa é a melhor"),
    ],
)
def test_articles_are_those_of_the_language(text: str, language: str | None, expected: str) -> None:
    assert normalise(text, articles(language)) == expected


def test_a_control_character_parts_no_words_but_articles() -> None:
    assert normalise("x\x00y the\x00b") == "x\x00y \x00b"
    assert normalise("x\x00the", frozenset()) == "x\x00the"


def test_scripts_counts_letters_only() -> None:
    assert scripts(["ab 12!", "Мир", "中"]) == {"LATIN": 2, "CYRILLIC": 3, "CJK": 1}
    assert script("\x00") == ""
