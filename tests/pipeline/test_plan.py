from __future__ import annotations

from pathlib import Path

import pytest

from evalkit import embedded, pipeline
from evalkit.errors import UsageError
from evalkit.pipeline import run
from evalkit.pipeline.plan import make_plan, suites_to_check
from evalkit.stats.samples import SEED
from tests.command_line import write_jsonl

PROJECT = """
models:
  base: {model: "openai:org/base"}
  tuned: {model: "openai:adapter", tuned_from: base}
suites: [data.jsonl]
seed: 7
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "data.jsonl", [{"prompt": "a", "completion": "b"}])
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_without_anything_it_is_the_quickstart() -> None:
    plan = make_plan()
    assert plan.name == "quickstart"
    assert [model.name for model in plan.models] == list(embedded.MODELS)
    assert {path.name for path in plan.suites} == set(embedded.suite_folders())


def test_the_project_file_of_the_folder_is_taken(folder: Path) -> None:
    (folder / "evalkit.yaml").write_text(PROJECT)
    plan = make_plan()
    assert (plan.name, plan.seed) == ("data", 7)
    assert [(m.name, m.role, m.tuned_from) for m in plan.models] == [
        ("base", "base", None),
        ("tuned", "tuned", "base"),
    ]


def test_options_go_before_the_project_file(folder: Path) -> None:
    (folder / "evalkit.yaml").write_text(PROJECT)
    plan = make_plan(base="file:x.jsonl", tuned=["tuned", "new=openai:other"], seed=0, limit=3)
    assert [(m.name, m.tuned_from) for m in plan.models] == [
        ("x", None),
        ("tuned", "x"),
        ("new", "x"),
    ]
    assert (plan.seed, plan.limit) == (0, 3)


def test_a_mistyped_model_of_the_project_file(folder: Path) -> None:
    (folder / "evalkit.yaml").write_text(PROJECT)
    with pytest.raises(UsageError, match="did you mean 'tuned'"):
        make_plan(tuned=["tunde"])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base": "openai:a"}, "no suite"),
        ({"suites": ["data.jsonl"]}, "no base model"),
        ({"suites": ["data.jsonl"], "base": "openai:a"}, "no tuned model"),
        ({"suites": ["world-fact"], "base": "openai:a"}, "did you mean 'world-facts'"),
        (
            {"suites": ["data.jsonl"], "base": "openai:a", "tuned": ["openai:a"]},
            "two models are called 'a'",
        ),
        (
            {"suites": ["data.jsonl"], "base": "openai:a", "tuned": ["b=openai:a"]},
            "same model.*--allow-identical",
        ),
        ({"limit": 0}, "--limit is 0"),
        ({"concurrency": 0}, "--concurrency is 0"),
        ({"seed": -1}, "--seed is -1; expected 0 or more"),
        ({"repeats": 1001}, "--repeats is 1001; expected 1,000 at most"),
        ({"timeout": 0}, "--timeout is 0; expected seconds, more than 0"),
        ({"max_seconds": float("inf")}, "--max-seconds is inf"),
    ],
)
def test_what_cannot_be_meant(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_plan(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_costs": 0.01}, "unknown option 'max_costs'; did you mean 'max_cost'?"),
        ({"limt": 5}, "unknown option 'limt'; did you mean 'limit'?"),
        ({"scorer": "f1"}, "unknown option 'scorer'; did you mean 'scorers'?"),
        ({"outt": "here"}, "unknown option 'outt'; did you mean 'out'?"),
        ({"limit": "5"}, "option 'limit': found the text '5', expected an integer"),
        ({"limit": True}, "option 'limit': found true, expected an integer"),
        ({"stop_early": "no"}, "option 'stop_early': found the text 'no', expected true or false"),
        ({"timeout": "1"}, "option 'timeout': found the text '1', expected a number"),
        ({"config": 5}, "option 'config': found the number 5, expected text or a Path"),
        ({"tuned": 5}, "option 'tuned': found the number 5, expected text or a Sequence"),
        ({"scorers": ["f1", 2]}, "option 'scorers[1]': found the number 2, expected text"),
    ],
)
def test_options_of_python_are_checked_by_name_and_type(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError) as wrong:
        run(["data.jsonl"], **options)  # type: ignore[arg-type]
    assert str(wrong.value) == message


A_PATH = "expected text or a Path"
TEXTS = "expected text or a Sequence"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "given", "named", "message"),
    [
        ("run", [5], {}, f"'suites': found the number 5, {A_PATH} or a Sequence"),
        ("run", [["data.jsonl", 5]], {}, f"'suites[1]': found the number 5, {A_PATH}"),
        ("run", [], {"out": 5}, f"'out': found the number 5, {A_PATH}"),
        ("run", [], {"force": "yes"}, "'force': found the text 'yes', expected true or false"),
        ("estimate", [5], {}, f"'suites': found the number 5, {A_PATH} or a Sequence"),
        ("export_batches", [], {"out": None}, f"'out': found null, {A_PATH}"),
        ("import_batches", [5], {}, f"'folder': found the number 5, {A_PATH}"),
        ("load", [5], {}, f"'folder': found the number 5, {A_PATH}"),
        ("report", [5], {}, f"'folder': found the number 5, {A_PATH}"),
        ("compare", ["a", 5], {}, f"'later': found the number 5, {A_PATH}"),
        ("gate", ["a", ["f1"]], {}, "'rule': found a list of 1, expected a GateRule"),
        ("gate", ["a"], {"agianst": "b"}, "'agianst'; did you mean 'against'?"),
        ("project_rule", [5], {}, f"'config': found the number 5, {A_PATH}"),
        ("score", ["a"], {"scorers": 5}, f"'scorers': found the number 5, {TEXTS}"),
        ("check", [5], {}, f"'suites': found the number 5, {A_PATH} or a Sequence"),
        ("models", [5], {}, f"'specs': found the number 5, {TEXTS}"),
    ],
)
def test_every_function_of_python_checks_its_arguments(
    name: str, given: list[object], named: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError) as wrong:
        getattr(pipeline, name)(*given, **named)
    assert str(wrong.value).removeprefix("unknown ") == f"option {message}"


@pytest.mark.usefixtures("folder")
def test_one_is_a_list_of_one() -> None:
    plan = make_plan(["data.jsonl"], base="openai:a", tuned="openai:b", scorers="f1")
    assert plan.scorers == ("f1",)


@pytest.mark.usefixtures("folder")
def test_one_model_twice_if_that_is_wanted() -> None:
    plan = make_plan(["data.jsonl"], base="openai:a", tuned=["b=openai:a"], allow_identical=True)
    assert plan.seed == SEED


@pytest.mark.usefixtures("folder")
def test_shipped_suites_by_name_or_by_the_path_they_have_in_a_checkout() -> None:
    shipped = embedded.suite_folders()["world-facts"]
    paths, _ = suites_to_check(["world-facts", "suites/world-facts"])
    assert paths == (shipped, shipped)


def test_training_files_of_the_project_are_checked_too(folder: Path) -> None:
    (folder / "evalkit.yaml").write_text(
        PROJECT.replace("tuned_from", "train: t.jsonl, tuned_from")
    )
    assert suites_to_check([]) == ((Path("data.jsonl"),), ("t.jsonl",))
