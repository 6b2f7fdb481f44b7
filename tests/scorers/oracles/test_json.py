"""Oracles of JSON: another parser, fields compared one by one, and jsonschema's own validator."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pydantic_core
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from evalkit.schema import SuiteConfig
from evalkit.scorers import Scorer, make_scorers, score_predictions
from tests.scorers.agreement import FEWEST, Pair, Pairs, agree, require_close, require_hard

KEYS = ["id", "item", "n1", "город", "a b"]
LEAVES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -7,
    2.5,
    1e300,
    "",
    "red",
    "1",
    "Москва 北京",
    "a\nb",
    [],
    {},
]
FENCES = ["```json\n{}\n```", "```\n{}\n```", "\n```JSON\n{}```\n"]


def made(spec: str) -> Scorer:
    return make_scorers([spec], SuiteConfig(name="demo", task="extraction"), [["1"]])[0]


def value(random_: random.Random, depth: int = 3) -> Any:
    """A value of any shape."""
    kind = random_.random()
    if depth and kind < 0.2 * depth:
        chosen = random_.sample(KEYS, random_.randint(depth > 3, len(KEYS)))
        return {key: value(random_, depth - 1) for key in chosen}
    if depth and kind < 0.25 * depth:
        return [value(random_, depth - 1) for _ in range(random_.randrange(4))]
    return random_.choice(LEAVES)


def changed(random_: random.Random, whole: Any) -> Any:
    """Nearly the same value."""
    if isinstance(whole, dict) and whole:
        key = random_.choice(list(whole))
        other = {k: v for k, v in reversed(whole.items()) if k != key}
        return random_.choice([other, whole | {key: changed(random_, whole[key])}])
    if isinstance(whole, list) and whole:
        return random_.choice([whole[::-1], whole[1:], [changed(random_, whole[0]), *whole[1:]]])
    return random_.choice([whole, random_.choice(LEAVES)])


def lay_out(random_: random.Random, whole: Any) -> str:
    return json.dumps(
        whole, indent=random_.choice([None, None, 1]), ensure_ascii=random_.random() < 0.3
    )


def unfenced(text: str) -> str:
    """What a Markdown fence holds, by cutting lines instead of by an expression."""
    inner = text.strip()
    head, line, rest = inner.partition("\n")
    if head.startswith("```") and line and inner.endswith("```") and head[3:].strip().isalnum():
        return rest[:-3]
    return rest[:-3] if head == "```" and line and inner.endswith("```") else text


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Answers that are the reference, nearly so, laid out otherwise, fenced, or broken."""
    random_ = random.Random(41)
    found: list[Pair] = []
    for _ in range(2200):
        wanted = [value(random_, 4) for _ in range(random_.choice([1, 1, 2]))]
        near = [changed(random_, wanted[0]) for _ in range(3)]
        said = random_.choice([wanted[0], *near, value(random_)])
        text = lay_out(random_, said)
        if random_.random() < 0.2:
            text = random_.choice(FENCES).replace("{}", text)
        if random_.random() < 0.2:
            at = random_.randrange(len(text) + 1)
            text = text[:at] + random_.choice(["", ",", '"', "}", "NaN", " "]) + text[at + 1 :]
        found.append((text, [lay_out(random_, each) for each in wanted]))
    long = {f"k{n}": [n, str(n), "Москва red"] for n in range(1300)}
    found += [(json.dumps(long), [json.dumps(long, indent=1)]), ("", ["{}"]), ("7", ["7"])]
    found += [(json.dumps(long), [json.dumps(dict(list(long.items())[9:]))])]
    return [*found, ('{"a": 1, "b": 2}', ['{"b": 2, "a": 1}']), ("[1, 2]", ["[2, 1]"]),
            ("1 2", ["2"]), ('["x", "y z"]', ['"x" '])]  # fmt: skip


@cache
def parsed(text: str) -> tuple[Any] | None:
    """As pydantic's parser reads it, which is another than Python's."""
    try:
        return (pydantic_core.from_json(text, allow_inf_nan=False),)
    except ValueError:
        return None


@pytest.mark.parametrize("strict", [False, True])
def test_json_valid(pairs: Pairs, strict: bool) -> None:  # noqa: FBT001
    def valid(said: str, _: list[str]) -> bool:
        return parsed(said if strict else unfenced(said)) is not None

    values = agree(made(f"json_valid(strict={strict})"), valid, pairs, without={"permuted"})
    assert 0.5 < values.mean() < 0.95


def fields(whole: Any, path: str = "") -> list[tuple[str, str, Any]]:
    """Path, kind and value of every field that holds none."""
    if isinstance(whole, dict) and whole:
        return [f for key in whole for f in fields(whole[key], f"{path}/{key}")]
    if isinstance(whole, list) and whole:
        return [f for i, each in enumerate(whole) for f in fields(each, f"{path}/#{i}")]
    if isinstance(whole, int | float) and not isinstance(whole, bool):
        return [(path, "number", Fraction(whole))]
    return [(path, type(whole).__name__, str(whole))]


@pytest.mark.parametrize("strict", [False, True])
def test_json_match(pairs: Pairs, strict: bool) -> None:  # noqa: FBT001
    def best(said: str, references: list[str]) -> float:
        found = parsed(said if strict else unfenced(said))
        if found is None:
            return 0.0
        mine = fields(found[0])
        scores = []
        for reference in references:
            theirs = fields(json.loads(reference))
            same = len(set(mine).intersection(theirs))
            precision, recall = same / len(mine), same / len(theirs)
            scores.append(2 * precision * recall / (precision + recall) if same else 0.0)
        return max(scores)

    values = agree(made(f"json_match(strict={strict})"), best, pairs, without={"permuted"})
    assert ((values > 0) & (values < 1)).sum() > 200


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}},
    {"type": ["array", "string"], "minItems": 1, "maxLength": 3},
    {"additionalProperties": {"type": ["string", "null"]}},
    {"additionalProperties": False, "properties": {"id": {}}, "patternProperties": {"^n": {}}},
    {"patternProperties": {"^(item|город)$": {"type": ["string", "number"]}, r"\s": False}},
    {"patternProperties": {"m$": {"minimum": 0}}, "additionalProperties": {"type": "boolean"}},
    {"items": {"anyOf": [{"type": "number"}, {"pattern": "^[a-zГ]"}]}},
    {"pattern": r"\d|\bred\b"},
    {"not": {"type": "object"}},
    {"oneOf": [{"type": "object"}, {"type": "array"}, {"enum": [1, "1", None]}]},
    {"properties": {"item": {"$ref": "#/$defs/text"}, "n1": {"minimum": 1}},
     "$defs": {"text": {"type": "string", "minLength": 1}}, "maxProperties": 2},
    {"if": {"required": ["id"]}, "then": {"required": ["item"]}, "else": {"uniqueItems": True}},
    {"unevaluatedProperties": False, "allOf": [{"properties": {"id": {}}}]},
    {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}],
     "additionalItems": False, "dependencies": {"id": ["item"]}},
]  # fmt: skip


def _valid(validator: Any, said: str) -> bool:
    found = parsed(unfenced(said))
    return found is not None and bool(validator.is_valid(found[0]))


def test_json_schema(pairs: Pairs, tmp_path: Path) -> None:
    """jsonschema's own validators, each schema on a share of the pairs."""
    require_hard(pairs, without={"permuted"})
    compared, shares = 0, []
    for number, schema in enumerate(SCHEMAS):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(schema), encoding="utf-8")
        validator = (Draft7Validator if "$schema" in schema else Draft202012Validator)(schema)
        ours = made(f"json_schema(file={str(path)!r})")
        texts = [said for said, _ in [*pairs[number % 5 :: 5], *pairs[-8:]]]
        values = ours.values(score_predictions(ours, texts, [["x"]] * len(texts)))
        require_close(values, [_valid(validator, text) for text in texts])
        compared += len(texts)
        shares.append(values.mean())
    assert compared >= FEWEST
    assert 0.01 < min(shares) < max(shares) < 0.99
