"""docs/batch.md against the code: its numbers, and its commands, run as they stand."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from evalkit.data import load_project
from evalkit.models.batched import QUEUE_FULL
from evalkit.models.batchfile import MOST_BYTES, MOST_LINES
from evalkit.runner import BatchPace
from evalkit.runner.batch.ledger import FILE
from evalkit.runner.identity import HANDFUL
from tests.command_line import evalkit, write_jsonl
from tests.servers.openai_server import Asked, Server

TEXT = (Path(__file__).parents[2] / "docs" / "batch.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())


def test_numbers_and_names_are_those_of_the_code() -> None:
    assert f"at most {MOST_LINES:,} lines and {MOST_BYTES // 10**6} MB" in FLAT
    assert f"up to {BatchPace().rounds} times in all" in FLAT
    assert f"({2 * HANDFUL} live requests" in FLAT
    assert f"`{FILE}`" in FLAT
    assert all(f"`{code}`" in FLAT for code in QUEUE_FULL)


def test_the_commands_by_hand_do_what_the_page_says(tmp_path: Path) -> None:
    (block,) = [b for b in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) if "vllm" in b]
    rows = [{"prompt": f"Word {i}?", "completion": "amber"} for i in range(10)]
    write_jsonl(tmp_path / "test.jsonl", rows)
    for line in block.replace("\\\n", " ").strip().splitlines():
        words = shlex.split(line)
        if words[0] == "vllm":
            run_batch(tmp_path, words)
            continue
        done = evalkit(*words[1:], cwd=tmp_path)  # nobody listens at localhost:8000
        assert done.code == 0, done.err
    assert (tmp_path / "reports" / "support" / "report.html").is_file()


def run_batch(folder: Path, words: list[str]) -> None:
    """What `vllm run-batch` does, by the test server's replies."""
    option = dict(zip(words[2::2], words[3::2], strict=True))
    served = option.get("--served-model-name", option["--model"])
    results = []
    for line in (folder / option["-i"]).read_text().splitlines():
        asked = json.loads(line)
        assert asked["body"]["model"] == served
        body = Server()._answer(Asked(0, asked["url"], asked["body"], {}))
        response = {"status_code": 200, "request_id": "vllm-batch-1", "body": body}
        about = {"id": "vllm-1", "custom_id": asked["custom_id"]}
        results.append(json.dumps({**about, "response": response, "error": None}))
    (folder / option["-o"]).write_text("\n".join(results) + "\n")


def test_a_project_file_can_say_it(tmp_path: Path) -> None:
    (tmp_path / "evalkit.yaml").write_text("batch: true\n")
    assert load_project(tmp_path).batch
