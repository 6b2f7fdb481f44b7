"""Judges over a real socket: what they are asked, what it costs, and what is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalkit import pipeline
from evalkit.errors import ComparabilityError, ModelError, ScorerError, UsageError
from evalkit.pipeline import Run
from evalkit.schema import Answer, Estimate, Failure
from tests.command_line import write_jsonl
from tests.servers.judge import JUDGE, LABEL, PROMPT, SCORE, graded
from tests.servers.openai_server import Asked, Server, error_reply

N = 12


def row(i: int) -> dict[str, Any]:
    return {"id": f"r{i}", "prompt": f"Say number {i}.", "completion": f"number {i} it is"}


def say(model: str, messages: list[dict[str, Any]]) -> str:
    """`tuned` says it all, `base` three words of four; both the same to every fourth prompt."""
    number = int(messages[-1]["content"].split()[-1].rstrip("."))
    if model == "tuned" or number % 4 == 0:
        return f"number {number} it is"
    return f"number {number} it was"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    write_jsonl(tmp_path / "test.jsonl", map(row, range(N)))
    write_grader(SCORE)
    (tmp_path / "suite.yaml").write_text(
        "name: numbers\ntest: test.jsonl\nscorers: [g.json, exact_match]\n"
    )
    return tmp_path


def write_grader(grader: Mapping[str, Any]) -> None:
    Path("g.json").write_text(json.dumps(grader), encoding="utf-8")


def server(**options: Any) -> Server:
    return Server(**{"reply": say, "judges": {JUDGE: graded}, **options})


def run(here: Server, **options: Any) -> Run:
    given: dict[str, Any] = {
        "base": f"openai:base@{here.url}",
        "tuned": f"openai:tuned@{here.url}",
        "judge": f"openai:{JUDGE}@{here.url}",
        "perturb": 0,
        "out": "out",
    }
    return pipeline.run("suite.yaml", **{**given, **options})


def judged(here: Server) -> list[Asked]:
    return [asked for asked in here.asked if asked.model == JUDGE]


def test_a_judge_grades_every_different_completion_once() -> None:
    with server() as here:
        done = run(here)
        same = sum(i % 4 == 0 for i in range(N))
        assert len(judged(here)) == 2 * N - same
        again = run(here, out="again")
        assert len(judged(here)) == 2 * N - same  # the cache has it all
    scores = done.summary.set_index(["model", "scorer"])["score"]
    assert scores["tuned", "close"] == 1
    assert scores["base", "close"] == pytest.approx((same + 0.75 * (N - same)) / N)
    for one, other in zip(done.record.splits, again.record.splits, strict=True):
        assert one.judgements == other.judgements
        assert one.remarks == other.remarks
    (usage,) = done.record.info.judging
    assert (usage.model, usage.asked, usage.missing) == ("judge:judge", 2 * N - same, 0)
    assert usage.served_models == (JUDGE,)
    assert usage.prompt_tokens > 0


def test_what_the_judge_is_sent() -> None:
    with server() as here:
        run(here)
    body = judged(here)[0].body
    assert body["messages"] == [
        {"role": "system", "content": SCORE["input"][0]["content"]},
        {"role": "user", "content": "Reference: number 0 it is\nSaid: number 0 it is"},
    ]
    assert (body["temperature"], body["max_tokens"], body["seed"]) == (0, 1024, 0)
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["result"] == {"type": "number"}
    assert not any(name in json.dumps(body) for name in ("base", "tuned"))


def test_labels_and_formulas() -> None:
    formula = {"type": "multi", "name": "both", "graders": {"a": SCORE, "b": LABEL},
               "calculate_output": "0.05 * a + 0.5 * b"}  # fmt: skip
    write_grader(formula)
    with server() as here:
        done = run(here)
    scores = done.scores[done.scores.scorer == "both"].set_index(["model", "id"])["score"]
    assert scores["tuned", "r1"] == 1
    assert scores["base", "r1"] == pytest.approx(0.375)


def test_a_judge_that_gives_no_json() -> None:
    def refuse(_: Any, body: Mapping[str, Any]) -> Any:
        known = body["model"] != JUDGE or "response_format" not in body
        return None if known else error_reply(400, "'response_format' is not supported")

    with server(refuse=refuse) as here:
        done = run(here)
    assert done.summary.set_index(["model", "scorer"])["score"]["tuned", "close"] == 1
    (split,) = done.record.splits
    assert split.remarks["base", "close"][1] == (
        "7.5 of 0 to 10\nI see 75% of the reference. Score: 7.5"
    )
    assert any("refused `response_format`" in said for said in done.record.info.warnings)


def test_a_grade_that_could_not_be_had_is_missing_and_can_be_had_later() -> None:
    def fault(asked: Asked) -> str | None:
        broken = asked.model == JUDGE and "number 3 " in asked.messages[-1]["content"]
        return "400" if broken else None

    with server(fault=fault) as here:
        done = run(here)
        assert done.missing == 2
        assert done.failures == "2 refused"
        rows = done.scores.set_index(["model", "scorer", "id"])["score"]
        assert math.isnan(rows["base", "close", "r3"])
        assert math.isnan(rows["tuned", "close", "r3"])
        assert rows["tuned", "exact_match", "r3"] == 1
        told = done.record.info.warnings
        assert any(said.startswith("judge:judge: 2 of 21 grades are missing") for said in told)
        (split,) = done.record.splits
        assert split.remarks["base", "close"][3].startswith("no reply (refused): ")
        here.fault = lambda _: None
        before = len(here.asked)
        later = pipeline.run(retry_missing="out")
        assert len(here.asked) - before == 2
    assert later.missing == 0


def test_what_is_missing_is_not_asked_of_another_judge() -> None:
    with server(fault=lambda asked: "400" if asked.model == JUDGE else None) as here:
        Path("evalkit.yaml").write_text(f"judge: openai:{JUDGE}@{here.url}\n")
        with pytest.raises(ModelError, match="judge:judge"):
            run(here, judge=None)
        here.fault = lambda a: "400" if a.model == JUDGE and "number 3 " in str(a.body) else None
        run(here, judge=None)
        Path("evalkit.yaml").write_text(f"judge: openai:another@{here.url}\n")
        with pytest.raises(
            ComparabilityError, match=r"judges are not those of 'out': it had judge:judge \(openai"
        ):
            pipeline.run(retry_missing="out")


def test_a_reply_without_a_grade_is_no_zero() -> None:
    def mute(body: Mapping[str, Any]) -> str:
        return "I would rather not." if "number 5 " in json.dumps(body) else graded(body)

    with server(judges={JUDGE: mute}) as here:
        done = run(here)
    rows = done.scores.set_index(["model", "scorer", "id"])["score"]
    assert math.isnan(rows["tuned", "close", "r5"])
    (usage,) = done.record.info.judging
    assert (usage.missing, dict(usage.unparsable)) == (0, {"numbers": 2})
    assert any(
        "the scorer close failed on 1 of 12 answers of tuned" in said
        and "found 'I would rather not.', expected a number" in said
        for said in done.record.info.warnings
    )
    assert "unreadable: I would rather not." in done.record.splits[0].remarks["tuned", "close"][5]


def test_replies_that_are_cut_off_are_told() -> None:
    write_grader({**SCORE, "sampling_params": {"max_completions_tokens": 9}})
    with server(judges={JUDGE: lambda _: f"Score: 3 {'and so on ' * 9}" * 2}) as here:
        done = run(here)
    assert any("21 of 21 replies were cut off; raise" in said for said in done.record.info.warnings)


def test_the_judge_sees_what_is_scored() -> None:
    with server() as here:
        run(here, extract="line")
        sent = [asked.body["messages"][-1]["content"] for asked in judged(here)]
        assert "Reference: number 1 it is\nSaid: number 1 it was" in sent
        here.asked.clear()
        run(here, extract="after=number", out="part")
        sent = [asked.body["messages"][-1]["content"] for asked in judged(here)]
    assert "Reference: number 1 it is\nSaid: 1 it was" in sent


def test_a_judge_that_never_gives_a_grade_ends_the_scoring() -> None:
    with (
        server(judges={JUDGE: lambda _: "Nice."}) as here,
        pytest.raises(
            ScorerError, match=r"'close' failed on every answer of every model.*found 'Nice\.'"
        ),
    ):
        run(here)


def test_a_judge_that_is_not_there_shows_before_the_arms_are_asked() -> None:
    with server(models=["base", "tuned", JUDGE]) as here:
        with pytest.raises(ModelError, match=r"'judge:gudge'.* does not serve 'gudge'; did you me"):
            run(here, judge=f"openai:gudge@{here.url}")
        assert here.asked == []


def test_a_prompt_that_fits_no_row_shows_before_the_arms_are_asked() -> None:
    write_grader({**SCORE, "input": "{{ item.town }} {{ sample.output_text }}"})
    with server() as here:
        with pytest.raises(ScorerError, match=r"of 'close' fits no row: nothing for {{ item\.town"):
            run(here)
        assert here.asked == []


def test_the_run_folder_keeps_what_scoring_again_needs() -> None:
    with server() as here:
        done = run(here)
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    loaded = pipeline.load("out")
    for one, other in zip(done.record.splits, loaded.record.splits, strict=True):
        assert one.judgements == other.judgements
        assert one.remarks == other.remarks
    assert loaded.record.info.judges == done.record.info.judges
    scored = pipeline.score("out", out="scored")
    pd.testing.assert_frame_equal(scored.scores, done.scores)
    for name in ("completions.jsonl", "examples.csv", "summary.csv", "run.json"):
        assert (Path("scored") / name).read_bytes() == before[name], name


def test_scoring_again_with_another_question_asks_nobody_and_says_so() -> None:
    with server() as here:
        run(here)
    write_grader({**SCORE, "input": f"Be strict. {PROMPT}"})
    with pytest.raises(ScorerError, match="'close' asks a judge, and none of its questions was"):
        pipeline.score("out", out="scored")


def test_a_changed_judge_is_noticed() -> None:
    with server(judges={JUDGE: graded, "other": graded}) as here:
        run(here)
        run(here, judge=f"openai:other@{here.url}", out="later")
    with pytest.raises(ComparabilityError, match=r"scorer close: .*judge:openai:judge"):
        pipeline.compare("out", "later")


def test_a_judge_that_is_one_of_the_arms_is_told() -> None:
    with server(
        judges={"tuned": lambda b: graded(b) if "Said:" in str(b) else say("tuned", b["messages"])}
    ) as here:
        done = run(here, judge=f"openai:tuned@{here.url}")
    (found,) = [d for d in done.record.info.differences if d.what == "judge"]
    assert (found.where, found.severity) == ("tuned", "flag")
    assert (found.base, found.tuned) == ("tuned grades it", "tuned grades itself")
    assert "let a third one judge" in (Path("out") / "report.html").read_text()


def test_two_judges_of_one_name() -> None:
    with server() as here:
        Path("other").mkdir()
        write_jsonl(Path("other/test.jsonl"), map(row, range(N)))
        for name, url in (("suite.yaml", here.url), ("other/suite.yaml", "http://127.0.0.1:9/v1")):
            Path(name).write_text(
                f"name: {Path(name).parent.name or 'one'}\ntest: test.jsonl\nscorers: [g.json]\n"
                f"judge: openai:{JUDGE}@{url}\n"
            )
        with pytest.raises(UsageError, match="two judges are called 'judge'; give one another"):
            pipeline.run(
                ["suite.yaml", "other"], base=f"openai:base@{here.url}",
                tuned=f"openai:tuned@{here.url}",
            )  # fmt: skip
        assert here.asked == []


def test_whose_word_counts() -> None:
    """The command line before the suite, before the project, before the grader."""
    names = ("flag", "suite", "project", JUDGE)
    with server(judges=dict.fromkeys(names, graded)) as here:
        Path("evalkit.yaml").write_text(f"judge: openai:project@{here.url}\n")
        own = Path("suite.yaml").read_text()
        Path("suite.yaml").write_text(f"{own}judge: openai:suite@{here.url}\n")

        def asked(**options: Any) -> set[str]:
            here.asked.clear()
            run(here, **options)
            return {a.model for a in here.asked} - {"base", "tuned"}

        assert asked(judge=f"openai:flag@{here.url}") == {"flag"}
        assert asked(judge=None) == {"suite"}
        Path("suite.yaml").write_text(own)
        assert asked(judge=None) == {"project"}
        Path("evalkit.yaml").write_text("seed: 1\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENAI_BASE_URL", here.url)
            assert asked(judge=None) == {JUDGE}


def test_money() -> None:
    with server() as here:
        arms = "".join(
            f"  {name}: {{model: 'openai:{name}', endpoint: here{more}, "
            "price: {input: 0, output: 0}}\n"
            for name, more in (("base", ""), ("tuned", ", tuned_from: base"))
        )
        project = (
            f"endpoints: {{here: {{base_url: '{here.url}'}}}}\nmodels:\n{arms}"
            f"judge: {{model: 'openai:{JUDGE}', endpoint: here%s}}\n"
        )
        Path("evalkit.yaml").write_text(project % "")
        with pytest.raises(UsageError, match="none is of 'judge:judge'"):
            pipeline.run("suite.yaml", max_cost=1, perturb=0, out="out")
        Path("evalkit.yaml").write_text(project % ", price: {input: 1, output: 100}")
        done = pipeline.run("suite.yaml", max_cost=0.112, perturb=0, out="out")
        (usage,) = done.record.info.judging
        assert usage.missing > 0
        assert set(usage.failures) == {"budget"}
        assert usage.cost is not None
        assert 0 < usage.cost <= 0.112
        # What the arms said is there all the same.
        assert done.summary.set_index(["model", "scorer"])["n"]["tuned", "exact_match"] == N
        (split,) = done.record.splits
        kinds = {type(j.reply) for own in split.judgements for j in own}
        assert kinds == {Answer, Failure}


def estimated(here: Server) -> Estimate:
    """What is foreseen of judging the test rows."""
    found = pipeline.estimate(
        "suite.yaml",
        base=f"openai:base@{here.url}",
        tuned=f"openai:tuned@{here.url}",
        judge=f"openai:{JUDGE}@{here.url}",
        perturb=0,
    )
    (one,) = (one for one in found if one.model == "judge:judge")
    return one


def test_a_judge_is_foreseen() -> None:
    with server() as here:
        before = estimated(here)
        assert here.asked == here.probed == []
        assert (before.questions, before.cached, before.basis) == (2 * N, 0, "length of the text")
        assert before.completion_tokens == 2 * N * 150
        assert before.most_completion_tokens == 2 * N * 1024
        run(here, scorers=["exact_match"])  # the completions are known, and nobody judged them
        known = estimated(here)
        assert (known.questions, known.cached) == (len({*replies_of_arms()}), 0)
        run(here)
        after = estimated(here)
        assert (after.questions, after.cached) == (known.questions, known.questions)
        assert (after.prompt_tokens, after.most_completion_tokens) == (0, 0)


def replies_of_arms() -> list[tuple[int, str]]:
    return [
        (i, say(model, [{"content": f"Say number {i}."}]))
        for i in range(N)
        for model in ("base", "tuned")
    ]


def test_the_most_that_judging_can_cost_is_foreseen() -> None:
    """No run costs more than `at most`, however long the completions turn out."""
    long = "number 1 " * 200
    with server(reply=lambda *_: long) as here:
        price = "price: {input: 1000, output: 1000}"
        arms = "".join(
            f"  {name}: {{model: 'openai:{name}', endpoint: here{more}, {price}}}\n"
            for name, more in (("base", ""), ("tuned", ", tuned_from: base"))
        )
        Path("evalkit.yaml").write_text(
            f"endpoints: {{here: {{base_url: '{here.url}'}}}}\nmodels:\n{arms}"
            f"judge: {{model: 'openai:{JUDGE}', endpoint: here, {price}}}\n"
        )
        foreseen = pipeline.estimate("suite.yaml", perturb=0)
        (most,) = (one.most_cost for one in foreseen if one.model == "judge:judge")
        done = pipeline.run("suite.yaml", perturb=0, allow_identical=True, out="out")
    (usage,) = done.record.info.judging
    assert usage.cost is not None
    assert most is not None
    assert usage.cost < most


def test_stopping_early_judges_what_it_looks_at() -> None:
    with server() as here:
        done = run(here, stop_early=True)
        assert done.record.info.looks is not None
        assert len(judged(here)) == done.record.info.judging[0].asked
    assert done.record.info.judging[0].missing == 0


def test_checkpoints_are_chosen_by_what_the_judge_says() -> None:
    write_jsonl(Path("validation.jsonl"), [{**row(i), "id": f"v{i}"} for i in range(20, 28)])
    own = Path("suite.yaml").read_text()
    Path("suite.yaml").write_text(f"{own}validation: validation.jsonl\n")
    with server(reply=lambda model, asked: say(model.partition("-")[0], asked)) as here:
        names = ("early-1", "tuned-2", "late-3")
        specs = [f"openai:{name}@{here.url}" for name in names]
        done = run(here, tuned=(), checkpoints=specs)
    rows = {row.model: row for row in done.record.checkpoints}
    assert [rows[name].chosen for name in names] == [False, True, False]
    assert [(rows[name].scorer, rows[name].score) for name in names] == [
        ("close", 0.8125), ("close", 1), ("close", 0.8125)
    ]  # fmt: skip


def test_what_was_asked_again_is_judged_by_the_primary_scorer() -> None:
    turns: dict[str, int] = {}

    def vary(model: str, messages: list[dict[str, Any]]) -> str:
        prompt = messages[-1]["content"]
        turns[model + prompt] = turns.get(model + prompt, 0) + 1
        return f"{say(model, messages)} {turns[model + prompt]}"

    with server(reply=vary) as here:
        done = run(here, repeats=2, noise_floor=True, allow_identical=True)
        alike = sum(i % 4 == 0 for i in range(N))  # there, both arms say the same both times
        assert len(judged(here)) == N * (2 + 4) - 2 * alike
    (noise,) = [one for one in done.record.info.noise if one.model == "base"]
    assert noise.n == N


OWN = '''
import numpy as np
from evalkit.schema import Generation, Message, ModelSpec
from evalkit.scorers import JudgedScorer, Question

class Agreement(JudgedScorer):
    """How often two judges agree, over how often they were asked: no mean of anything."""

    name = "agreement"
    signature = "agreement|v1"
    judges = tuple(ModelSpec(n, "openai", n, "judge", "URL") for n in ("strict", "kind"))

    def questions(self, prediction, example):
        asked = (Message("user", f"Reference: {example.references[0]}\\nSaid: {prediction}"),)
        return tuple(Question(judge, asked, Generation(max_tokens=30)) for judge in self.judges)

    def judged_stats(self, prediction, example, replies):
        return float(replies[0] == replies[1]), 1.0, 1.0

    def corpus(self, totals):
        with np.errstate(invalid="ignore", divide="ignore"):
            return totals[..., 0] / totals[..., 1]
'''


def test_a_judging_scorer_of_ones_own_runs_scores_again_and_compares() -> None:
    def kind(body: Mapping[str, Any]) -> str:
        return graded(body) if "number 1" in str(body) else "All is well."

    with server(judges={"strict": graded, "kind": kind}) as here:
        Path("own.py").write_text(OWN.replace("URL", here.url))
        scorers = ["exact_match", "own.py:Agreement"]
        done = run(here, scorers=scorers, judge=None)
        run(here, scorers=scorers, judge=None, out="later", seed=1)
        asked = len(here.asked)
        scored = pipeline.score("out", out="scored", scorers=scorers)
        compared = pipeline.compare("out", "later")
        assert len(here.asked) == asked
    scores = done.summary.set_index(["model", "scorer"])["score"]
    assert 0 < scores["base", "agreement"] < 1
    pd.testing.assert_frame_equal(scored.summary, done.summary)
    (both,) = {s.n for s in compared.scores if s.scorer == "agreement"}
    assert both == N
    assert {u.model for u in done.record.info.judging} == {"judge:strict", "judge:kind"}


def test_a_judge_without_a_key_shows_before_the_arms_are_asked() -> None:
    with server() as here:
        with pytest.raises(ModelError, match=r"'judge:judge': .* OPENAI_API_KEY is not set"):
            run(here, judge=None)
        assert here.asked == []
