from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit import store
from evalkit.errors import RunFolderError


def make_run(folder: Path, text: str = "{}") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(text)
    return folder


def test_nothing_is_accepted_at_first(tmp_path: Path) -> None:
    assert store.read_accepted(tmp_path) == {}


def test_the_first_run_stays_the_anchor(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        store.accept(make_run(tmp_path / name, f'"{name}"'), ["qa"])
    found = store.read_accepted(tmp_path)["qa"]
    assert (found.anchor.run, found.last.run) == ("one", "three")
    assert store.pinned_folder(found.last, tmp_path) == tmp_path / "three"


def test_suites_have_references_of_their_own(tmp_path: Path) -> None:
    store.accept(make_run(tmp_path / "one"), ["a"])
    store.accept(make_run(tmp_path / "two"), ["a", "b"])
    found = store.read_accepted(tmp_path)
    assert {s: (x.anchor.run, x.last.run) for s, x in found.items()} == {
        "a": ("one", "two"), "b": ("two", "two"),
    }  # fmt: skip


def test_a_run_that_is_gone_or_another_one_is_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "one")
    pinned = store.accept(folder, ["qa"])["qa"].last
    make_run(folder, '{"changed": 1}')
    with pytest.raises(RunFolderError, match="is not the one that was accepted"):
        store.pinned_folder(pinned, tmp_path)
    (folder / "run.json").unlink()
    with pytest.raises(RunFolderError, match=r"is not there; restore it, or remove .*accepted"):
        store.pinned_folder(pinned, tmp_path)


def body(pinned: dict[str, object]) -> str:
    return json.dumps({"format": 1, "suites": {"qa": {"anchor": pinned, "last": pinned}}})


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"format": 2, "suites": {}}', '{"format": 1, "suites": 3}',
        '{"format": 1, "suites": {"qa": {"anchor": {"run": "a", "sha256": "0"}}}}',
        body({"run": "../elsewhere", "sha256": "0"}), body({"run": 7, "sha256": "0"}),
    ],
)  # fmt: skip
def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "accepted.json").write_text(text)
    with pytest.raises(RunFolderError, match="is not a list of accepted runs"):
        store.read_accepted(tmp_path)
    with pytest.raises(RunFolderError):
        store.accept(make_run(tmp_path / "one"), ["qa"])
    assert (tmp_path / "accepted.json").read_text() == text
