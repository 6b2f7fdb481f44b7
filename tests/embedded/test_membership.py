"""The shipped trio, asked how probable it finds its training rows and others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.command_line import evalkit


def test_the_embedded_overfitter_knows_its_rows(tmp_path: Path) -> None:
    done = evalkit(
        "run", "order-lines", "--limit", "60", "--no-perturb", "--out", "out",
        "--config", project(tmp_path), cwd=tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    table = pd.read_csv(tmp_path / "out" / "overfit.csv").set_index("signal")
    assert table.loc["membership", "level"] == "strong"
    off = evalkit(
        "run", "order-lines", "--limit", "10", "--no-perturb", "--no-logprobs", "--out", "off",
        "--config", project(tmp_path), cwd=tmp_path,
    )  # fmt: skip
    assert off.code == 0, off.err
    table = pd.read_csv(tmp_path / "off" / "overfit.csv").set_index("signal")
    assert table.loc["membership", "level"] == "unavailable"


def project(folder: Path) -> Path:
    path = folder / "evalkit.yaml"
    path.write_text(
        "models:\n"
        "  base: {model: 'local:base'}\n"
        "  overfit: {model: 'local:overfit', tuned_from: base, train: train-small.jsonl}\n"
    )
    return path
