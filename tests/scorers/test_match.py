from __future__ import annotations

import pytest

from evalkit.scorers.match import contains, exact_match, exact_match_strict, f1, regex

# (reference, prediction, exact, f1): printed by compute_exact and compute_f1 of the official
# evaluate-v2.0.py of SQuAD 2.0 under Python 3.11.
SQUAD = [
    ("Denver Broncos", "the Denver Broncos!", 1, 1.0),
    ("in 1066", "1066", 0, 0.6666666666666666),
    ("1066", "In the year 1066.", 0, 0.5),
    ("the cat sat on the mat", "a cat sat on mat, the cat", 0, 0.888888888888889),
    ("well-known", "well known", 0, 0),
    ("U.S.", "US", 1, 1.0),
    ("rock 'n' roll", "rock n roll", 1, 1.0),
    ("", "", 1, 1),
    ("", "none", 0, 0),
    ("none", "", 0, 0),
    ("the", "", 1, 1),
    ("", "a the", 1, 1),
    ("?", "!", 1, 1),
    ("$5", "5", 1, 1.0),
    ("a b b c", "b c c d", 0, 0.5714285714285715),
    ("Théâtre, the", "théâtre", 1, 1.0),
    ("An hour and a half", "hour and half", 1, 1.0),
    ("x  y\tz\n", "x y z", 1, 1.0),
]


@pytest.mark.parametrize(("reference", "prediction", "exact", "overlap"), SQUAD)
def test_exact_match_and_f1_are_those_of_squad(
    reference: str, prediction: str, exact: int, overlap: float
) -> None:
    assert exact_match(prediction, [reference]) == exact
    assert f1(prediction, [reference]) == overlap


def test_the_best_reference_counts() -> None:
    assert f1("red car", ["blue bike", "red bike", "a red car"]) == 1.0
    assert f1("red car", ["blue bike", "red bike"]) == 0.5
    assert exact_match("red car", ["blue", "Red car."])


def test_f1_gives_part_of_a_chinese_answer_its_due() -> None:
    assert f1("北京市", ["北京"]) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("prediction", "references", "expected"),
    [("yes", ["yes"], True), ("yes ", ["yes"], False), ("Yes", ["no", "Yes"], True)],
)
def test_exact_match_strict(prediction: str, references: list[str], expected: bool) -> None:  # noqa: FBT001
    assert exact_match_strict(prediction, references) == expected


@pytest.mark.parametrize(
    ("prediction", "references", "expected"),
    [
        ("The capital is Paris.", ["Paris"], True),
        ("Parisian food", ["Paris"], False),
        ("new york city", ["The New York"], True),
        ("york new", ["new york"], False),
        ("no idea", ["x", "no"], True),
        ("something", ["?"], False),
        ("!", ["?"], True),
        ("", ["a word"], False),
        ("首都是北京市。", ["北京"], True),
    ],
)
def test_contains(prediction: str, references: list[str], expected: bool) -> None:  # noqa: FBT001
    assert contains(prediction, references) == expected


def test_regex_searches_unless_told_to_match_all() -> None:
    assert regex("order A-12 shipped", [r"[A-Z]-\d+"])
    assert not regex("order A-12 shipped", [r"[A-Z]-\d+"], full=True)
    assert regex("A-12", [r"x", r"[A-Z]-\d+"], full=True)
    assert not regex("a-12", [r"[A-Z]-\d+"])
    assert regex("a-12", [r"[A-Z]-\d+"], ignore_case=True)


def test_a_reference_that_is_no_pattern_is_named() -> None:
    with pytest.raises(ValueError, match=r"'\(' is no regular expression.*escape"):
        regex("x", ["("])
