from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.data import load_suite
from evalkit.errors import ConfigError, DataError
from evalkit.schema import Example, Message, Suite

SuiteWriter = Callable[..., Path]


def chat(*turns: tuple[str, str]) -> tuple[Message, ...]:
    return tuple(Message(role, content) for role, content in turns)


def first(path: Path) -> Example:
    return load_suite(path).splits["test"][0]


def fault(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_suite(path)
    return str(caught.value).replace(str(path), "my-suite")


def test_the_suites_system_prompt_comes_first_unless_the_row_has_one(suite: SuiteWriter) -> None:
    rows = [
        {"prompt": "p", "completion": "c"},
        {
            "messages": [
                {"role": "system", "content": "row"},
                {"role": "user", "content": "p"},
                {"role": "assistant", "content": "c"},
            ]
        },
    ]
    one, two = load_suite(suite("test: test.jsonl\nsystem: suite", test=rows)).splits["test"]
    assert one.messages == chat(("system", "suite"), ("user", "p"))
    assert two.messages == chat(("system", "row"), ("user", "p"))
    assert one.prompt == two.prompt == "p"


def test_a_template_takes_any_field(suite: SuiteWriter) -> None:
    row = {
        "prompt": "{p} {0.__class__}",
        "completion": "c",
        "n": 3,
        "x": 1.5,
        "flag": True,
        "list": ["ä", 1],
        "a key": "k",
        "a.b": "dot",
    }
    path = suite(
        "test: test.jsonl\ntemplate: '{{{prompt}}} {n} {x} {flag} {list} {a key} {a.b}'", test=[row]
    )
    example = first(path)
    assert example.prompt == "{p} {0.__class__}"
    assert example.messages == chat(
        ("user", '{{p} {0.__class__}} 3 1.5 true ["ä", 1] k dot'),
    )


def test_a_template_is_filled_into_the_last_turn_only(suite: SuiteWriter) -> None:
    turns = [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]
    row = {"messages": [{"role": role, "content": content} for role, content in turns]}
    path = suite("test: test.jsonl\ntemplate: 'Q: {prompt}'", test=[row])
    assert first(path).messages == chat(("user", "a"), ("assistant", "b"), ("user", "Q: c"))


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{promt}",
            "found {promt}, which no row has, expected a field of the rows; did you mean 'prompt'?",
        ),
        ("{completion}", "found {completion}, which no row has, expected"),
        ("{id}", "found {id}, which no row has, expected"),
        ("{}", "found an empty place {}, expected the name of a field, such as {prompt}"),
        ("{prompt", "found expected '}' before end of string, expected {field} places"),
        ("}", "found single '}' encountered in format string, expected {field} places"),
        ("{prompt!r}", "found {prompt!r}, expected a plain {prompt}"),
        ("{prompt:>9}", "found {prompt:>9}, expected a plain {prompt}"),
        (
            '{"a": 1}',
            """found {"a": 1}, expected a plain {"a"}: rows are not formatted (write {{""",
        ),
        ("{prompt.__class__}", "found {prompt.__class__}, which no row has"),
        ("{prompt[0]}", "found {prompt[0]}, which no row has"),
    ],
)
def test_templates_that_cannot_be_meant(template: str, message: str, suite: SuiteWriter) -> None:
    rows = [{"prompt": "p", "completion": "c"}]
    path = suite(f"test: test.jsonl\n\ntemplate: {template!r}", test=rows)
    assert f"my-suite/suite.yaml:3: field 'template': {message}" in fault(path)


def test_rows_without_a_value_for_the_template_are_all_named(suite: SuiteWriter) -> None:
    row = {"prompt": "p", "completion": "c"}
    rows = [{**row, "lang": "de"}, row, {**row, "lang": None}]
    path = suite("test: test.jsonl\ntemplate: '{lang}: {prompt}'", test=rows)
    with pytest.raises(DataError) as caught:
        load_suite(path)
    expected = "expected a value for the template's place {lang}"
    assert str(caught.value).splitlines()[1:] == [
        f"{path}/test.jsonl:2: field 'lang': found no such key, {expected}",
        f"{path}/test.jsonl:3: field 'lang': found null, {expected}",
    ]


TRAIN = [{"prompt": f"train {n}", "completion": [f"answer {n}", "other"]} for n in range(20)]
TEST = [{"prompt": f"test {n}", "completion": "x"} for n in range(5)]


def few_shot(suite: SuiteWriter, yaml: str = "", **splits: list[dict[str, Any]]) -> Suite:
    yaml = f"name: s\ntest: test.jsonl\ntrain: train.jsonl\nfew_shot: 3\n{yaml}"
    return load_suite(suite(yaml, **{"test": TEST, "train": TRAIN, **splits}))


def test_the_same_shots_come_before_every_question(suite: SuiteWriter) -> None:
    loaded = few_shot(suite, "system: S\ntemplate: 'Q: {prompt}'")
    shown = {example.messages[1:-1] for example in loaded.splits["test"]}
    [shots] = shown
    assert [turn.role for turn in shots] == ["user", "assistant"] * 3
    assert all(turn.content.startswith("Q: train ") for turn in shots[::2])
    for asked, answered in zip(shots[::2], shots[1::2], strict=True):
        assert answered.content == asked.content.replace("Q: train", "answer")
    for example in loaded.splits["test"]:
        assert example.messages[0] == Message("system", "S")
        assert example.messages[-1].content == f"Q: {example.prompt}"


def test_a_question_is_never_among_its_own_shots(suite: SuiteWriter) -> None:
    loaded = few_shot(suite, test=[*TEST, {"prompt": TRAIN[7]["prompt"], "completion": "leaked"}])
    for examples in loaded.splits.values():
        for example in examples:
            shown = [turn.content for turn in example.messages[:-1:2]]
            assert len(shown) == len(set(shown)) == 3
            assert example.prompt not in shown


def test_one_prompt_is_many_questions_where_the_template_adds_to_it(suite: SuiteWriter) -> None:
    def rows(first: int, number: int) -> list[dict[str, Any]]:
        return [
            {"prompt": "Name the topic.", "text": f"text {n}", "completion": f"topic {n}"}
            for n in range(first, first + number)
        ]

    yaml = "template: '{prompt} {text}'"
    loaded = few_shot(suite, yaml, test=[*rows(90, 6), *rows(0, 6)], train=rows(0, 6))
    for example in loaded.splits["test"]:
        shown = [turn.content for turn in example.messages[:-1:2]]
        assert len(shown) == len(set(shown)) == 3
        assert example.messages[-1].content not in shown


def test_shots_don_t_depend_on_the_order_of_the_file_but_on_the_suite(suite: SuiteWriter) -> None:
    usual = few_shot(suite).splits["test"]
    assert few_shot(suite, train=TRAIN[::-1]).splits["test"] == usual
    yaml = "name: other\ntest: test.jsonl\ntrain: train.jsonl\nfew_shot: 3"
    assert load_suite(suite(yaml, test=TEST, train=TRAIN)).splits["test"] != usual


def test_shots_leave_the_rows_own_system_messages_out(suite: SuiteWriter) -> None:
    train = [
        {"messages": [{"role": "system", "content": "row"}, *turns]}
        for n in range(4)
        for turns in [
            [{"role": "user", "content": f"{n}"}, {"role": "assistant", "content": "x"}],
        ]
    ]
    for example in few_shot(suite, train=train).splits["test"]:
        assert all(turn.role != "system" for turn in example.messages)


@pytest.mark.parametrize(
    ("yaml", "splits", "message"),
    [
        ("few_shot: 1", {}, "found 1 without `train`, expected a train file to show from"),
        ("few_shot: 2\ntrain: train.jsonl", {"train": [*TRAIN[:2], *TRAIN[:2]]},
         "found 2 of 4 training rows, expected more different training questions than are shown"),
        ("few_shot: -1", {}, "found the number -1, expected 0 or more"),
    ],
)  # fmt: skip
def test_shots_that_cannot_be_had(
    yaml: str, splits: dict[str, Any], message: str, suite: SuiteWriter
) -> None:
    path = suite(f"test: test.jsonl\n{yaml}", test=TEST, **splits)
    assert f"my-suite/suite.yaml:2: field 'few_shot': {message}" in fault(path)


def test_a_shot_without_a_value_for_the_template_is_named(suite: SuiteWriter) -> None:
    yaml = "name: s\ntest: test.jsonl\ntrain: train.jsonl\nfew_shot: 3\ntemplate: '{x}{prompt}'"
    path = suite(yaml, test=[{**row, "x": "1"} for row in TEST], train=TRAIN)
    with pytest.raises(DataError) as caught:
        load_suite(path)
    assert caught.value.total == 20
    assert "train.jsonl:1: field 'x': found no such key" in str(caught.value)
