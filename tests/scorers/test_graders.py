from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rapidfuzz import fuzz

from evalkit.errors import ScorerError
from evalkit.schema import Example, SuiteConfig
from evalkit.scorers import Scorer, make_scorers
from evalkit.scorers.formula import parse_formula

EXAMPLE = Example(
    "1", "Capital?", (), ("Lima",), {"country": "Peru", "more": {"river": ["Rímac"]}, "n": 3}
)
SAID = "{{ sample.output_text }}"
CHECK = {
    "type": "string_check",
    "name": "exact",
    "input": SAID,
    "reference": "{{ item.completion }}",
    "operation": "eq",
}
ALIKE = {
    "type": "text_similarity",
    "name": "alike",
    "input": SAID,
    "reference": "{{item.reference_answer}}",
    "evaluation_metric": "fuzzy_match",
}
PYTHON = {
    "type": "python",
    "name": "mine",
    "source": "def grade(sample, item):\n    return float(item['n'] == len(sample['output_text']))",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(config: SuiteConfig, grader: Any, options: str = "") -> Scorer:
    Path("g.json").write_text(grader if isinstance(grader, str) else json.dumps(grader))
    return make_scorers([f"g.json{options}"], config, [["Lima"]])[0]


def grade(config: SuiteConfig, grader: Any, said: str, options: str = "") -> float:
    return made(config, grader, options).example_stats(said, EXAMPLE)[0]


@pytest.mark.parametrize(
    ("operation", "said", "value"),
    [
        ("eq", "Lima", 1),
        ("eq", "lima", 0),
        ("ne", "lima", 1),
        ("ne", "Lima", 0),
        ("like", "It is Lima.", 1),
        ("like", "It is LIMA.", 0),
        ("ilike", "It is LIMA.", 1),
    ],
)
def test_string_check(config: SuiteConfig, operation: str, said: str, value: float) -> None:
    assert grade(config, CHECK | {"operation": operation}, said) == value


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{{ item.country }}", "Peru"),
        ("{{item.more.river[0]}} in {{ item.country }}", "Rímac in Peru"),
        ("{{ item.n }}", "3"),
        ("{{ item.more }}", '{"river": ["Rímac"]}'),
        ("{{ item.prompt }} { item.prompt }", "Capital? { item.prompt }"),
        ("{{ item.references[0] }}", "Lima"),
    ],
)
def test_templates(config: SuiteConfig, template: str, filled: str) -> None:
    assert grade(config, CHECK | {"reference": template}, filled) == 1


def test_json_answers(config: SuiteConfig) -> None:
    check = CHECK | {"input": "{{ sample.output_json.city }}"}
    assert grade(config, check, '{"city": "Lima"}') == 1
    with pytest.raises(ValueError, match=r"nothing for {{ sample\.output_json\.city }}; known are"):
        grade(config, check, "Lima")


def test_a_place_that_a_row_has_nothing_for(config: SuiteConfig) -> None:
    with pytest.raises(ValueError, match=r"nothing for {{ item\.town }}; known are: prompt, "):
        grade(config, CHECK | {"reference": "{{ item.town }}"}, "Lima")


def test_fuzzy_match_is_rapidfuzz(config: SuiteConfig) -> None:
    for said in ("Lima", "Limo", "", "La ciudad de Lima"):
        assert grade(config, ALIKE, said) == fuzz.ratio(said, "Lima") / 100
    assert grade(config, ALIKE | {"pass_threshold": 0.7}, "Limo") == 1
    assert grade(config, ALIKE | {"pass_threshold": 0.8}, "Limo") == 0


@pytest.mark.parametrize(
    ("metric", "scorer"),
    [("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rouge_l"), ("bleu", "bleu"),
     ("gleu", "gleu"), ("meteor", "meteor")],
)  # fmt: skip
def test_other_similarities_are_the_shipped_scorers(
    config: SuiteConfig, metric: str, scorer: str
) -> None:
    said, reference = "the old bridge is closed until May", "the bridge is closed until late May"
    alike = ALIKE | {"evaluation_metric": metric, "reference": reference}
    (shipped,) = make_scorers([scorer], config, [["Lima"]])
    expected = shipped.values(np.array([shipped.stats(said, [reference])]))[0]
    assert 0 < expected < 1
    assert grade(config, alike, said) == pytest.approx(expected)


def test_multi(config: SuiteConfig) -> None:
    multi = {
        "type": "multi",
        "name": "both",
        "graders": {"exact": CHECK, "alike": ALIKE},
        "calculate_output": "0.5 * exact + 0.5 * max(alike, 0) ^ 2",
    }
    assert grade(config, multi, "Limo") == pytest.approx(0.5 * 0.75**2)
    scorer = made(config, multi)
    assert (scorer.name, scorer.binary) == ("both", False)
    assert scorer.signature.startswith("both|grader:multi|from:g.json@")


@pytest.mark.parametrize(
    "wrap",
    [lambda g: {"grader": g}, lambda g: {"testing_criteria": [g]}, lambda g: [g]],
)
def test_where_an_export_keeps_its_grader(config: SuiteConfig, wrap: Any) -> None:
    assert grade(config, wrap(CHECK), "Lima") == 1


def test_one_of_several_by_name(config: SuiteConfig) -> None:
    criteria = {"testing_criteria": [CHECK, ALIKE]}
    assert made(config, criteria, "(name='alike')").name == "alike"
    with pytest.raises(ScorerError, match=r"found 2 graders, expected one of them by name"):
        made(config, criteria)


def test_python_runs_only_if_it_is_allowed(config: SuiteConfig) -> None:
    assert grade(config, PYTHON, "abc", "(python=True)") == 1
    assert grade(config, PYTHON, "ab", "(python=True)") == 0
    with pytest.raises(ScorerError, match=r"with all your rights: g\.json\(python=True\)"):
        made(config, PYTHON)


@pytest.mark.parametrize(
    ("grader", "message"),
    [
        ("{", r"scorer 'g\.json': no JSON: "),
        ({}, "the top: found no grader, expected an object with a `type`"),
        ({"type": "string_chek"}, "found the type 'string_chek', expected a known one; did you me"),
        (CHECK | {"operation": "like it"}, "operation: found 'like it', expected a known one; did"),
        (CHECK | {"input": 3}, "the grader: input: found 3, expected text"),
        (CHECK | {"name": None}, "the grader: found the name None, expected a text"),
        (ALIKE | {"evaluation_metric": "cosine"}, "found 'cosine', expected one of fuzzy_match, b"),
        ({"type": "multi", "name": "m", "graders": {}}, "graders: found {}, expected graders by n"),
        ({"type": "multi", "name": "m", "graders": {"a": {"type": "x"}}, "calculate_output": "a"},
         r"graders\.a: found the type 'x'"),
        ({"type": "multi", "name": "m", "graders": {"a": CHECK}, "calculate_output": "b"},
         "calculate_output: the formula holds 'b', expected numbers"),
    ],
)  # fmt: skip
def test_what_is_no_grader(config: SuiteConfig, grader: Any, message: str) -> None:
    with pytest.raises(ScorerError, match=message):
        made(config, grader)


@pytest.mark.parametrize("source", ["def grad(): pass", "1 /", "1 / 0"])
def test_python_that_has_no_grade(config: SuiteConfig, source: str) -> None:
    with pytest.raises(ScorerError, match=r"expected a function grade\(sample, item\)"):
        made(config, PYTHON | {"source": source}, "(python=True)")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a + b * 2", 2.0),
        ("(a + b) / 4", 0.375),
        ("-a + 2 ^ 3", 7.0),
        ("min(a, b, 0.1) + abs(-1)", 1.1),
        ("floor(1.7) + ceil(0.2) + sqrt(4) + exp(0) + log(1)", 5.0),
    ],
)
def test_formulas(text: str, value: float) -> None:
    assert parse_formula(text, ["a", "b"])({"a": 1.0, "b": 0.5}) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    ["", "a +", "c", "__import__('os')", "a.real", "a if b else 1", "min()", "'a'", "True",
     "lambda: 1", "a < b", "[a]", "max(a, key=b)", "(" * 5000 + ")" * 5000],
)  # fmt: skip
def test_what_is_no_formula(text: str) -> None:
    with pytest.raises(ValueError, match="the formula"):
        parse_formula(text, ["a", "b"])


def test_a_formula_that_runs_over_fails_as_a_number_does() -> None:
    with pytest.raises(OverflowError):
        parse_formula("9 ^ 9 ^ 9", [])({})
    assert math.isfinite(parse_formula("9 ^ 9", [])({}))
