from __future__ import annotations

import functools
import json
import random

import pytest

from evalkit.errors import ScorerError
from evalkit.schema import SuiteConfig
from evalkit.scorers import make_scorers
from evalkit.scorers.similarity import edit_similarity, list_f1, list_items, top_k


def levenshtein(one: str, other: str) -> int:
    """The recursion of its definition."""

    @functools.cache
    def distance(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        change = one[i - 1] != other[j - 1]
        return min(distance(i - 1, j) + 1, distance(i, j - 1) + 1, distance(i - 1, j - 1) + change)

    return distance(len(one), len(other))


def test_edit_similarity_is_its_definition(mixed_pairs: list[tuple[str, list[str]]]) -> None:
    for prediction, references in mixed_pairs:
        texts = [reference[:30] for reference in references]
        said = prediction[:30]
        expected = max(1 - levenshtein(said, text) / max(len(said), len(text), 1) for text in texts)
        assert edit_similarity(said, texts) == pytest.approx(expected, abs=1e-9)


def test_edit_similarity_ends() -> None:
    assert edit_similarity("", [""]) == 1
    assert edit_similarity("ab" * 60_000, ["ba" * 60_000]) > 0.99


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("red, green; blue", ["red", "green", "blue"]),
        ("- red\n- green\n", ["red", "green"]),
        ("1. Red\n2) green, too\n10. blue", ["red", "green too", "blue"]),
        ('["Red", 7, "x y"]', ["red", "7", "x y"]),
        ("北京、上海\uff0c广州", ["北京", "上海", "广州"]),
        ("one", ["one"]),
        ("", []),
        (" , ;", []),
        ("-5, 3", ["5", "3"]),
    ],
)
def test_items_of_a_list(text: str, items: list[str]) -> None:
    assert list_items(text) == items


@pytest.mark.parametrize(
    ("prediction", "references", "score"),
    [
        ("y, x", ["x, y"], 1.0),
        ("x\nx\ny", ["x; y"], 1.0),
        ("x, y", ["x, z"], 0.5),
        ("x", ["x, y, z"], 0.5),
        ("x", ["y", "x"], 1.0),
        ("", [""], 1.0),
        ("x", [""], 0.0),
    ],
)
def test_list_f1(prediction: str, references: list[str], score: float) -> None:
    assert list_f1(prediction, references) == pytest.approx(score)


def test_list_f1_equals_that_of_scikit_learn() -> None:
    from sklearn.metrics import f1_score
    from sklearn.preprocessing import MultiLabelBinarizer

    random_ = random.Random(3)
    names = ["red", "green", "blue", "北京", "Москва", "x1", "y2"]
    pairs = [
        [random_.sample(names, random_.randrange(len(names))) for _ in range(2)]
        for _ in range(2000)
    ]
    binary = MultiLabelBinarizer(classes=names)
    said, wanted = (binary.fit_transform([pair[side] for pair in pairs]) for side in (0, 1))
    ours = [list_f1(json.dumps(a), [", ".join(b)]) for a, b in pairs]
    expected = f1_score(wanted, said, average="samples", zero_division=1)
    assert sum(ours) / len(ours) == pytest.approx(expected, abs=1e-9)


def test_top_k() -> None:
    said = "1. Lima\n2. Quito\n3. Lima\n4. Oslo"
    assert top_k(said, ["oslo"])
    assert top_k(said, ["Oslo"], k=3)
    assert not top_k(said, ["Oslo"], k=2)
    assert top_k(said, ["Rome", "Quito"], k=2)
    assert not top_k("", ["Oslo"])


@pytest.mark.parametrize("spec", ["top_k(k=0)", "numeric(tolerance=-1)", "numeric(relative=-0.1)",
                                  "length_fit(slack=-1)"])  # fmt: skip
def test_options_out_of_range_are_refused(config: SuiteConfig, spec: str) -> None:
    with pytest.raises(ScorerError, match=r"found (-1|-0\.1|0): Input should be greater than or"):
        make_scorers([spec], config, [["a"]])
