from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import ScorerError
from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, make_scorers

ORDER = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "item": {"type": "string", "pattern": "^[a-z]+$"}},
    "required": ["id"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(config: SuiteConfig, schema: Any, options: str = "") -> Scorer:
    Path("s.json").write_text(schema if isinstance(schema, str) else json.dumps(schema))
    return make_scorers([f"json_schema(file='s.json'{options})"], config, [["x"]])[0]


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ('{"id": 1, "item": "lamp"}', True),
        ('```json\n{"id": 1}\n```', True),
        ('{"id": 1.0}', True),
        ('{"id": "1"}', False),
        ('{"id": 1, "item": "Lamp 2"}', False),
        ('{"id": 1, "more": 2}', False),
        ('{"item": "lamp"}', False),
        ('{"id": NaN}', False),
        ("Here: {}", False),
        ("", False),
        ("[" * 100_000, False),
    ],
)
def test_valid_or_not(config: SuiteConfig, text: str, valid: bool) -> None:  # noqa: FBT001
    assert made(config, ORDER).stats(text, ["x"]) == (float(valid), 1.0)


def test_a_fence_can_be_forbidden(config: SuiteConfig) -> None:
    strict = made(config, ORDER, ", strict=True")
    assert strict.stats('```json\n{"id": 1}\n```', ["x"])[0] == 0
    assert strict.name == "json_schema(file='s.json', strict=True)"


def test_the_signature_is_of_the_schema(config: SuiteConfig) -> None:
    signatures = {made(config, schema).signature for schema in (True, False, ORDER)}
    assert len(signatures) == 3


@pytest.mark.parametrize(
    ("schema", "text", "valid"),
    [
        ({"patternProperties": {"^n": {"type": "number"}}, "additionalProperties": False},
         '{"n1": 2}', True),
        ({"patternProperties": {"^n": {"type": "number"}}, "additionalProperties": False},
         '{"m1": 2}', False),
        ({"patternProperties": {"^n": {"type": "number"}}}, '{"n1": "2"}', False),
        ({"additionalProperties": {"type": "number"}}, '{"a": "b"}', False),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 3,
          "exclusiveMinimum": True}, "3", False),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"const": {"pattern": "("}}}}, '{"pattern": "("}',
         True),
    ],
)  # fmt: skip
def test_keywords_that_are_ours(
    config: SuiteConfig,
    schema: Any,
    text: str,
    valid: bool,  # noqa: FBT001
) -> None:
    assert made(config, schema).stats(text, ["x"])[0] == valid


def test_a_pattern_that_blows_up_is_stopped(config: SuiteConfig) -> None:
    scorer = made(config, {"pattern": "(a|aa)+$"})
    with pytest.raises(ScorerError, match="was stopped after 2 s"):
        scorer.stats(json.dumps("a" * 80 + "b"), ["x"])


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{", r"s\.json is no JSON: "),
        ({"type": "objekt"}, r"s\.json is no JSON Schema: at type: 'objekt' is not valid"),
        ({"pattern": "("}, r"s\.json is no JSON Schema: at pattern: '\(' is not a 'regex'"),
        ({"$ref": "http://127.0.0.1:9/x.json"}, r"Unresolvable: .*; nothing is fetched"),
    ],
)
def test_what_is_no_schema(config: SuiteConfig, schema: Any, message: str) -> None:
    with pytest.raises(ScorerError, match=message):
        made(config, schema)


def test_a_reference_inside_that_cannot_be_followed_is_said(config: SuiteConfig) -> None:
    scorer = made(config, {"properties": {"a": {"$ref": "http://127.0.0.1:9/x.json"}}})
    with pytest.raises(ScorerError, match="nothing is fetched"):
        scorer.stats('{"a": 1}', ["x"])


def test_a_file_that_is_not_there(config: SuiteConfig) -> None:
    with pytest.raises(ScorerError, match=r"cannot read no\.json: No such file"):
        make_scorers(["json_schema(file='no.json')"], config, [["x"]])
    with pytest.raises(ScorerError, match=r"the option 'file' is required"):
        make_scorers(["json_schema"], config, [["x"]])
