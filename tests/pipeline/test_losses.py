"""Loss files from the command line, the project file and beside the weights, to the run folder."""

from __future__ import annotations

from pathlib import Path

import pytest

import evalkit
from evalkit import pipeline
from evalkit.errors import DataError, UsageError
from evalkit.pipeline.losses import find_losses, load_losses
from evalkit.pipeline.plan import make_plan
from evalkit.schema import Loss, ModelSpec, Signal
from tests.command_line import write_jsonl

N = 30
STEEP = [1.2, 1.1, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [{"id": f"{i}", "prompt": f"q{i}", "completion": f"a{i}"} for i in range(N)]
    seen = [row | {"id": f"t{i}", "prompt": f"seen {i}"} for i, row in enumerate(rows)]
    write_jsonl(tmp_path / "data.jsonl", rows)
    write_jsonl(tmp_path / "seen.jsonl", seen)
    for name, right in (("base", 5), ("tuned", 15), ("other", 16)):
        write_jsonl(
            tmp_path / f"{name}.jsonl",
            [
                row | {"completion": row["completion"] if i % N < right else "?"}
                for i, row in enumerate(rows + seen)
            ],
        )
    lines = [f"{10 * i},{3 - 0.1 * i},{loss}" for i, loss in enumerate(STEEP, 1)]
    text = "\n".join(["step,train_loss,valid_loss", *lines, ""])
    (tmp_path / "result.csv").write_text(text)
    return tmp_path


def run(**options: object) -> pipeline.Run:
    return evalkit.run(
        "data.jsonl",
        base="file:base.jsonl",
        tuned="file:tuned.jsonl",
        train="seen.jsonl",
        **options,  # type: ignore[arg-type]
    )


def curve(done: pipeline.Run) -> Signal:
    (verdict,) = done.record.info.overfit
    return next(s for s in verdict.signals if s.name == "curve")


@pytest.mark.usefixtures("folder")
def test_a_rising_curve_reaches_verdict_folder_and_report() -> None:
    done = run(curve="result.csv", out="out")
    assert curve(done).level == "mild"
    assert done.record.info.overfit_levels == {"tuned": "mild"}
    assert done.record.losses[0] == Loss("tuned", 10, 2.9, 1.2, None)
    assert "Losses that the training job of tuned reported" in done.report.read_text("utf-8")
    again = pipeline.score("out", out="again")
    assert curve(again) == curve(done)
    assert pipeline.load("again").record.losses == done.record.losses


@pytest.mark.usefixtures("folder")
def test_without_a_file_nothing_is_said() -> None:
    assert "no loss file" in curve(run(out="out")).detail


@pytest.mark.usefixtures("folder")
def test_the_model_is_named_where_there_are_several() -> None:
    arms = {"base": "file:base.jsonl", "tuned": ["file:tuned.jsonl", "file:other.jsonl"]}
    plan = make_plan(["data.jsonl"], **arms, curve="other=result.csv")  # type: ignore[arg-type]
    assert [model.curve for model in plan.models] == [None, None, "result.csv"]
    with pytest.raises(UsageError, match="expected which of them it is of: --curve tuned=result"):
        make_plan(["data.jsonl"], **arms, curve="result.csv")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="found a second file for 'other', expected one"):
        make_plan(["data.jsonl"], **arms, curve=["other=a", "other=b"])  # type: ignore[arg-type]


def test_the_project_file_names_it_relative_to_itself(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "evalkit.yaml").write_text(
        "suites: [../data.jsonl]\nmodels:\n  base: {model: 'file:../base.jsonl'}\n"
        "  tuned: {model: 'file:../tuned.jsonl', tuned_from: base, curve: ../result.csv}\n"
    )
    plan = make_plan(config="sub/evalkit.yaml")
    losses, notes = load_losses(plan.models)
    assert len(losses) == len(STEEP)
    assert notes == {}


@pytest.mark.usefixtures("folder")
def test_a_named_file_must_be_there_and_be_one() -> None:
    with pytest.raises(UsageError, match=r"nowhere\.csv: found no such file"):
        run(curve="nowhere.csv")
    with pytest.raises(DataError, match=r"data\.jsonl: found only the keys id, prompt, completion"):
        run(curve="data.jsonl")


def local(name: str) -> ModelSpec:
    return ModelSpec("tuned", "local", name, "tuned", tuned_from="base")


def test_losses_beside_the_weights_are_found(tmp_path: Path) -> None:
    assert find_losses(local(str(tmp_path))) is None
    assert find_losses(ModelSpec("t", "openai", str(tmp_path), "tuned")) is None
    state = tmp_path / "trainer_state.json"
    state.write_text('{"log_history": [{"step": 1, "loss": 2.0}]}')
    assert find_losses(local(str(tmp_path))) == state
    assert load_losses([local(str(tmp_path))])[0] == (Loss("tuned", 1, 2.0, None, None),)
    state.write_text("{}")  # nobody named it, so it stops nobody
    losses, notes = load_losses([local(str(tmp_path))])
    assert (losses, list(notes)) == ((), ["tuned"])
    shipped = find_losses(local("overfit"))
    assert shipped is not None
    assert shipped.name == "loss.csv"
