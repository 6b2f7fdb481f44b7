from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evalkit import store
from evalkit.errors import UsageError
from evalkit.store.target import check_target
from tests.report.factory import make_record


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_new_and_empty_folders_and_earlier_runs(work: Path) -> None:
    check_target(work / "new" / "deep")
    assert not (work / "new").exists()  # looking leaves nothing behind
    (work / "empty").mkdir()
    check_target(work / "empty")
    store.write(make_record(), work / "run")
    check_target(work / "run", [work / "data.jsonl"])
    check_target(Path("run"))


@pytest.mark.parametrize("out", ["", ".", "./"])
def test_the_working_folder_is_no_run_folder(out: str) -> None:
    with pytest.raises(UsageError, match="expected one of its own"):
        check_target(Path(out))


def test_other_peoples_files_are_left_alone(work: Path) -> None:
    (work / "mine").mkdir()
    (work / "mine" / "summary.csv").write_text("my own")
    with pytest.raises(UsageError, match="other files in it"):
        check_target(work / "mine")
    (work / "mine" / "run.json").write_text('{"name": "my own"}')
    with pytest.raises(UsageError, match="other files in it"):
        check_target(work / "mine")


def test_an_input_is_not_replaced(work: Path) -> None:
    store.write(make_record(), work / "run")
    with pytest.raises(UsageError, match=r"found run.completions\.jsonl, which this run reads"):
        check_target(work / "run", [Path("run/completions.jsonl")])


def test_files_and_what_is_below_them(work: Path) -> None:
    (work / "file").write_text("")
    with pytest.raises(UsageError, match="found a file"):
        check_target(work / "file")
    with pytest.raises(UsageError, match="is a file, expected a folder"):
        check_target(work / "file" / "below")


def test_a_place_that_cannot_be_written_to() -> None:
    with pytest.raises(UsageError, match=r"--out /proc/runs/x: cannot be written to \("):
        check_target(Path("/proc/runs/x"))


def test_a_name_that_no_folder_can_have(work: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be written to \(File name too long\)"):
        check_target(work / "new" / ("x" * 300))
    assert not list(work.iterdir())


def test_two_that_look_at_once_do_not_disturb_each_other(work: Path) -> None:
    def look(number: int) -> None:
        for _ in range(50):
            check_target(work / "reports" / str(number))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(look, range(4))) == [None] * 4
    assert not list(work.iterdir())
