"""`evalkit gate --markdown`, and the workflow of docs/gate.md, run by a shell as CI does."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalkit import pipeline
from evalkit.report.markdown import JOINER
from tests.command_line import clean_environment, evalkit, write_jsonl
from tests.servers.sampling_server import SamplingServer

PAGE = (Path(__file__).parents[2] / "docs" / "gate.md").read_text(encoding="utf-8")
N = 40
NAME = "#12`x`$m$ [y]"


def workflow() -> dict[str, Any]:
    (text,) = re.findall(r"```yaml\n(name: .*?)```", PAGE, re.DOTALL)
    found = yaml.safe_load(text)
    assert isinstance(found, dict)
    return found


def write_suite(folder: Path, name: str = "support") -> None:
    folder.mkdir()
    rows = [{"id": f"{i}", "prompt": f"q{i}", "completion": f"a{i}"} for i in range(N)]
    write_jsonl(folder / "test.jsonl", rows)
    (folder / "suite.yaml").write_text(f"name: {name}\ntask: qa\ntest: test.jsonl\n")


@pytest.mark.parametrize(("tuned", "code", "verdict"), [(0.95, 0, "PASS"), (0.1, 1, "FAIL")])
def test_the_workflow_of_the_page(tmp_path: Path, tuned: float, code: int, verdict: str) -> None:
    job = workflow()["jobs"]["gate"]
    ask, judge = (line for step in job["steps"] if (line := step.get("run", "")).startswith("eval"))
    write_suite(tmp_path / "support")
    summary = tmp_path / "summary.md"
    summary.write_text("an earlier step", encoding="utf-8")
    chances = {"gpt-4o-mini": 0.6, "ft:gpt-4o-mini:acme::Ab12": tuned}
    with SamplingServer(**chances) as server:
        bins = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        env = clean_environment() | {
            "PATH": bins,
            "OPENAI_BASE_URL": server.url,
            "GITHUB_STEP_SUMMARY": str(summary),
            **dict.fromkeys(job["env"], "sk-test"),
        }
        codes = [
            subprocess.run(["sh", "-ec", line], cwd=tmp_path, env=env, check=False).returncode
            for line in (ask, judge)
        ]
    assert codes == [0, code]
    lines = summary.read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["an earlier step", "## evalkit: `new`"]
    assert any(line.startswith(f"**{verdict}**: ") for line in lines)
    questions = ("Better?", "Overfitted?", "Forgot?", "Comparable?", "Ship?")
    assert [any(line.startswith(f"| {q} |") for line in lines) for q in questions] == [True] * 5
    (row,) = (line for line in lines if f" {verdict} | `support` | `ft-gpt-4o-mini" in line)
    assert "(90 % CI " in row


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of a tuned model with a hostile name, in reports/new."""
    write_suite(tmp_path / "suite")
    for name, right in (("base", 20), ("tuned", 30)):
        said = [f"a{i}" if i < right else "wrong" for i in range(N)]
        rows = [{"id": f"{i}", "completion": text} for i, text in enumerate(said)]
        write_jsonl(tmp_path / f"{name}.jsonl", rows)
    done = evalkit(
        "run", "suite", "--base", "base=file:base.jsonl", "--tuned", f"{NAME}=file:tuned.jsonl",
        "--out", "reports/new", cwd=tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    return tmp_path


def test_it_is_appended_and_nothing_in_it_takes_effect(folder: Path) -> None:
    for _ in range(2):
        assert evalkit("gate", "reports/new", "--markdown", "ci.md", cwd=folder).code == 0
    text = (folder / "ci.md").read_text(encoding="utf-8")
    done = pipeline.load(folder / "reports/new")
    once = done.markdown(done.gate())
    assert text == f"\n{once}\n{once}"
    assert not re.search(r"#12|`x`|\$m|\[y", re.sub(r"`[^`\n]*`", "", text))
    table = [line for line in once.splitlines() if re.match(r"\| (Gate|. PASS) \|", line)]
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in table] == [5, 5]


def test_accepted_runs_have_rows_too(folder: Path) -> None:
    shutil.copytree(folder / "reports/new", folder / "reports/old")
    assert evalkit("gate", "reports/old", "--accept", cwd=folder).code == 0
    assert evalkit("gate", "reports/new", "--markdown", "ci.md", cwd=folder).code == 3
    text = (folder / "ci.md").read_text(encoding="utf-8")
    tuned = "`#12'x'$m$ [y]`"
    assert f"| ✅ PASS | `support` | {tuned} against `base` |" in text
    assert f"| ⚠️ INCONCLUSIVE | `support` | {tuned} against `old/{tuned[1:]} |" in text


def test_it_says_why_there_is_no_verdict(folder: Path) -> None:
    """CI shows the file, and seldom what went to stderr."""
    shutil.copytree(folder / "reports/new", folder / "reports/old")
    assert evalkit("gate", "reports/old", "--accept", cwd=folder).code == 0
    assert evalkit(
        "run", "suite", "--base", "base=file:base.jsonl", "--tuned", f"{NAME}=file:tuned.jsonl",
        "--limit", "30", "--out", "reports/new", cwd=folder,
    ).code == 0  # fmt: skip
    done = evalkit("gate", "reports/new", "--markdown", "ci.md", cwd=folder)
    assert (done.code, done.out) == (2, "")
    text = (folder / "ci.md").read_text(encoding="utf-8")
    head, why = text.split("❌ **no verdict**: ")
    assert head == "\n## evalkit: `new`\n\n"
    said = html.unescape(why.replace("\n> ", "").replace(JOINER, ""))
    assert said.split() == done.err.removeprefix("error:").split()
    assert "Run again with the set-up of 'old'" in said


def test_a_run_that_cannot_be_read_is_said_there_too(folder: Path) -> None:
    done = evalkit("gate", "reports/none", "--markdown", "ci.md", cwd=folder)
    assert done.code == 2
    text = (folder / "ci.md").read_text(encoding="utf-8")
    assert text.startswith("\n## evalkit: `none`\n\n❌ **no verdict**: ")


def test_a_file_that_cannot_be_written_is_said(folder: Path) -> None:
    done = evalkit("gate", "reports/new", "--markdown", "none/ci.md", cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert "--markdown none/ci.md: cannot be written: No such file or directory" in done.err
