"""A server that answers two names with one model must not be taken for two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import ModelError
from evalkit.pipeline import Run, run
from evalkit.runner.identity import APART, COMPARED, HANDFUL, MANY
from tests.command_line import write_jsonl
from tests.servers.openai_server import Asked, Server

ONE = {"tuned": "base"}
ROWS = 40


def alike(*_: Any) -> str:
    return "yes"


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    monkeypatch.chdir(tmp_path)

    def compared(server: Server, rows: int = ROWS, **options: Any) -> Run:
        data = [{"prompt": f"question {i}", "completion": "yes"} for i in range(rows)]
        suite = write_jsonl(tmp_path / "data.jsonl", data)
        base, tuned = (f"openai:{name}@{server.url}" for name in ("base", "tuned"))
        return run([suite], base=base, tuned=[tuned], out=tmp_path / "out", **options)

    return compared


def test_a_server_that_ignores_the_name_stops_the_run(compare: Callable[..., Run]) -> None:
    with Server(aliases=ONE) as server:
        with pytest.raises(ModelError, match=f"first {HANDFUL} test .*log-prob.*--allow-identical"):
            compare(server)
        assert len(server.asked) == 2 * (HANDFUL + COMPARED)
        with pytest.raises(ModelError, match="one model"):
            compare(server)  # all from the cache, log-probabilities too
        assert len(server.asked) == 2 * (HANDFUL + COMPARED)


def test_two_models_with_equal_answers_are_told_apart_for_good(compare: Callable[..., Run]) -> None:
    with Server(reply=alike) as server:
        done = compare(server)
        again = compare(server)  # by the log-probabilities in the cache
    for run_ in (done, again):
        (found,) = run_.record.info.differences
        assert (found.what, found.severity) == ("same answers", "flag")
        assert run_.gate(changes={"margin": 0.2}).verdict == "PASS"
        said = f"tuned: {APART} base, although the first {HANDFUL} test prompts have the same"
        assert any(warning.startswith(said) for warning in run_.record.info.warnings)


def test_empty_answers_are_told_apart_by_log_probabilities(compare: Callable[..., Run]) -> None:
    def nothing(*_: Any) -> str:
        return "\n"

    with Server(reply=nothing) as server:
        assert compare(server).missing == 0
    with (
        Server(reply=nothing, aliases=ONE) as server,
        pytest.raises(ModelError, match=f"first {HANDFUL} test prompts have empty .*log-prob"),
    ):
        compare(server)


def test_without_log_probabilities_more_answers_decide(compare: Callable[..., Run]) -> None:
    with (
        Server(aliases=ONE, logprobs=False) as server,
        pytest.raises(ModelError, match=f"the first {MANY} test prompts have the same answers. "),
    ):
        compare(server)
    assert len(server.asked) == 2 * (MANY + COMPARED)


def test_too_few_equal_answers_prove_nothing(compare: Callable[..., Run]) -> None:
    with Server(aliases=ONE, logprobs=False) as server:
        done = compare(server, rows=HANDFUL - 1)
    (found,) = (d for d in done.record.info.differences if d.what == "same model")
    assert (found.where, found.severity) == ("tuned", "flag")


def test_a_server_without_log_probabilities_is_not_asked_for_them_again(
    compare: Callable[..., Run],
) -> None:
    with Server(reply=alike, logprobs=False) as server:
        compare(server, rows=HANDFUL - 1)
        sent = len(server.asked)
        compare(server, rows=HANDFUL - 1)
        assert len(server.asked) == sent == 2 * (HANDFUL - 1 + COMPARED)


def test_a_rate_limit_on_log_probabilities_is_waited_for(compare: Callable[..., Run]) -> None:
    refused: list[str] = []

    def fault(asked: Asked) -> str | None:
        if not asked.body.get("logprobs") or asked.model in refused:
            return None
        refused.append(asked.model)
        return "429-after-ms"

    with Server(aliases=ONE, fault=fault) as server, pytest.raises(ModelError, match="log-prob"):
        compare(server)
    assert sorted(refused) == ["base", "tuned"]


def probes(server: Server) -> int:
    """How often the tuned model was probed."""
    found = sum(asked.model == "tuned" for asked in server.probed)
    assert found
    return found


def test_equal_answers_of_two_models_are_told_by_log_probabilities(
    compare: Callable[..., Run],
) -> None:
    with Server(reply=alike) as server:
        done = compare(server)
        sent = len(server.asked)
        assert sent == 2 * (ROWS + COMPARED)
        counts = done.record.info.clocks["models"]["tuned"]
        assert counts["sent"] == ROWS + COMPARED + probes(server)
        assert (counts["jobs"], counts["cached"]) == (ROWS, 0)
        compare(server)
        assert len(server.asked) == sent
    assert done.missing == 0


def test_two_models_are_asked_nothing_twice(compare: Callable[..., Run]) -> None:
    with Server() as server:
        done = compare(server)
    assert len(server.asked) == 2 * ROWS
    counts = done.record.info.clocks["models"]["tuned"]
    assert counts["sent"] == ROWS + probes(server)
    assert (counts["jobs"], counts["cached"]) == (ROWS, 0)


def test_it_may_be_meant(compare: Callable[..., Run]) -> None:
    with Server(aliases=ONE) as server:
        done = compare(server, allow_identical=True)
    assert len(server.asked) == 2 * ROWS
    assert done.missing == 0


def test_completions_mode_has_log_probabilities_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Server(aliases=ONE) as server:
        project = tmp_path / "evalkit.yaml"
        project.write_text(
            f"endpoints: {{here: {{base_url: '{server.url}'}}}}\n"
            "models:\n"
            "  base: {model: base, endpoint: here, mode: completions}\n"
            "  tuned: {model: tuned, endpoint: here, mode: completions, tuned_from: base}\n"
        )
        write_jsonl(tmp_path / "data.jsonl", [{"prompt": "a b", "completion": "c"}])
        with pytest.raises(ModelError, match="log-probabilities"):
            run([tmp_path / "data.jsonl"])
