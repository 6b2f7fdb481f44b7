"""The shipped trio is the one the card describes."""

from __future__ import annotations

import csv
import json

import pytest

from evalkit import embedded
from evalkit.data.projectfile import read_project_file
from evalkit.embedded import MODELS, chat
from evalkit.embedded.card import hash_files, suite_hashes, to_markdown
from evalkit.embedded.train import LOSSES
from evalkit.models.chat_template import render_chat
from evalkit.schema import Message

FOLDER = embedded.weights_folder("base").parent
CARD = json.loads((FOLDER / "card.json").read_text())


def test_files_are_those_of_the_card() -> None:
    assert hash_files(FOLDER) == CARD["files"]


def test_training_rows_are_those_of_the_card() -> None:
    assert suite_hashes() == CARD["suites"]


def test_page_is_made_from_the_card() -> None:
    assert (FOLDER / "MODEL_CARD.md").read_text() == to_markdown(CARD)


def test_recipe_was_settled_on_three_seeds() -> None:
    assert len(CARD["validation"]) == 3
    assert str(CARD["seed"]) in CARD["validation"]


@pytest.mark.parametrize("name", MODELS)
def test_model_is_small(name: str) -> None:
    assert (embedded.weights_folder(name) / "model.bin").stat().st_size < 5_000_000


@pytest.mark.parametrize("name", ["tuned", "overfit"])
def test_loss_curve_ends_where_the_card_says(name: str) -> None:
    with (embedded.weights_folder(name) / "loss.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= LOSSES
    assert int(rows[-1]["step"]) == CARD["training"][name]["steps"]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])


def test_validation_loss_of_the_overtrained_model_rises_and_of_the_tuned_one_does_not() -> None:
    ratios = {}
    for name in ("tuned", "overfit"):
        with (embedded.weights_folder(name) / "loss.csv").open(newline="") as file:
            losses = [float(row["valid_loss"]) for row in csv.DictReader(file)]
        ratios[name] = losses[-1] / min(losses)
    assert ratios["tuned"] < 1.02
    assert ratios["overfit"] > 1.1


def test_training_renders_like_the_chat_template() -> None:
    messages = (Message("system", "Be brief."), Message("user", "Why?"))
    rendered = render_chat(chat.TEMPLATE, messages, {"bos_token": chat.BEGIN})
    assert rendered == chat.render("Be brief.", "Why?")


def test_template_tells_turns_apart() -> None:
    messages = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    rendered = render_chat(chat.TEMPLATE, messages, {"bos_token": chat.BEGIN})
    assert rendered == f"{chat.BEGIN}Q: a\nA: b\nQ: c\nA:"


def test_quickstart_asks_the_trio_on_every_suite() -> None:
    project = read_project_file(embedded.quickstart_file())
    assert tuple(spec.model for spec in project.models) == MODELS
    assert {path.name for path in project.suites} == set(embedded.suite_folders())
