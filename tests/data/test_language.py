from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit.data import load_suite
from evalkit.errors import ConfigError

SuiteWriter = Callable[..., Path]
ROWS = [{"prompt": "p", "completion": "a"}]


@pytest.mark.parametrize(
    ("written", "language"),
    [("de", "de"), ("zh-Hant", "zh-hant"), ('"no"', "no"), ("EN-gb", "en-gb"), ("null", None)],
)
def test_a_language_is_a_code(suite: SuiteWriter, written: str, language: str | None) -> None:
    path = suite(f"name: x\nlanguage: {written}\ntest: test.jsonl\n", test=ROWS)
    assert load_suite(path).config.language == language


@pytest.mark.parametrize(
    ("written", "found"),
    [("german", "'german'"), ("e", "'e'"), ("no", "false"), ("zh_CN", "'zh_CN'"), ("7", "7")],
)
def test_anything_else_is_refused(suite: SuiteWriter, written: str, found: str) -> None:
    path = suite(f"name: x\nlanguage: {written}\ntest: test.jsonl\n", test=ROWS)
    with pytest.raises(ConfigError) as caught:
        load_suite(path)
    assert "suite.yaml:2: field 'language': found " in str(caught.value)
    assert found in str(caught.value)
