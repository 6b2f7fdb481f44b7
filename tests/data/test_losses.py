"""Loss files as trainers write them, and as nobody should."""

from __future__ import annotations

import base64
import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.data import read_losses
from evalkit.errors import DataError, EvalkitError, UsageError
from evalkit.schema import Loss

OPENAI = """step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy,full_valid_loss
1,2.5,0.4,2.6,0.3,
2,2.0,0.5,,,
3,1.5,0.6,1.9,0.5,1.95
"""
EXPECTED = (
    Loss("tuned", 1, 2.5, 2.6, None),
    Loss("tuned", 2, 2.0, None, None),
    Loss("tuned", 3, 1.5, 1.9, 1.95),
)


def read(tmp_path: Path, name: str, text: str | bytes) -> tuple[Loss, ...]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_losses(path, "tuned")


@pytest.mark.parametrize(
    "text",
    [
        OPENAI,
        OPENAI.replace(",", ";"),
        OPENAI.replace(",", "\t"),
        OPENAI.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + OPENAI.encode(),
        base64.b64encode(OPENAI.encode()),
        base64.encodebytes(OPENAI.encode()),
    ],
)
def test_an_openai_result_file(tmp_path: Path, text: str | bytes) -> None:
    assert read(tmp_path, "result.csv", text) == EXPECTED


def test_the_state_of_a_hugging_face_trainer(tmp_path: Path) -> None:
    state = {
        "best_metric": 1.9,
        "log_history": [
            {
                "loss": 2.5,
                "grad_norm": float("nan"),
                "learning_rate": 1e-4,
                "epoch": 0.5,
                "step": 1,
            },
            {"eval_loss": 2.6, "eval_runtime": 3.2, "epoch": 0.5, "step": 1},
            {"loss": 2.0, "epoch": 1.0, "step": 2},
            {"loss": float("inf"), "epoch": 1.5, "step": 3},
            {"eval_loss": 1.9, "step": 3},
            {"train_loss": 9.9, "train_runtime": 60.0, "step": 3},  # the mean over all steps
        ],
    }
    found = read(tmp_path, "trainer_state.json", json.dumps(state, indent=2))
    assert found == (*EXPECTED[:2], Loss("tuned", 3, None, 1.9, None))


def test_a_log_of_json_lines(tmp_path: Path) -> None:
    text = (
        '{"current_steps": 10, "total_steps": 30, "loss": 2.5, "epoch": 0.3}\n'
        '{"current_steps": 20, "total_steps": 30, "eval_loss": 2.6}\n\n'
    )
    found = (Loss("tuned", 10, 2.5, None, None), Loss("tuned", 20, None, 2.6, None))
    assert read(tmp_path, "trainer_log.jsonl", text) == found


def test_a_table_by_epochs(tmp_path: Path) -> None:
    found = (Loss("tuned", 1, 0.9, 1.1, None), Loss("tuned", 2, 0.5, None, None))
    assert read(tmp_path, "log.csv", "epoch,loss,val_loss\n1,0.9,1.1\n2,0.5,nan\n") == found


def test_of_a_job_that_was_resumed_the_last_value_of_a_step_counts(tmp_path: Path) -> None:
    text = "step,train_loss\n1,3\n2,2.5\n3,2\n2,2.4\n3,1.9\n"
    assert [p.train for p in read(tmp_path, "log.csv", text)] == [3.0, 2.4, 1.9]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", "found nothing, expected a step"),
        ("a.csv", "x,y\n1,2\n", "found only the keys x, y, expected a step"),
        ("a.csv", "step,accuracy\n1,0.2\n", "only the keys step, accuracy, expected a step"),
        ("a.csv", "step,train_loss\n1,2\n2,\n3,two\n",
         r"a.csv:4: field 'train_loss': found the text 'two', expected a number"),
        ("a.csv", "step,train_loss\n1,-2\n", "found the text '-2', expected a number from 0 on"),
        ("a.csv", "step,train_loss\nfirst,2\n", "field 'step': found the text 'first', expected a"),
        ("a.csv", "step,train_loss\n1.5,2\n", "found the text '1.5', expected a whole number"),
        ("a.csv", "step,train_loss\n1,2,3\n", "a.csv:2: found 3 cells, expected 2"),
        ("a.csv", b"step,train_loss\n1,\xff\n", "a.csv:2"),
        ("a.json", "[1]", "a.json:1 entry 1: found the number 1, expected an object"),
        ("a.json", '{"log_history": 3}', "found the number 3, expected objects"),
        ("a.json", '{"log_history": [\n{"step": 1,\n}]}', r"a.json:3: found broken JSON"),
        ("a.jsonl", '{"step": 1, "loss": 1}\n{"step": \n', r"a.jsonl:2: found broken JSON"),
        ("a.json", "[" * 100_000, "broken JSON"),
        ("a.json", '[{"step": [1], "loss": {}}]', "field 'step': found a list of 1"),
        ("a.json", '[{"step": 1, "loss": {}}]', "field 'loss': found an empty object"),
        ("a.json", '[{"step": true, "loss": 1}]', "field 'step': found true"),
        ("a.json", '[{"step": 1e999, "loss": 1}]', "field 'step'"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_named(
    tmp_path: Path, name: str, text: str | bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, name, text)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found no such file, expected a file of losses"):
        read_losses(tmp_path / "nowhere.csv", "tuned")
    with pytest.raises(UsageError, match="found a folder"):
        read_losses(tmp_path, "tuned")


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.json", "a.jsonl", "a.csv.gz"]))
def test_no_bytes_end_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    with contextlib.suppress(EvalkitError):
        read_losses(path, "tuned")
