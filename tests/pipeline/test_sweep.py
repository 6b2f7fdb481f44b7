"""Checkpoints: chosen on validation rows, reported on test rows that no other has seen."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit import pipeline
from evalkit.errors import ConfigError, UsageError
from evalkit.pipeline.checkpoints import with_steps
from evalkit.pipeline.loading import VALIDATION_SAMPLE
from evalkit.pipeline.plan import make_plan
from evalkit.pipeline.sweep import best_of
from evalkit.schema import Checkpoint, ModelSpec
from tests.command_line import evalkit as command
from tests.command_line import write_jsonl
from tests.servers.openai_server import Server

N = 24
RIGHT = {
    # model -> right answers on validation, on test
    "base": (5, 5),
    "job-step-100": (10, 24),
    "job-step-200": (20, 18),
    "job-step-300": (16, 20),
}


def reply(model: str, messages: list[dict[str, Any]]) -> str:
    split, number = str(messages[-1]["content"]).split()
    right = RIGHT[model][split == "test"] if split != "train" else N
    return f"{number}!" if int(number) < right else "?"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    for split in ("test", "train", "validation"):
        rows = [{"id": f"{i}", "prompt": f"{split} {i}", "completion": f"{i}!"} for i in range(N)]
        write_jsonl(tmp_path / f"{split}.jsonl", rows)
    (tmp_path / "suite.yaml").write_text(
        "name: numbers\ntask: qa\nscorers: exact_match\ntest: test.jsonl\ntrain: train.jsonl\n"
        "validation: validation.jsonl\n"
    )
    lines = [f"{50 * i},{3 - 0.2 * i},{2 + 0.1 * i}" for i in range(1, 13)]
    (tmp_path / "losses.csv").write_text("\n".join(["step,train_loss,valid_loss", *lines, ""]))
    return tmp_path


def checkpoints(server: Server) -> list[str]:
    return [f"openai:job-step-{step}@{server.url}" for step in (300, 100, 200)]


@pytest.mark.usefixtures("folder")
def test_both_rounds_share_the_time_of_the_run() -> None:
    with Server(reply=reply, latency=30) as server:
        done = evalkit.run(
            "suite.yaml",
            base=f"openai:base@{server.url}",
            checkpoints=checkpoints(server),
            perturb=0,
            max_seconds=1,
            probe=False,
            allow_identical=True,
        )
        asked = {str(a.messages[-1]["content"]).split()[0] for a in server.asked}
    assert asked == {"validation"}
    assert done.failures.endswith(" deadline")


@pytest.mark.usefixtures("folder")
def test_the_best_on_validation_is_the_only_one_that_sees_test_rows() -> None:
    with Server(reply=reply) as server:
        done = evalkit.run(
            "suite.yaml",
            base=f"openai:base@{server.url}",
            checkpoints=checkpoints(server),
            curve="losses.csv",
            perturb=0,
            out="out",
        )
        asked = {(a.model, str(a.messages[-1]["content"]).split()[0]) for a in server.asked}
    # By its test score another would have been chosen.
    assert [model.name for model in done.record.info.models] == ["base", "job-step-200"]
    assert {model for model, split in asked if split == "test"} == {"base", "job-step-200"}
    assert {model for model, split in asked if split == "validation"} == set(RIGHT) - {"base"}
    rows = {row.model: row for row in done.record.checkpoints}
    assert {name: row.score for name, row in rows.items()} == {
        name: pytest.approx(RIGHT[name][0] / N) for name in set(RIGHT) - {"base"}
    }
    assert [row.model for row in rows.values() if row.chosen] == ["job-step-200"]
    assert all(row.low < row.score < row.high for row in rows.values())  # type: ignore[operator]
    (delta,) = {c.delta for c in done.record.comparisons if c.split == "test"}
    assert delta == pytest.approx((18 - 5) / N)
    # The losses are those of the whole job, but it is judged by those until its own step.
    assert {loss.model for loss in done.record.losses} == {"job-step-200"}
    (verdict,) = done.record.info.overfit
    curve = next(s for s in verdict.signals if s.name == "curve")
    assert curve.detail.startswith("4 validation losses")
    page = done.report.read_text("utf-8")
    assert 'id="checkpoints"' in page
    assert page.count('aria-label="Losses of the job of job-step-200"') == 1
    assert 'id="losses"' not in page
    assert pipeline.load("out").record.checkpoints == done.record.checkpoints
    assert pipeline.score("out", out="again").record.checkpoints == done.record.checkpoints


def test_jobs_of_the_project_file(folder: Path) -> None:
    with Server(reply=reply) as server:
        lines = [
            f'  c{step}: {{model: "openai:job-step-{step}@{server.url}", tuned_from: base, '
            f"job: lora, step: {step}}}\n"
            for step in (100, 200, 300)
        ]
        (folder / "evalkit.yaml").write_text(
            f'suites: [suite.yaml]\nmodels:\n  base: {{model: "openai:base@{server.url}"}}\n'
            + "".join(lines)
        )
        done = command("run", "--out", "out", "--no-perturb", cwd=folder,
                       env={"OPENAI_API_KEY": "none"})  # fmt: skip
        assert done.code == 0, done.err
        counts = Counter(server.counts)
        again = command("run", "--retry-missing", "out", cwd=folder, env={"OPENAI_API_KEY": "none"})
        assert again.code == 0, again.err
        assert server.counts == counts
    record = pipeline.load(folder / "out").record
    assert [(row.job, row.step, row.chosen) for row in record.checkpoints] == [
        ("lora", 100, False), ("lora", 200, True), ("lora", 300, False),
    ]  # fmt: skip


@pytest.mark.usefixtures("folder")
def test_without_validation_rows_there_is_no_choice() -> None:
    with Server(reply=reply) as server, pytest.raises(UsageError, match="`validation: FILE`"):
        evalkit.run("test.jsonl", base=f"openai:base@{server.url}", checkpoints=checkpoints(server))
    assert not server.asked


def spec(name: str, **changes: Any) -> ModelSpec:
    given = {"job": "j", "tuned_from": "base"} | changes
    return ModelSpec(name, "openai", given.pop("model", "m"), "tuned", **given)


def test_steps_are_told_or_read_from_names() -> None:
    found = with_steps([
        spec("a", step=7), spec("b", model="ft:gpt-4.1-mini:org::id:ckpt-step-90"),
        spec("checkpoint-500"), spec("v2-epoch-3"), spec("run12"), spec("x", job=None),
    ])  # fmt: skip
    assert [model.step for model in found] == [7, 90, 500, 3, 12, None]


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([spec("a", step=1), spec("b", step=1)], "found step 1 twice"),
        ([spec("best")], "found no step in its name, expected one such as best-100=openai:m"),
        ([spec("a1"), spec("a2", tuned_from="other")], "found the bases 'base' and 'other'"),
    ],
)
def test_checkpoints_that_cannot_be_meant(models: list[ModelSpec], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        with_steps(models)


def test_a_base_is_no_checkpoint(folder: Path) -> None:
    (folder / "evalkit.yaml").write_text(
        "suites: [suite.yaml]\nmodels:\n  base: {model: 'file:a.jsonl', job: lora}\n"
    )
    with pytest.raises(ConfigError, match="expected `tuned_from` as well"):
        make_plan(config="evalkit.yaml")


def row(model: str, score: float | None, suite: str = "s") -> Checkpoint:
    return Checkpoint("j", model, 1, suite, "f1", score, None, None, 10, 0, chosen=False)


def test_of_equals_the_earliest_and_less_may_be_better() -> None:
    models = [spec("a1"), spec("b2"), spec("c3")]
    scores = [row("a1", 0.5), row("b2", 0.7), row("c3", 0.7)]
    assert best_of(models, scores, {"s": 1}) == "b2"
    assert best_of(models, scores, {"s": -1}) == "a1"
    more = [*scores, row("a1", 0.9, "t"), row("b2", None, "t"), row("c3", 0.4, "t")]
    assert best_of(models, more, {"s": 1, "t": 1}) == "a1"  # .7, none, .55


PAGE = Path(__file__).parents[2] / "docs" / "checkpoints.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_page_says_what_is_done(folder: Path) -> None:
    (words,) = blocks("sh")
    given = shlex.split(words.replace("\\\n", " "))
    named = [word for flag, word in pairwise(given) if flag == "--checkpoint"]
    base = given[given.index("--base") + 1]
    plan = make_plan(["suite.yaml"], base=base, checkpoints=named, curve="losses.csv")
    assert [model.step for model in plan.models] == [None, 100, 200, 300]
    assert {model.curve for model in plan.models if model.job} == {"losses.csv"}
    (project,) = blocks("yaml")
    (folder / "evalkit.yaml").write_text(
        project.replace("suites/support-intents", "suite.yaml"), encoding="utf-8"
    )
    plan = make_plan(config="evalkit.yaml")
    assert [(m.name, m.job, m.step) for m in plan.models] == [
        ("base", None, None), ("early", "lora", 100), ("late", "lora", 200),
    ]  # fmt: skip
    text = " ".join(PAGE.read_text("utf-8").split())
    assert f"At most {VALIDATION_SAMPLE} validation rows a suite" in text
    with pytest.raises(UsageError, match=r"chosen by their answers .* `evalkit run --batch`"):
        pipeline.export_batches(config="evalkit.yaml", out="batches")


@pytest.mark.usefixtures("folder")
def test_what_is_asked_is_foreseen() -> None:
    with Server(reply=reply) as server:
        options: dict[str, Any] = {
            "base": f"openai:base@{server.url}",
            "checkpoints": checkpoints(server),
            "perturb": 0,
            "probe": False,
        }
        told = pipeline.estimate("suite.yaml", **options)
        assert not server.asked
        evalkit.run("suite.yaml", **options, out="out")
    foreseen = Counter({"validation": 0, "rest": 0})
    for one in told:
        foreseen["validation" if one.split == "validation" else "rest"] += one.questions
    assert foreseen == {"validation": 3 * N, "rest": 4 * N}
    assert sum(server.counts.values()) >= 7 * N
