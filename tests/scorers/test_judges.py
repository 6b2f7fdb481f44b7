"""Graders that ask a judge: what they ask, and what they make of the replies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.errors import ScorerError
from evalkit.schema import (
    Answer,
    Example,
    Failure,
    Generation,
    Message,
    ModelSpec,
    SuiteConfig,
)
from evalkit.scorers import (
    JudgedScorer,
    Question,
    Replies,
    Scorer,
    info,
    make_scorers,
    remark_on,
    score_judged,
    score_predictions,
)
from evalkit.stats.samples import FloatArray

EXAMPLE = Example("1", "Capital?", (), ("Lima",), {"country": "Peru"})
OTHER = Example("2", "Capital?", (), ("Oslo",), {"country": "Norway"})
PROMPT = "Of {{ item.country }}: {{ item.reference }}. Said: {{ sample.output_text }}"
SCORE: dict[str, Any] = {
    "type": "score_model",
    "name": "tone",
    "model": "gpt-4.1-mini",
    "input": [
        {"role": "developer", "content": "You grade."},
        {"role": "user", "content": [{"type": "input_text", "text": PROMPT}], "type": "message"},
    ],
    "range": [0, 10],
}
LABEL: dict[str, Any] = {
    "type": "label_model",
    "name": "right",
    "model": "gpt-4.1-mini",
    "input": [{"role": "user", "content": PROMPT}],
    "labels": ["correct", "incorrect"],
    "passing_labels": ["correct"],
}
EXACT = {
    "type": "string_check",
    "name": "exact",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.completion }}",
    "operation": "eq",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(config: SuiteConfig, grader: Any) -> Scorer:
    Path("g.json").write_text(json.dumps(grader), encoding="utf-8")
    return make_scorers(["g.json"], config, [["Lima"]])[0]


def judged(config: SuiteConfig, grader: Any) -> JudgedScorer:
    scorer = made(config, grader)
    assert isinstance(scorer, JudgedScorer)
    return scorer


def replied(scorer: JudgedScorer, said: str, *replies: str, example: Example = EXAMPLE) -> Replies:
    """The judges' replies to what is asked about one completion."""
    questions = scorer.questions(said, example)
    return {q.key: Answer(text) for q, text in zip(questions, replies, strict=True)}


def test_what_is_asked(config: SuiteConfig) -> None:
    (question,) = judged(config, SCORE).questions("It is {{ item.x }}.", EXAMPLE)
    assert question.messages == (
        Message("system", "You grade."),
        Message("user", "Of Peru: Lima. Said: It is {{ item.x }}."),
    )
    assert question.judge == ModelSpec("gpt-4.1-mini", "openai", "gpt-4.1-mini", "judge")
    assert (question.generation.temperature, question.generation.max_tokens) == (0, 1024)
    schema = json.loads(question.schema or "")
    assert list(schema["properties"]) == ["steps", "result"]
    assert schema["properties"]["result"] == {"type": "number"}
    (question,) = judged(config, LABEL).questions("Lima", EXAMPLE)
    labels = json.loads(question.schema or "")["properties"]["result"]
    assert labels == {"type": "string", "enum": ["correct", "incorrect"]}


def test_decoding_is_the_graders(config: SuiteConfig) -> None:
    params = {"temperature": 1, "top_p": 0.5, "seed": 42, "max_completions_tokens": 99,
              "reasoning_effort": "low"}  # fmt: skip
    (question,) = judged(config, SCORE | {"sampling_params": params}).questions("", EXAMPLE)
    decoding = question.generation
    assert (decoding.temperature, decoding.top_p, decoding.seed) == (1, 0.5, 42)
    assert (decoding.max_tokens, question.effort) == (99, "low")


def test_the_suites_judge_is_asked_instead(config: SuiteConfig) -> None:
    mine = ModelSpec("mine", "openai", "qwen", "judge", "http://localhost:8000/v1")
    other = judged(replace(config, judge=mine), SCORE)
    (question,) = other.questions("Lima", EXAMPLE)
    assert question.judge == mine
    (default,) = judged(config, SCORE).questions("Lima", EXAMPLE)
    assert question.key != default.key
    elsewhere = replace(mine, base_url="http://localhost:9/v1", api_key_env="OTHER")
    (moved,) = judged(replace(config, judge=elsewhere), SCORE).questions("Lima", EXAMPLE)
    assert moved.key == question.key


def test_the_signature_tells_the_judge_its_prompt_and_its_decoding(config: SuiteConfig) -> None:
    signature = judged(config, SCORE).signature
    assert signature.startswith("tone|grader:score_model|judge:openai:gpt-4.1-mini|prompt:")
    assert "|range:0-10|temperature:0|top_p:1|max_tokens:1024|seed:0|from:g.json@" in signature
    mine = ModelSpec("mine", "openai", "qwen", "judge")
    changes = [
        judged(replace(config, judge=mine), SCORE),
        judged(config, SCORE | {"input": "Grade {{ sample.output_text }}"}),
        judged(config, SCORE | {"sampling_params": {"temperature": 1}}),
        judged(config, SCORE | {"range": [0, 5]}),
    ]
    unlike = {scorer.signature.partition("|from:")[0] for scorer in changes}
    assert len(unlike | {signature.partition("|from:")[0]}) == 5
    assert "|labels:correct,incorrect|passing:correct|" in judged(config, LABEL).signature


def test_scores_are_scaled_and_remarks_are_not(config: SuiteConfig) -> None:
    scorer = judged(config, SCORE)
    steps = [{"description": "Tone", "conclusion": "dry"}]
    reply = json.dumps({"steps": steps, "result": 7})
    assert scorer.judged_stats("Lima", EXAMPLE, [reply]) == (0.7, 1.0)
    assert scorer.remark([reply]) == "7 of 0 to 10\nTone: dry"
    assert scorer.remark(["dunno"]) == "unreadable: dunno"
    assert not scorer.binary


def test_a_threshold_makes_it_pass_or_fail(config: SuiteConfig) -> None:
    scorer = judged(config, SCORE | {"pass_threshold": 7})
    assert [scorer.judged_stats("", EXAMPLE, [r])[0] for r in ("7", "6.9")] == [1, 0]
    assert scorer.binary


def test_labels(config: SuiteConfig) -> None:
    scorer = judged(config, LABEL)
    replies = ['{"steps": [], "result": "correct"}', "Incorrect."]
    assert [scorer.judged_stats("", EXAMPLE, [r])[0] for r in replies] == [1, 0]
    assert info(scorer).binary
    assert scorer.remark(replies[:1]) == "correct"


def test_a_formula_over_judges_and_computed_grades(config: SuiteConfig) -> None:
    graders = {"tone": SCORE, "exact": EXACT, "right": LABEL}
    formula = {"type": "multi", "name": "all", "graders": graders,
               "calculate_output": "0.2 * exact + 0.5 * right + 0.03 * tone"}  # fmt: skip
    scorer = judged(config, formula)
    assert len(scorer.questions("Lima", EXAMPLE)) == 2
    # Inside a formula a grade is what the judge gave: 8 of 0 to 10 is 8.
    assert scorer.judged_stats("Lima", EXAMPLE, ["8", "correct"])[0] == pytest.approx(0.94)
    assert scorer.judged_stats("Oslo", EXAMPLE, ["8", "incorrect"])[0] == pytest.approx(0.24)
    assert scorer.remark(["8", "correct"]) == "tone: 8 of 0 to 10\n\nright: correct"
    assert scorer.signature.count("|judge:openai:gpt-4.1-mini|") == 2


def test_only_what_is_answered_and_read_has_a_score(config: SuiteConfig) -> None:
    scorer = judged(config, SCORE)
    said: list[str | None] = ["Lima", "Lima", "Oslo", "Rome", None, "Bonn"]
    examples = [EXAMPLE, OTHER, EXAMPLE, EXAMPLE, EXAMPLE, EXAMPLE]
    (failed,) = scorer.questions("Rome", EXAMPLE)
    replies = {
        **replied(scorer, "Lima", "10"),
        **replied(scorer, "Lima", "2", example=OTHER),
        **replied(scorer, "Oslo", "eleven"),
        failed.key: Failure("timeout", "too slow"),
    }
    told: dict[int, str] = {}
    stats = score_judged(scorer, said, examples, replies, on_failure=told.setdefault)
    np.testing.assert_array_equal(stats, [[1, 1], [0.2, 1], *[[np.nan, np.nan]] * 4])
    assert told == {2: "found 'eleven', expected a number"}


class Agreement(JudgedScorer):
    """Of two judges: how often they agree, no mean of anything."""

    name = "agreement"
    signature = "agreement|v1"
    judges = tuple(ModelSpec(name, "openai", name, "judge") for name in ("strict", "kind"))

    def questions(self, prediction: str, example: Example) -> tuple[Question, ...]:
        asked = (Message("user", f"{example.prompt} {prediction} Yes or no?"),)
        return tuple(Question(judge, asked, Generation(max_tokens=5)) for judge in self.judges)

    def judged_stats(
        self, prediction: str, example: Example, replies: Sequence[str]
    ) -> tuple[float, ...]:
        del prediction, example
        return float(replies[0] == replies[1]), 1.0, 1.0

    def corpus(self, totals: FloatArray) -> FloatArray:
        return np.asarray(totals[..., 0] / totals[..., 1])


def test_a_judging_scorer_of_ones_own(config: SuiteConfig) -> None:
    (scorer,) = make_scorers([Agreement()], config, [["Lima"]])
    assert isinstance(scorer, Agreement)
    replies = {**replied(scorer, "Lima", "yes", "yes"), **replied(scorer, "Oslo", "yes", "no")}
    stats = score_judged(scorer, ["Lima", "Oslo", "Rome"], [EXAMPLE] * 3, replies)
    np.testing.assert_array_equal(stats[:2, 0], [1, 0])
    assert np.isnan(stats[2]).all()
    assert scorer.corpus(stats[:2].sum(axis=0)) == 0.5
    assert remark_on(scorer, "Oslo", EXAMPLE, replies) == "yes\n\nno"
    assert np.isnan(score_judged(scorer, ["Rome"], [EXAMPLE], replies)).all()


def test_a_row_that_the_prompt_has_no_place_for_is_marked(config: SuiteConfig) -> None:
    scorer = judged(config, SCORE | {"input": "{{ item.town }} {{ sample.output_text }}"})
    told: dict[int, str] = {}
    stats = score_judged(scorer, ["a"], [EXAMPLE], {}, on_failure=told.setdefault)
    assert np.isnan(stats).all()
    assert told[0].startswith("nothing for {{ item.town }}; known are: prompt, ")


def test_without_a_judge_there_is_no_score(config: SuiteConfig) -> None:
    with pytest.raises(ScorerError, match="'tone' needs a judge's replies"):
        score_predictions(judged(config, SCORE), ["Lima"], [["Lima"]], examples=[EXAMPLE])
    with pytest.raises(ScorerError, match="found tone, which asks a judge, expected computed"):
        make_scorers(["composite(parts={'g.json': 1, 'f1': 1})"], config, [["Lima"]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": None}, "the grader: model: found None, expected text"),
        ({"input": []}, r"input: found \[\], expected a list of messages"),
        ({"input": [{"role": "tool", "content": "x"}]}, r"input\[0\]: role: found 'tool', exp"),
        ({"input": ["x"]}, r"input\[0\]: role: found 'none', expected one of user, assistant"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]},
         r"input\[0\]: content: found a part of type 'input_image', expected text; images"),
        ({"input": [{"role": "user", "content": 3}]}, r"content: found 3, expected text"),
        ({"input": [{"role": "user", "content": []}]}, r"content: found \[\], expected text"),
        ({"range": [1, 1]}, r"range: found \[1, 1\], expected two numbers, the lower one first"),
        ({"range": [0, True]}, r"range: found \[0, True\]"),
        ({"range": [0, 1, 2]}, "range: found"),
        ({"pass_threshold": "7"}, "pass_threshold: found '7', expected a number"),
        ({"sampling_params": {"top_k": 3}}, "sampling_params: found 'top_k', expected one of temp"),
        ({"sampling_params": {"temperature": "hot"}}, "sampling_params: found .*, exp.* numbers"),
        ({"sampling_params": {"max_completions_tokens": 0}}, "expected numbers"),
        ({"sampling_params": {"seed": 0.5}}, "expected numbers"),
        ({"sampling_params": {"reasoning_effort": 3}}, "reasoning_effort: found 3, expected text"),
        ({"sampling_params": 3}, "sampling_params: found 3, expected an object"),
        (LABEL | {"labels": []}, r"labels: found \[\], expected a list of different texts"),
        (LABEL | {"labels": ["a", "a"]}, "labels: found"),
        (LABEL | {"passing_labels": ["right"]}, "passing_labels: found 'right', expected one of"),
    ],
)  # fmt: skip
def test_what_is_no_judge(config: SuiteConfig, change: Any, message: str) -> None:
    with pytest.raises(ScorerError, match=message):
        made(config, SCORE | change)
