from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.store.csvfile import csv_bytes, defuse, read_csv, restore

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\r\n\t=+-@'\",;|"))


@pytest.mark.parametrize(
    "formula",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        " =1",
        "'=1",
        "''=1",
        "%0A",
        "|cmd",
        "\uff1d1",
        "\r\n=1",
    ],
)
def test_what_a_spreadsheet_would_compute_is_prefixed(formula: str) -> None:
    assert defuse(formula).startswith("'")


@pytest.mark.parametrize("text", ["", "plain", "a=b", "'tis", "1 - 2", "0.5"])
def test_plain_text_is_untouched(text: str) -> None:
    assert defuse(text) == text


@given(TEXT)
def test_restore_takes_back_what_defuse_did(text: str) -> None:
    assert restore(defuse(text)) == text


@given(st.lists(st.tuples(TEXT, st.floats(allow_nan=False, allow_infinity=False)), max_size=8))
def test_cells_survive_the_file(rows: list[tuple[str, float]]) -> None:
    data = csv_bytes(["text", "number"], rows)
    frame = pd.read_csv(io.BytesIO(data), dtype={"text": str}, keep_default_na=False)
    assert [restore(text) for text in frame["text"]] == [text for text, _ in rows]
    assert list(frame["number"]) == pytest.approx([number for _, number in rows], rel=1e-15)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_texts_come_back_by_our_own_reader(rows: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.csv"
        path.write_bytes(csv_bytes(["one", "two"], rows))
        assert [(row["one"], row["two"]) for row in read_csv(path)] == rows


def test_a_carriage_return_starts_no_row(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_bytes(csv_bytes(["text", "number"], [["a\r=1+1", 1.0], ["b", 2.0]]))
    assert len(pd.read_csv(path)) == 2
    assert [row["text"] for row in read_csv(path)] == ["a\r=1+1", "b"]


def test_numbers_are_not_defused() -> None:
    assert csv_bytes(["delta"], [[-0.07]]) == b"delta\n-0.07\n"


def test_control_characters_and_surrogates_do_not_reach_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_bytes(csv_bytes(["text"], [["a\x00b\x1b[31m"], ["\ud800"]]))
    assert [row["text"] for row in read_csv(path)] == ["a\ufffdb\ufffd[31m", "?"]
    assert len(pd.read_csv(path)) == 2


def test_a_cell_longer_than_the_csv_module_reads_by_default(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_bytes(csv_bytes(["text"], [["x" * 300_000]]))
    assert [len(row["text"]) for row in read_csv(path)] == [300_000]
