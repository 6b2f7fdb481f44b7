from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evalkit import store
from evalkit.errors import RunFolderError, UsageError
from evalkit.schema import Answer, Example, Failure, Message, RunRecord, SplitResult
from tests.report.factory import make_record

FILES = ["completions.jsonl", "examples.csv", "summary.csv", "comparison.csv", "overfit.csv"]


@pytest.fixture(scope="module")
def record() -> RunRecord:
    return make_record()


@pytest.fixture
def folder(tmp_path: Path, record: RunRecord) -> Path:
    store.write(record, tmp_path / "run")
    return tmp_path / "run"


def assert_equal(one: SplitResult, other: SplitResult) -> None:
    assert (one.suite, one.split, one.examples) == (other.suite, other.split, other.examples)
    assert one.answers == other.answers
    assert set(one.values) == set(other.values)
    for key, scores in one.values.items():
        np.testing.assert_array_equal(scores, other.values[key])


def test_a_record_comes_back_equal(record: RunRecord, folder: Path) -> None:
    back = store.read(folder)
    assert back.info == record.info
    assert back.scores == record.scores
    assert back.comparisons == record.comparisons
    assert back.confusions == record.confusions
    assert back.leaks == record.leaks
    for one, other in zip(record.splits, back.splits, strict=True):
        assert_equal(one, other)


def test_the_same_record_gives_the_same_bytes(
    record: RunRecord, folder: Path, tmp_path: Path
) -> None:
    store.write(store.read(folder), tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name
    assert record.info.name in (folder / "run.json").read_text()


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_off_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(RunFolderError, match=f"{name} was changed or cut off"):
        store.read(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(RunFolderError, match=f"{name} cannot be read"):
        store.read(folder)


def test_a_number_changed_by_hand_is_refused(folder: Path) -> None:
    path = folder / "run.json"
    body = json.loads(path.read_text())
    body["run"]["seed"] += 1
    path.write_text(json.dumps(body))
    with pytest.raises(RunFolderError, match="changed after the run"):
        store.read(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"sha256": 1}'])
def test_a_broken_run_json_is_refused(folder: Path, text: str) -> None:
    (folder / "run.json").write_text(text)
    with pytest.raises(RunFolderError, match="is damaged, or not what `evalkit run` wrote"):
        store.read(folder)


def test_another_format_is_refused(folder: Path) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(RunFolderError, match=r"format 99.*reads format 2"):
        store.read(folder)


def test_no_folder_and_no_run_json(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        store.read(tmp_path / "nothing")
    with pytest.raises(RunFolderError, match="did not finish"):
        store.read(tmp_path)


def test_a_folder_that_cannot_be_written(record: RunRecord, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunFolderError, match="cannot write the run folder"):
        store.write(record, tmp_path / "file")


def test_hostile_texts_survive_as_they_are(record: RunRecord, tmp_path: Path) -> None:
    texts = ["=1+1", "\x1b[31m", "\ud800", "</script>", "a\r\nb", "\u2028", ""]
    split = SplitResult(
        suite=record.info.suites[0].name,
        split="test",
        examples=tuple(
            Example(id=f"={i}", prompt=text, messages=(Message("user", text),), references=(text,))
            for i, text in enumerate(texts)
        ),
        answers={"base": (*map(Answer, texts[:-1]), Failure("timeout", "no answer in 60 s"))},
        values={},
    )
    store.write(replace(record, splits=(split,)), tmp_path)
    assert_equal(store.read(tmp_path).splits[0], split)


def test_tables_open_in_pandas_with_the_same_numbers(record: RunRecord, folder: Path) -> None:
    summary = pd.read_csv(folder / "summary.csv")
    assert list(summary["score"]) == pytest.approx([row.score for row in record.scores], abs=1e-15)
    overfit = pd.read_csv(folder / "overfit.csv")
    levels = overfit[overfit["signal"] == "verdict"]["level"]
    assert list(levels) == [verdict.level for verdict in record.info.overfit]
    assert len(pd.read_csv(folder / "examples.csv")) == sum(
        len(split.examples) * len(split.answers) for split in record.splits
    )


def test_folder_names_are_safe_and_free(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert store.free_folder(tmp_path, "run") == tmp_path / "run-2"
    assert store.free_folder(tmp_path, "../../etc/passwd\x00") == tmp_path / "etc-passwd"
    assert store.free_folder(tmp_path, "..") == tmp_path / "run-2"
    assert store.free_folder(tmp_path, "a" * 300).name == "a" * 80
