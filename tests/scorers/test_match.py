"""Oracle: the SQuAD scripts, written down again below from their published definitions."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest

from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, make_scorers
from evalkit.scorers.match import exact_match_strict, regex

Pairs = list[tuple[str, list[str]]]

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


def published_words(text: str) -> list[str]:
    """Lower case, then without punctuation, then without articles, then split."""
    kept = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def published_f1(said: list[str], wanted: list[str], version: str) -> float:
    if version == "2.0" and not (said and wanted):
        return float(said == wanted)
    same = sum((Counter(said) & Counter(wanted)).values())
    if same == 0:
        return 0.0
    precision, recall = 1.0 * same / len(said), 1.0 * same / len(wanted)
    return (2 * precision * recall) / (precision + recall)


def published(prediction: str, references: list[str], version: str) -> tuple[float, float]:
    """Exact match and F1: of version 2.0 against the answers that are not nothing, or nothing."""
    accepted = [published_words(text) for text in references]
    if version == "2.0":
        accepted = [words for words in accepted if words] or [[]]
    said = published_words(prediction)
    exact = max(float(words == said) for words in accepted)
    return exact, max(published_f1(said, words, version) for words in accepted)


def build(*specs: str, language: str | None = None) -> tuple[Scorer, ...]:
    return make_scorers(specs, SuiteConfig(name="demo", task="qa", language=language), [["a"]])


def values(scorers: tuple[Scorer, ...], prediction: str, references: list[str]) -> list[float]:
    return [scorer.stats(prediction, references)[0] for scorer in scorers]


@pytest.mark.parametrize(("reference", "prediction", "exact", "overlap"), SQUAD)
def test_exact_match_and_f1_are_those_of_squad(
    reference: str, prediction: str, exact: int, overlap: float
) -> None:
    assert published(prediction, [reference], "2.0") == (exact, overlap)
    assert values(build("exact_match", "f1"), prediction, [reference]) == [exact, overlap]


@pytest.mark.parametrize("version", ["1.1", "2.0"])
def test_every_script_scores_as_published_where_asked(
    mixed_pairs: Pairs, punctuated_pairs: Pairs, version: str
) -> None:
    scorers = build(f"exact_match(squad={version!r})", f"f1(squad={version!r})")
    for prediction, references in mixed_pairs + punctuated_pairs:
        expected = published(prediction, references, version)
        assert tuple(values(scorers, prediction, references)) == expected


def test_ascii_text_scores_as_published_without_asking(
    english_pairs: Pairs, punctuated_pairs: Pairs
) -> None:
    scorers = build("exact_match", "f1")
    for prediction, references in english_pairs + punctuated_pairs:
        expected = published(prediction, references, "2.0")
        assert tuple(values(scorers, prediction, references)) == expected


def test_rows_without_an_answer() -> None:
    (f1,) = build("f1")
    (old,) = build("f1(squad='1.1')")
    assert [f1.stats(said, [""])[0] for said in ("", "the", "Denver")] == [1, 1, 0]
    assert [old.stats(said, [""])[0] for said in ("", "the", "Denver")] == [0, 0, 0]
    assert f1.stats("", ["", "Denver"])[0] == 0


def test_signatures_say_whose_rules_hold() -> None:
    exact, f1 = build("exact_match", "f1", language="de")
    assert exact.signature == "exact_match|norm:squad|lang:de|refs:any|v1"
    assert f1.signature == "f1|norm:squad|lang:de|tok:unicode|refs:max|v1"
    (old,) = build("f1(squad='1.1')", language="de")
    assert (old.name, old.signature) == (
        "f1(squad='1.1')", "f1|norm:squad-1.1|tok:space|refs:max|v1"
    )  # fmt: skip


def test_articles_are_those_of_the_language() -> None:
    assert values(build("exact_match", "f1", language="de"), "der Hund", ["Hund"]) == [1, 1]
    assert values(build("exact_match", "contains"), "der Hund", ["Hund"]) == [0, 1]
    assert values(build("exact_match", language="fr"), "a", ["à"]) == [0]


def test_the_best_reference_counts() -> None:
    exact, f1 = build("exact_match", "f1")
    assert f1.stats("red car", ["blue bike", "red bike", "a red car"])[0] == 1.0
    assert f1.stats("red car", ["blue bike", "red bike"])[0] == 0.5
    assert exact.stats("red car", ["blue", "Red car."])[0] == 1


def test_f1_gives_part_of_an_answer_in_an_unspaced_script_its_due() -> None:
    (f1,) = build("f1")
    assert f1.stats("北京市", ["北京"])[0] == pytest.approx(0.8)
    assert f1.stats("กรุงเทพมหานคร", ["กรุงเทพ"])[0] == pytest.approx(2 / 3, abs=0.1)


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
        ("ฉันอยู่กรุงเทพครับ", ["กรุงเทพ"], True),
    ],
)
def test_contains(prediction: str, references: list[str], expected: bool) -> None:  # noqa: FBT001
    assert values(build("contains"), prediction, references) == [expected]


def test_regex_searches_unless_told_to_match_all() -> None:
    assert regex("order A-12 shipped", [r"[A-Z]-\d+"])
    assert not regex("order A-12 shipped", [r"[A-Z]-\d+"], full=True)
    assert regex("A-12", [r"x", r"[A-Z]-\d+"], full=True)
    assert not regex("a-12", [r"[A-Z]-\d+"])
    assert regex("a-12", [r"[A-Z]-\d+"], ignore_case=True)


def test_a_reference_that_is_no_pattern_is_named() -> None:
    with pytest.raises(ValueError, match=r"'\(' is no regular expression.*escape"):
        regex("x", ["("])
