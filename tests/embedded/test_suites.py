"""The shipped suites: reproducible, apart from each other, and fit to be loaded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from evalkit import embedded
from evalkit.data import load_suite
from evalkit.data.leakage import find_leaks
from evalkit.embedded import generate
from evalkit.embedded.facts import table
from evalkit.embedded.recipes import RECIPES, Recipe
from evalkit.schema import Suite

TASKS = {"qa", "classification", "summarization", "translation", "extraction", "generation"}
each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


def shipped(recipe: Recipe) -> Suite:
    folder = embedded.suite_folders()[recipe.name]
    return load_suite(folder, extra_train=["train-small.jsonl"])


def test_every_folder_has_a_recipe() -> None:
    assert set(embedded.suite_folders()) == {recipe.name for recipe in RECIPES}


@each_recipe
def test_recipe_makes_the_shipped_bytes(recipe: Recipe) -> None:
    folder = embedded.suite_folders()[recipe.name]
    made = {name: text.encode() for name, text in generate.suite_files(recipe).items()}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made


def test_tasks_cover_every_kind() -> None:
    assert {shipped(recipe).config.task for recipe in RECIPES} == TASKS
    assert [recipe.name for recipe in RECIPES if shipped(recipe).config.general] == [
        "everyday-words"
    ]


@each_recipe
def test_splits_are_large_enough(recipe: Recipe) -> None:
    sizes = {name: len(examples) for name, examples in shipped(recipe).splits.items()}
    assert sizes["test"] == 300
    assert sizes["validation"] == 100
    assert sizes["train"] >= 300
    assert sizes["train-small"] == 60


@each_recipe
def test_small_training_split_is_part_of_the_large_one(recipe: Recipe) -> None:
    splits = shipped(recipe).splits
    assert splits["train-small"] == splits["train"][:60]


@each_recipe
def test_splits_share_no_row(recipe: Recipe) -> None:
    splits = shipped(recipe).splits
    rows = [row for name in ("train", "validation", "test") for row in splits[name]]
    assert not [id_ for id_, count in Counter(row.id for row in rows).items() if count > 1]
    assert not [text for text, count in Counter(row.prompt for row in rows).items() if count > 1]


@each_recipe
def test_no_test_row_leaks_from_training(recipe: Recipe) -> None:
    splits = shipped(recipe).splits
    assert find_leaks(recipe.name, "train", splits["test"], splits["train"]) == ()
    assert find_leaks(recipe.name, "train", splits["validation"], splits["train"]) == ()
    assert find_leaks(recipe.name, "validation", splits["test"], splits["validation"]) == ()


@each_recipe
def test_two_slices_with_enough_rows_in_each(recipe: Recipe) -> None:
    suite = shipped(recipe)
    assert len(suite.config.slices) == 2
    for field in suite.config.slices:
        counts = Counter(row.fields[field] for row in suite.splits["test"])
        assert len(counts) >= 2
        assert min(counts.values()) >= 5, counts


@each_recipe
def test_labels_are_spread(recipe: Recipe) -> None:
    suite = shipped(recipe)
    counts = Counter(row.references[0] for row in suite.splits["test"])
    if suite.config.task == "classification":
        assert set(counts) == set(suite.config.labels)
        assert min(counts.values()) >= 30


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("countries", "country"),
        ("countries", "capital"),
        ("states", "state"),
        ("states", "capital"),
        ("elements", "element"),
        ("elements", "symbol"),
        ("books", "title"),
        ("plurals", "singular"),
        ("young", "animal"),
        ("spanish-nouns", "english"),
        ("spanish-verbs", "english"),
        ("spanish-adjectives", "english"),
    ],
)
def test_a_question_has_one_answer(name: str, field: str) -> None:
    counts = Counter(row[field] for row in table(name))
    assert not [value for value, count in counts.items() if count > 1]


def test_a_word_belongs_to_one_category() -> None:
    words = Counter(word for row in table("categories") for word in row["members"].split(","))
    assert not [word for word, count in words.items() if count > 1]


def test_tables_have_no_holes() -> None:
    for path in sorted((Path(generate.__file__).parent / "facts").glob("*.tsv")):
        for number, row in enumerate(table(path.stem), start=2):
            assert None not in row.values(), f"{path.name}:{number}"
            assert all(value or name == "also" for name, value in row.items()), (
                f"{path.name}:{number}"
            )


def test_check_tells_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--out", str(tmp_path)]) == 0
    assert generate.main(["--out", str(tmp_path), "--check"]) == 0
    (tmp_path / "world-facts" / "test.jsonl").write_text("{}\n")
    capsys.readouterr()
    assert generate.main(["--out", str(tmp_path), "--check"]) == 1
    shown = capsys.readouterr().out
    assert "world-facts/test.jsonl" in shown.replace("\\", "/")
    assert "1 files differ" in shown
