from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.data import load_suite
from evalkit.errors import DataError
from evalkit.schema import Example, Message

Rows = Callable[..., Path]

USER = {"role": "user", "content": "2 + 2?"}
ASSISTANT = {"role": "assistant", "content": "4"}
ASKED = (Message("user", "2 + 2?"),)


def load(path: Path) -> tuple[Example, ...]:
    return load_suite(path).splits["test"]


def problems(path: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        load_suite(path)
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()[1:]


@pytest.mark.parametrize(
    ("row", "references"),
    [
        ({"prompt": "2 + 2?", "completion": "4"}, ("4",)),
        ({"prompt": "2 + 2?", "completion": ["4", "four"]}, ("4", "four")),
        ({"prompt": "2 + 2?", "completion": '["4", "four"]'}, ('["4", "four"]',)),
        ({"prompt": "2 + 2?", "completion": ""}, ("",)),
        ({"prompt": "2 + 2?", "references": ["4", "four"]}, ("4", "four")),
        ({"prompt": "2 + 2?", "references": '["4", "four"]'}, ("4", "four")),
        ({"prompt": [USER], "completion": [ASSISTANT]}, ("4",)),
        ({"messages": [USER, ASSISTANT]}, ("4",)),
        ({"messages": json.dumps([USER, ASSISTANT])}, ("4",)),
        ({"messages": [USER], "references": ["4", "four"]}, ("4", "four")),
        ({"messages": [USER, ASSISTANT], "completion": None}, ("4",)),
        ({"prompt": None, "messages": [USER | {"name": "ann"}, ASSISTANT | {"weight": 1}]}, ("4",)),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "2 + "},
                                                    {"type": "text", "text": "2?"}]},
                       ASSISTANT]}, ("4",)),
    ],
)  # fmt: skip
def test_every_shape_asks_and_accepts_the_same(
    row: dict[str, Any], references: tuple[str, ...], rows: Rows
) -> None:
    [example] = load(rows(row))
    assert (example.prompt, example.messages) == ("2 + 2?", ASKED)
    assert example.references == references


def test_history_and_system_messages_are_kept(rows: Rows) -> None:
    history = [
        {"role": "developer", "content": "Be brief."},
        USER,
        ASSISTANT,
        USER | {"content": "+1?"},
    ]
    [example] = load(rows({"messages": [*history, {"role": "assistant", "content": "5"}]}))
    assert example.prompt == "+1?"
    assert example.messages == (
        Message("system", "Be brief."), *ASKED, Message("assistant", "4"), Message("user", "+1?"),
    )  # fmt: skip


def test_other_keys_are_fields(rows: Rows) -> None:
    [one, two] = load(
        rows(
            {"id": "a", "prompt": "p", "completion": "c", "lang": "de", "n": [1, {"x": None}]},
            {"messages": [USER, ASSISTANT], "prompt": "the first of many turns", "tools": []},
        )
    )
    assert one.fields == {"lang": "de", "n": [1, {"x": None}]}
    assert two.fields == {"prompt": "the first of many turns", "tools": []}


def test_ids_are_text_or_come_from_the_content(rows: Rows) -> None:
    row = {"prompt": "p", "completion": "c"}
    examples = load(
        rows({"id": "001", **row}, {"id": 7, **row}, row, row, {**row, "completion": "d"}, row)
    )
    ids = [example.id for example in examples]
    assert ids[:2] == ["001", "7"]
    assert len(ids[2]) == 16
    assert ids[3] == f"{ids[2]}-2"
    assert ids[5] == f"{ids[2]}-3"
    assert len(set(ids)) == 6
    # By content, so neither the shape nor the file nor its order matters.
    [other] = load(rows({"prompt": [{"role": "user", "content": "p"}], "references": ["c"]}))
    assert other.id == ids[2]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({}, "prompt: no keys, expected 'prompt' and 'completion', or 'messages'"),
        ({"question": "q", "answer": "a"}, "prompt: the keys question, answer, expected"),
        ({"promt": "q", "completion": "a"},
         "prompt: no such key, but 'promt', expected 'prompt' and 'completion', or "),
        ({"message": [USER, ASSISTANT]}, "messages: no such key, but 'message', expected 'prompt'"),
        ({"prompt": None, "completion": "a"}, "prompt: null, expected text"),
        ({"prompt": 3, "completion": "a"}, "prompt: the number 3, expected text or a"),
        ({"prompt": " \n", "completion": "a"}, "prompt: an empty prompt, expected text"),
        ({"prompt": "p"}, "completion: only the key prompt, expected text, or a list"),
        ({"prompt": "p", "completion": None}, "completion: null, expected text, or a"),
        ({"prompt": "p", "completion": 4}, "completion: the number 4, expected text, or"),
        ({"prompt": "p", "completion": True}, "completion: true, expected text, or"),
        ({"prompt": "p", "completion": {}}, "completion: an empty object, expected text"),
        ({"prompt": "p", "completion": []}, "completion: an empty list, expected at least"),
        ({"prompt": "p", "completion": ["a", None]},
         "completion[1]: null, expected text"),
        ({"prompt": "p", "references": "a"},
         "references: the text 'a', expected a list of texts (in a table as JSON"),
        ({"prompt": "p", "references": "[1]"}, "references[0]: the number 1, expected"),
        ({"prompt": "p", "completion": "a", "references": ["b"]},
         "references: both 'completion' and 'references', expected one of them"),
        ({"prompt": [ASSISTANT], "completion": "a"},
         "prompt: the role 'assistant' before the reference, expected a user message"),
        ({"prompt": [USER], "completion": [ASSISTANT, USER]},
         "completion: messages of the roles assistant, user, expected one assistant"),
        ({"messages": []}, "messages: an empty list, expected a list of messages"),
        ({"messages": {}}, "messages: an empty object, expected a list of messages"),
        ({"messages": "hello"}, "messages: the text 'hello', expected a list of messages"),
        ({"messages": [USER]},
         "messages: a last message of the role 'user', expected an assistant message"),
        ({"messages": [ASSISTANT]}, "messages: nothing before the reference, expected a"),
        ({"messages": [USER, ASSISTANT, ASSISTANT]},
         "messages: the role 'assistant' before the reference, expected a user message"),
        ({"messages": [USER, ASSISTANT], "completion": "4"},
         "completion: 'completion' besides an assistant message at the end of "),
        ({"messages": ["hi", ASSISTANT]},
         "messages[0]: the text 'hi', expected a message, {'role': ..., 'content': ...}"),
        ({"messages": [{"content": "x"}, ASSISTANT]},
         "messages[0].role: only the key content, expected one of system, user"),
        ({"messages": [{"role": "usr", "content": "x"}, ASSISTANT]},
         "messages[0].role: 'usr', expected one of system, user, assistant; did you "),
        ({"messages": [USER, {"role": "tool", "content": "x"}, ASSISTANT]},
         "messages[1]: a message of the role 'tool', expected no tool calls: they are"),
        ({"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [{}]}]},
         "messages[1].content: tool calls instead of text, expected text: tool calls"),
        ({"messages": [USER, {"role": "assistant"}]},
         "messages[1].content: null, expected text, or a list of text parts"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ASSISTANT]},
         "messages[0].content[0]: a part of type 'image_url', expected {'type': 'text',"),
        ({"id": None, "prompt": "p", "completion": "a"}, "id: null, expected text or an"),
        ({"id": 1.5, "prompt": "p", "completion": "a"}, "id: the number 1.5, expected"),
        ({"id": True, "prompt": "p", "completion": "a"}, "id: true, expected text or an"),
        ({"id": "", "prompt": "p", "completion": "a"}, "id: an empty text, expected text"),
    ],
)  # fmt: skip
def test_every_broken_row_is_named(row: dict[str, Any], problem: str, rows: Rows) -> None:
    [found] = problems(rows({"prompt": "fine", "completion": "x"}, row))
    field, what = problem.split(": ", 1)
    assert found.startswith(f"data.jsonl:2: field {field!r}: found {what}")


def test_problems_of_rows_and_of_lines_come_together_in_order(rows: Rows) -> None:
    found = problems(rows({"prompt": 1}, "{", {"prompt": "p", "completion": "c"}, "[]", {"id": 1}))
    assert [line.split(":")[1] for line in found] == ["1", "2", "4", "5"]


def test_duplicate_ids_are_an_error_that_names_both_lines(rows: Rows) -> None:
    row = {"prompt": "p", "completion": "c"}
    path = rows({"id": "7", **row}, row, {"id": 7, **row})
    assert problems(path) == [
        "data.jsonl:3: field 'id': found '7', which line 1 has too, expected an id of its own"
    ]


def test_an_empty_file_is_a_problem(rows: Rows) -> None:
    assert problems(rows()) == ["data.jsonl: found no rows, expected at least one"]
    assert problems(rows("", " ")) == ["data.jsonl: found no rows, expected at least one"]


def test_a_table_reads_like_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(
        'id,prompt,references,lang\n001,p,"[""a"", ""NA""]",de\n002,q,"[""null""]",\n', "utf-8"
    )
    [one, two] = load(path)
    assert one == Example("001", "p", (Message("user", "p"),), ("a", "NA"), {"lang": "de"})
    assert two.fields == {"lang": ""}


def test_system_messages_are_held_once(rows: Rows) -> None:
    system = {"role": "system", "content": "x" * 1000}
    values = [{"messages": [system, USER | {"content": str(n)}, ASSISTANT]} for n in range(3)]
    examples = load(rows(*values))
    assert len({id(example.messages[0]) for example in examples}) == 1


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
prompt = text.filter(str.strip)


@given(st.lists(st.tuples(prompt, st.lists(text, min_size=1, max_size=3)), min_size=1, max_size=5))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_round_trip(rows: Rows, values: list[tuple[str, list[str]]]) -> None:
    path = rows(*({"prompt": p, "completion": accepted} for p, accepted in values))
    examples = load(path)
    assert [(e.prompt, list(e.references)) for e in examples] == values
    suite = load_suite(path)
    assert suite.hashes == load_suite(path).hashes


def test_hashes_tell_what_is_asked_and_accepted_and_nothing_else(rows: Rows) -> None:
    def digest(**row: Any) -> str:
        return load_suite(rows({"id": "1", "prompt": "p", "completion": "c", **row})).hashes["test"]

    same = digest()
    assert len(same) == 64
    assert digest(lang="de") == same
    assert digest(completion=["c"]) == same
    others = [
        digest(prompt="q"),
        digest(completion="d"),
        digest(id="2"),
        digest(completion=["c", "d"]),
    ]
    assert len({same, *others}) == 5
