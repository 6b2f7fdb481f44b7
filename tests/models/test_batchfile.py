from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.models.batchfile import Line, parse_result, write_files

CHAT = "/v1/chat/completions"


def lines(count: int, text: str = "x") -> list[Line]:
    return [Line(f"id-{i}", CHAT, {"model": "m", "prompt": f"{text}{i}"}) for i in range(count)]


def test_a_line_is_what_the_batch_api_wants() -> None:
    line = Line("a", CHAT, {"model": "m", "messages": [{"role": "user", "content": "é\u2028"}]})
    assert line.encode().endswith(b"\n")
    assert line.encode().count(b"\n") == 1
    assert line.encode().isascii()  # whoever splits lines at U+2028 splits nothing here
    assert json.loads(line.encode()) == {
        "custom_id": "a",
        "method": "POST",
        "url": CHAT,
        "body": {"model": "m", "messages": [{"role": "user", "content": "é\u2028"}]},
    }


@given(
    texts=st.lists(st.text(max_size=40), max_size=30),
    most_lines=st.integers(1, 8),
    most_bytes=st.integers(100, 600),
)
def test_files_are_as_few_as_the_limits_allow(
    texts: list[str], most_lines: int, most_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("files")
    sent = [Line(str(i), CHAT, {"prompt": text}) for i, text in enumerate(texts)]
    written = write_files(
        sent, lambda n: folder / f"{n}.jsonl", most_lines=most_lines, most_bytes=most_bytes
    )
    contents = [file.path.read_bytes() for file in written]
    assert b"".join(contents) == b"".join(line.encode() for line in sent)
    assert sorted(path.name for path in folder.iterdir()) == sorted(f.path.name for f in written)
    for file, content in zip(written, contents, strict=True):
        found = [json.loads(line)["custom_id"] for line in content.splitlines()]
        assert tuple(found) == file.custom_ids
        assert len(found) <= most_lines
        assert len(content) <= most_bytes or len(found) == 1
    for content, following in itertools.pairwise(contents):
        first = following.splitlines(keepends=True)[0]
        full = content.count(b"\n") == most_lines
        assert full or len(content) + len(first) > most_bytes


@pytest.mark.parametrize(
    ("told", "status", "content"),
    [
        ({"response": {"status_code": 200, "body": {"a": 1}}, "error": None}, 200, {"a": 1}),
        # OpenAI: a request refused, one that failed without a response, one that expired
        (
            {"response": {"status_code": 400, "body": {"error": {"message": "no"}}}},
            400,
            {"error": {"message": "no"}},
        ),
        ({"response": None, "error": {"code": "server_error"}}, 500, {"code": "server_error"}),
        ({"response": None, "error": {"code": "429"}}, 429, {"code": "429"}),
        ({"response": None, "error": {"code": "batch_expired"}}, 0, {"code": "batch_expired"}),
        # vLLM: the error beside a response without a body, as a text or as an object
        (
            {"response": {"status_code": 400, "body": None}, "error": "too long"},
            400,
            {"error": {"message": "too long"}},
        ),
        (
            {"response": {"status_code": 404}, "error": {"error": {"message": "no model"}}},
            404,
            {"error": {"message": "no model"}},
        ),
    ],
)
def test_results_of_openai_and_vllm(told: dict[str, Any], status: int, content: object) -> None:
    result = parse_result(json.dumps({"id": "r", "custom_id": "a", **told}).encode())
    assert result is not None
    assert (result.custom_id, result.status) == ("a", status)
    assert json.loads(result.content) == content


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b"[" * 100_000,
        b"{}", b'{"custom_id": 7, "response": {"status_code": 200, "body": {}}}',
        b'{"custom_id": "a"}', b'{"custom_id": "a", "response": null, "error": null}',
        b'{"custom_id": "a", "response": {"status_code": "200", "body": {}}}',
        b'{"custom_id": "a", "response": {"status_code": true, "body": {}}}',
    ],
)  # fmt: skip
def test_a_line_that_is_no_result_is_none(line: bytes) -> None:
    assert parse_result(line) is None


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x, max_size=3)))
def test_no_value_breaks_the_reader(value: object) -> None:
    for told in (value, {"custom_id": "a", "response": value, "error": value}):
        parse_result(json.dumps(told).encode())
    parse_result(json.dumps({"custom_id": "a", "response": {"status_code": value}}).encode())
