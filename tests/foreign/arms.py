"""What both servers are tried with: commands, answers that must agree, and what is written down."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from evalkit import embedded
from evalkit.data import load_suite
from evalkit.embedded.chat import render
from tests.command_line import Done, evalkit, write_jsonl

SUITES = ("support-intents", "order-lines")
PROMPTS = 40
"""Of each suite."""
LOCAL = {"base": {"model": "local:base"}, "tuned": {"model": "local:tuned"}}
"""The same models in this process, as the project file has them."""


def project(folder: Path, **models: Mapping[str, Any]) -> None:
    """Write `evalkit.yaml` with these models; `tuned` is compared with `base`."""
    for name, fields in models.items():
        models[name] = fields if name == "base" else {"tuned_from": "base", **fields}
    (folder / "evalkit.yaml").write_text(yaml.safe_dump({"models": models}))


def compare(folder: Path, out: str, *words: str) -> Done:
    """`evalkit run` of some test prompts of two suites with the models of the project file."""
    data = write_prompts(folder)
    return evalkit("run", *data, "--no-perturb", "--out", out, *words, cwd=folder)


def write_prompts(folder: Path) -> list[Path]:
    """Some test rows of the shipped suites, without their training rows."""
    found = []
    for name in SUITES:
        shipped, made = embedded.suite_folders()[name], folder / name
        made.mkdir(exist_ok=True)
        rows = (shipped / "test.jsonl").read_text(encoding="utf-8").splitlines()[:PROMPTS]
        (made / "test.jsonl").write_text("\n".join(rows), encoding="utf-8")
        config = yaml.safe_load((shipped / "suite.yaml").read_text(encoding="utf-8"))
        kept = {key: config[key] for key in config if key not in {"train", "validation"}}
        (made / "suite.yaml").write_text(yaml.safe_dump(kept), encoding="utf-8")
        found.append(made)
    return found


def rendered(folder: Path) -> Path:
    """A suite whose prompts are texts to be continued, just as the chat template writes them."""
    name = SUITES[0]
    suite = load_suite(embedded.suite_folders()[name])
    write_prompts(folder)
    made = folder / "rendered"
    made.mkdir()
    rows = suite.splits["test"][:PROMPTS]
    write_jsonl(
        made / "test.jsonl",
        [
            {"prompt": render(suite.config.system or "", e.prompt), "completion": e.references[0]}
            for e in rows
        ],
    )
    config = yaml.safe_load((folder / name / "suite.yaml").read_text(encoding="utf-8"))
    kept = {key: config[key] for key in config if key not in {"system", "slices"}}
    (made / "suite.yaml").write_text(yaml.safe_dump({**kept, "name": "rendered"}))
    return made


def speed(done: Done) -> int:
    """Answers a second, as the last line of a run's progress says."""
    *_, last = re.findall(r"answered, ([\d.]+)/s", done.err)
    return round(float(last))


def honours(folder: Path) -> dict[str, dict[str, str]]:
    """Model -> what `evalkit models` finds out that its server does with each parameter."""
    done = evalkit("models", "--json", cwd=folder)
    assert done.code == 0, done.err
    return {found["model"]: found["honours"] for found in json.loads(done.out)["models"]}


def answers(folder: Path, model: str) -> dict[tuple[str, str], str]:
    """(suite, id) -> what a model answered, without white space around it."""
    return {
        (row["suite"], row["id"]): row["completions"][model]["text"].strip()
        for row in _rows(folder)
    }


def agreement(one: Path, other: Path) -> tuple[int, int]:
    """How many answers of two runs are equal, and of how many."""
    equal = total = 0
    for model in ("base", "tuned"):
        first, second = answers(one, model), answers(other, model)
        assert first.keys() == second.keys()
        equal += sum(first[key] == second[key] for key in first)
        total += len(first)
    return equal, total


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "completions.jsonl").read_text().splitlines()]
