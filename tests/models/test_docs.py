"""docs/models.md against the code: names, defaults and specs that it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from evalkit.data import load_project, parse_model
from evalkit.models.bounded import MOST
from evalkit.models.failures import parse_error
from evalkit.models.registry import BUILT_IN
from evalkit.models.stored import TEXT_FIELDS
from evalkit.pipeline.estimating import BYTES
from evalkit.pipeline.likelihoods import SAMPLE
from evalkit.runner import Retry
from evalkit.runner.ask import CONCURRENCY, TIMEOUT
from evalkit.runner.cache import FILE
from evalkit.runner.endpoint import HOPELESS_AFTER
from evalkit.runner.identity import COMPARED, HANDFUL, MANY
from evalkit.runner.limiter import LONG
from evalkit.runner.probe import LOADING_SECONDS, REQUEST_SECONDS, WEEK
from evalkit.runner.trials import LONG as LONG_ANSWER
from evalkit.runner.trials import plain_trial, trials
from evalkit.schema import FailureKind, Mode
from tests.models.test_dialects import CASES

TEXT = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
FLAT = " ".join(TEXT.split())


def test_names_and_defaults_are_those_of_the_code() -> None:
    for provider in BUILT_IN:
        assert f"| `{provider}:` |" in TEXT
    fields = ", ".join(f"`{name}`" for name in TEXT_FIELDS)
    assert f"the first of {fields} that the row has" in FLAT
    assert f"for one endpoint | `--concurrency` | {CONCURRENCY} |" in FLAT
    assert f"for one request | `--timeout` | {TIMEOUT:g} |" in FLAT
    assert f"longer than {LONG:g} s are said" in FLAT
    assert f"names no time, for {Retry().patience / 60:.0f} minutes" in FLAT
    assert f"up to {Retry().attempts - 1} times" in FLAT
    assert f"one of more than {MOST // 2**20} MiB" in FLAT
    assert f"until its last answer is {Retry().outage / 60:.0f} minutes old" in FLAT
    assert f"{SAMPLE} references of the test split and {SAMPLE} of the training" in FLAT
    assert f"`{FILE}`" in FLAT
    plain = b'{"choices": [{"text": "7 8", "message": {"content": "7 8"}}]}'
    modes: tuple[tuple[Mode, str], ...] = (
        ("chat", "max_completion_tokens"),
        ("completions", "echo"),
    )
    for mode, own in modes:
        tried = [plain_trial(), *trials(mode, plain)]
        assert f"sends each model {len(tried)} requests of at most {LONG_ANSWER} tokens" in FLAT
        assert max(trial.request.generation.max_tokens for trial in tried) == LONG_ANSWER
        for name in ("stop", "seed", "n", "logprobs", own):
            assert name in {trial.name for trial in tried}
            assert f"`{name}`" in FLAT
    assert f"or its first {HOPELESS_AFTER} questions all failed" in FLAT
    assert f"The first request may take {LOADING_SECONDS / 60:g} minutes" in FLAT
    assert f"the others {REQUEST_SECONDS:g} seconds" in FLAT
    assert WEEK == 7 * 24 * 3600
    assert len("four") == BYTES
    assert f"its first {HANDFUL} test prompts" in FLAT
    assert f"log-probabilities of {COMPARED} of the answers" in FLAT
    assert f"first {MANY} prompts are" in FLAT


FAILURES = TEXT.partition("| failure |")[2].partition("\n\n")[0]


def test_the_table_of_failures_names_every_kind() -> None:
    assert not [kind for kind in get_args(FailureKind) if f"`{kind}`" not in FAILURES]


def test_a_status_means_what_the_table_of_failures_says() -> None:
    told = {
        int(status): kind
        for kind, statuses in re.findall(r"`(\w+)` \(([^);]*)", FAILURES)
        for status in re.findall(r"\b[45]\d\d\b", statuses)
    }
    assert len(told) > 12
    for status in range(400, 600):
        usual = "refused" if status < 500 else "server"
        assert parse_error(status, b"", {}).kind == told.get(status, usual)
    assert parse_error(402, b"", {"retry-after": "7"}).kind == "rate_limit"


def test_what_it_says_of_servers_is_known_by_their_replies() -> None:
    table = TEXT.partition("| server | mind |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| ([\w -]+) \|", table, re.MULTILINE)
    assert len(named) > 5
    assert set(named) <= {case.server for case in CASES}


def test_every_project_file_it_shows_can_be_read(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert shown
    for text in shown:
        (tmp_path / "evalkit.yaml").write_text(text)
        assert load_project(tmp_path).models


def test_every_spec_it_shows_can_be_meant() -> None:
    specs = re.findall(r"(?:[\w-]+=)?\b(?:openai|file):[^\s`|\]]+", TEXT)
    assert len(specs) > 12
    for spec in specs:
        parsed = parse_model(spec, "base")
        assert parsed.provider in BUILT_IN
        address = re.search(r"@(http\S+)", spec)
        assert parsed.base_url == (address and address.group(1))
    assert parse_model("openai:BASE:tuned@http://h/v1", "tuned").model == "BASE:tuned"
