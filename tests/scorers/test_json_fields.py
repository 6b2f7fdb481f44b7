from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.scorers.json_fields import json_match, json_valid, leaves

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "valid", "strictly"),
    [
        ("{}", True, True),
        (' [1, "a", null] \n', True, True),
        ("7", True, True),
        ('```json\n{"a": 1}\n```', True, False),
        ('```\n{"a": 1}```', True, False),
        ('Sure! {"a": 1}', False, False),
        ("{'a': 1}", False, False),
        ('{"a": NaN}', False, False),
        ("[Infinity]", False, False),
        ("", False, False),
        ('{"a": 1,}', False, False),
        ("[" * 100_000, False, False),
        ("1" * 5000, True, True),
        ("1e99999999999999999999", False, False),
    ],
)
def test_json_valid(text: str, valid: bool, strictly: bool) -> None:  # noqa: FBT001
    assert json_valid(text, [""]) == valid
    assert json_valid(text, [""], strict=True) == strictly


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        ('{"a": 1, "b": "x"}', '{"b": "x", "a": 1.0}', 1.0),
        ('{"a": 1}', '{"a": 1, "b": "x"}', 2 / 3),
        ('{"a": 1, "b": "x", "c": 0}', '{"a": 1, "b": "x"}', 4 / 5),
        ('{"a": "1"}', '{"a": 1}', 0.0),
        ('{"a": true}', '{"a": 1}', 0.0),
        ('{"a": "X"}', '{"a": "x"}', 0.0),
        ('{"a": {"b": [1, 2]}}', '{"a": {"b": [1, 3]}}', 0.5),
        ('{"a": []}', '{"a": {}}', 0.0),
        ('{"a": []}', '{"a": []}', 1.0),
        ('{"a": "dict"}', '{"a": {}}', 0.0),
        ("null", "null", 1.0),
        ("{}", "{}", 1.0),
        ("not json", '{"a": 1}', 0.0),
        ('```json\n{"a": 1}\n```', '{"a": 1}', 1.0),
        ("0.1", "0.10", 1.0),
    ],
)
def test_json_match(prediction: str, reference: str, expected: float) -> None:
    assert json_match(prediction, [reference]) == pytest.approx(expected)


def test_strictness_and_the_best_reference() -> None:
    assert json_match('```json\n{"a": 1}\n```', ['{"a": 1}'], strict=True) == 0.0
    assert json_match('{"a": 1}', ['{"a": 2}', '{"a": 1}']) == 1.0


def test_a_reference_that_is_no_json_is_named() -> None:
    with pytest.raises(ValueError, match=r"reference '\{a' is no JSON"):
        json_match("{}", ["{a"])


@given(VALUES)
def test_a_value_equals_itself_however_it_is_laid_out(value: object) -> None:
    text = json.dumps(value)
    assert json_match(json.dumps(value, indent=2, ensure_ascii=False), [text]) == 1.0
    assert leaves(text, strict=True)


@given(VALUES, VALUES)
def test_field_match_is_symmetric(one: object, other: object) -> None:
    first, second = json.dumps(one), json.dumps(other)
    assert json_match(first, [second]) == json_match(second, [first])
