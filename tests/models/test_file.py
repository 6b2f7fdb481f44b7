from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit import data
from evalkit.errors import DataError, ModelError
from evalkit.models import open_provider
from evalkit.models.stored import TEXT_FIELDS
from evalkit.schema import Answer, Failure, Generation, Message, ModelSpec, Request


def write(path: Path, rows: Iterable[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def request(
    example: str = "1", prompt: str = "Q1", suite: str = "s", split: str = "test"
) -> Request:
    messages = (Message("system", "Be brief."), Message("user", f"Answer: {prompt}"))
    return Request(suite, split, example, prompt, messages, Generation())


def ask(model: str, *requests: Request) -> list[Answer | Failure]:
    async def main() -> list[Answer | Failure]:
        spec = ModelSpec("arm", "file", model, "base")
        provider = open_provider(spec, read_rows=data.read_rows)
        assert not provider.cacheable
        try:
            return await provider.complete(requests)
        finally:
            await provider.close()

    return asyncio.run(main())


def texts(outcomes: Iterable[Answer | Failure]) -> list[str]:
    return [o.text if isinstance(o, Answer) else f"<{o.kind}>" for o in outcomes]


@pytest.mark.parametrize("field", TEXT_FIELDS)
def test_the_text_stands_under_any_of_five_names(tmp_path: Path, field: str) -> None:
    path = write(tmp_path / "a.jsonl", [{"id": "1", field: " x "}, {"id": "2", field: ""}])
    assert texts(ask(path, request("2"), request("1"))) == ["", " x "]


def test_the_first_of_the_names_wins_and_finish_and_tokens_are_kept(tmp_path: Path) -> None:
    row = {
        "id": "1",
        "output": "b",
        "completion": "a",
        "finish_reason": "length",
        "completion_tokens": 3,
        "served_model": "m",
    }
    path = write(tmp_path / "a.jsonl", [row])
    assert ask(path, request()) == [
        Answer("a", finish_reason="length", completion_tokens=3, served_model="m")
    ]
    table = tmp_path / "a.csv"
    table.write_text("id,output,prompt_tokens\n1,a,12\n", encoding="utf-8")
    assert ask(str(table), request()) == [Answer("a", prompt_tokens=12)]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Q1"},
        {"prompt": "Be brief.\n\nAnswer: Q1"},
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Answer: Q1"},
            ]
        },
        {
            "prompt": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Answer: Q1"},
            ]
        },
        {"id": "other", "prompt": "Q1"},
    ],
)
def test_found_by_prompt_as_written_or_as_asked(tmp_path: Path, row: dict[str, object]) -> None:
    path = write(tmp_path / "a.jsonl", [{**row, "completion": "yes"}])
    assert texts(ask(path, request(), request("2", "Q2"))) == ["yes", "<absent>"]


def test_messages_may_end_in_the_completion(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Answer: Q1"},
        {"role": "assistant", "content": "yes"},
    ]
    path = write(tmp_path / "a.jsonl", [{"messages": turns}])
    assert texts(ask(path, request())) == ["yes"]


def test_suite_and_split_tell_repeated_ids_apart(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "suite": "s", "split": "test", "completion": "both"},
        {"id": 1, "suite": "s", "completion": "suite"},
        {"id": 1, "split": "train", "completion": "split"},
        {"id": 1, "completion": "none"},
    ]
    path = write(tmp_path / "a.jsonl", rows)
    asked = [
        request(),
        request(split="train"),
        request(suite="t", split="train"),
        request(suite="t", split="test"),
    ]
    assert texts(ask(path, *asked)) == ["both", "suite", "split", "none"]


def test_null_is_missing_and_absent_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"id": "1", "completion": None}])
    outcomes = ask(path, request("1"), request("2", "Q2"))
    assert texts(outcomes) == ["<absent>", "<absent>"]
    assert all(isinstance(o, Failure) and not o.retryable for o in outcomes)


@pytest.mark.parametrize("ending", ["csv", "tsv", "json"])
def test_other_row_formats(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    mark = {"csv": ",", "tsv": "\t", "json": ""}[ending]
    if mark:
        path.write_text(f"id{mark}response\n001{mark}NA\n", encoding="utf-8")
    else:
        path.write_text('[{"id": "001", "response": "NA"}]', encoding="utf-8")
    assert texts(ask(str(path), request("001"))) == ["NA"]


def test_a_run_folders_own_completions(tmp_path: Path) -> None:
    stored = {"base": {"text": "b"}, "tuned": {"failure": "timeout", "message": "too late"}}
    row = {"suite": "s", "split": "test", "id": "1", "prompt": "Q1", "completions": stored}
    path = write(tmp_path / "completions.jsonl", [row])
    assert texts(ask(f"{path}#base", request())) == ["b"]
    outcome = ask(f"{path}#tuned", request())[0]
    assert isinstance(outcome, Failure)
    assert "too late" in outcome.message
    with pytest.raises(ModelError, match=r"no completions of 'tuner'; did you mean 'tuned'"):
        ask(f"{path}#tuner", request())
    with pytest.raises(DataError, match=r"the models 'base', 'tuned'.*file:PATH#MODEL"):
        ask(path, request())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "1", "answer": "x"}, r":2: found the fields .'answer', 'id'.*`completion`"),
        ({"completion": "x"}, r":2: found neither `id` nor `prompt`"),
        ({"id": "1", "completion": 7}, r":2: field 'completion': found 7"),
        ({"id": 1.5, "completion": "x"}, r":2: field 'id': found 1\.5"),
        ({"id": True, "completion": "x"}, r":2: field 'id': found True"),
        ({"id": "1", "suite": 3, "completion": "x"}, r":2: field 'suite': found 3"),
        ({"messages": [{"role": "user"}], "completion": "x"}, r":2: field 'messages'"),
        ({"messages": "hi", "completion": "x"}, r":2: field 'messages': found 'hi'"),
        ({"id": "1", "completions": []}, r":2: field 'completions': found \[\]"),
        ({"id": "0", "completion": "b"}, r":2: field 'id': found '0' again.*line 1"),
    ],
)
def test_a_row_that_is_no_completion(tmp_path: Path, row: dict[str, object], message: str) -> None:
    path = write(tmp_path / "a.jsonl", [{"id": "0", "completion": "a"}, row])
    with pytest.raises(DataError, match=message):
        ask(path, request())


def test_contradictions_by_prompt(tmp_path: Path) -> None:
    rows = [{"prompt": "Q1", "completion": "a"}, {"prompt": "Q1", "completion": "b"}]
    with pytest.raises(DataError, match="field 'prompt'"):
        ask(write(tmp_path / "a.jsonl", rows), request())
    rows = [{"id": str(i), **row} for i, row in enumerate(rows)]
    path = write(tmp_path / "b.jsonl", [*rows, {"prompt": "Q2", "completion": "c"}])
    # With ids the rows are told apart; the prompt alone no longer names one of them.
    assert texts(ask(path, request("0"), request("1"), request("9"))) == ["a", "b", "<absent>"]


def test_equal_duplicates_are_no_contradiction(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"id": "1", "completion": "a"}] * 2)
    assert texts(ask(path, request())) == ["a"]


def test_a_file_of_other_examples_shows_both_sides(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"id": f"x{i}", "completion": "a"} for i in range(9)])
    with pytest.raises(ModelError, match=r"asked for ids '1', '2'; .*id 'x0', id 'x1', id 'x2';"):
        ask(path, request("1"), request("2", "Q2"))


def test_ids_that_fit_and_prompts_that_do_not_are_noted(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "prompt": "Q1", "completion": "a"},
        {"id": "2", "prompt": "something else", "completion": "b"},
        {"id": "3", "completion": "c"},
    ]
    path = write(tmp_path / "a.jsonl", rows)
    provider = open_provider(ModelSpec("arm", "file", path, "base"), read_rows=data.read_rows)
    asked = [request(str(i), f"Q{i}") for i in (1, 2, 3)]
    assert texts(asyncio.run(provider.complete(asked))) == ["a", "b", "c"]
    assert len(provider.notes) == 1
    assert provider.notes[0].startswith("a.jsonl: 1 of 3 completions were found by id, while")


def test_a_file_without_rows_is_named(tmp_path: Path) -> None:
    spec = ModelSpec("arm", "file", write(tmp_path / "a.jsonl", []), "base")
    with pytest.raises(ModelError, match=r"'arm': .*a\.jsonl holds no rows"):
        open_provider(spec, read_rows=lambda _: [])


def test_one_place_has_one_key(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"id": "1", "completion": "a"}])
    provider = open_provider(ModelSpec("arm", "file", path, "base"), read_rows=data.read_rows)
    asked = [request(), request("2"), request(suite="t"), request(split="train")]
    assert len({provider.prompt_key(one) for one in asked}) == 4


def test_rows_without_the_named_model(tmp_path: Path) -> None:
    rows = [{"id": "1", "completions": {"base": 7}}, {"id": "2", "completion": "a"}]
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(DataError) as caught:
        ask(f"{path}#base", request())
    assert "field 'completions.base': found 7, expected an object" in str(caught.value)
    assert "field 'completions': found nothing, expected completions by model" in str(caught.value)


def test_a_row_may_lack_the_named_model(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "completions": {"base": {"text": "a"}}},
        {"id": "2", "completions": {"tuned": {"text": "b"}}},
    ]
    path = write(tmp_path / "a.jsonl", rows)
    assert texts(ask(f"{path}#base", request("1"), request("2", "Q2"))) == ["a", "<absent>"]


def test_no_such_file_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path / "outputs.jsonl", [])
    with pytest.raises(ModelError, match=r"no file .*output\.jsonl.*did you mean 'outputs\.jsonl'"):
        ask(str(tmp_path / "output.jsonl"), request())


def test_a_file_with_a_hash_in_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "run#2.jsonl", [{"id": "1", "completion": "a"}])
    assert texts(ask(path, request())) == ["a"]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(TEXT.filter(bool), TEXT, min_size=1, max_size=10))
def test_every_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, stored: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    write(path, [{"id": name, "completion": text} for name, text in stored.items()])
    assert texts(ask(str(path), *map(request, stored))) == list(stored.values())
