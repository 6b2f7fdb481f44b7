"""Looking at a served model: what its endpoint lists, and what it does with each parameter."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from evalkit.models import Probed, open_provider
from evalkit.models.listing import read_listing
from evalkit.runner import last_probe, probe_served
from evalkit.runner import probe as probing
from evalkit.runner.trials import LONG, _stopping, _stops
from evalkit.schema import Mode, ModelSpec, Probe, ServedModel
from tests.servers.openai_server import Server, error_reply

ADAPTERS: list[dict[str, Any]] = [
    {"id": "org/base-7b", "root": "org/base-7b", "parent": None, "max_model_len": 4096},
    {"id": "support-lora", "root": "/adapters/support", "parent": "org/base-7b"},
]
NO_TEMPLATE = (
    "As of transformers v4.44, default chat template is no longer allowed, so you must provide a "
    "chat template if the tokenizer does not define one."
)


def found(
    server: Server,
    cache: Path,
    model: str = "m",
    mode: Mode = "chat",
    extra_body: str = "",
    **options: Any,
) -> Probe:
    async def main() -> Probe:
        provider = opened(server, model, mode, extra_body)
        try:
            probes, _ = await probe_served({"arm": provider}, cache, **options)
            return probes["arm"]
        finally:
            await provider.close()

    return asyncio.run(main())


def opened(server: Server, model: str = "m", mode: Mode = "chat", extra_body: str = "") -> Probed:
    spec = ModelSpec("arm", "openai", model, "base", server.url, mode, extra_body=extra_body)
    provider = open_provider(spec)
    assert isinstance(provider, Probed)
    return provider


def test_a_server_that_hangs_is_asked_once_and_somebody_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "PATIENT_SECONDS", 0.2)
    monkeypatch.setattr(probing, "LOADING_SECONDS", 0.6)
    said: list[str] = []
    with Server(probe_fault="hang") as server:
        told = found(server, tmp_path, timeout=120.0, say=said.append)
        assert len(server.probed) == 1
    assert "no answer within" in told.notes[0]
    assert said == [
        "waiting for the first words of arm; a server that loads a model may take 0.6 s"
    ]


def refusing(*names: str) -> Any:
    """A server that says of some parameters that it does not know them."""

    def refuse(_: web.Request, body: dict[str, Any]) -> web.Response | None:
        for name in names:
            if name in body:
                return error_reply(400, f"Unsupported parameter: '{name}'", param=name)
        return None

    return refuse


def test_a_server_that_takes_everything(tmp_path: Path) -> None:
    with Server() as server:
        told = found(server, tmp_path)
        names = ("max_tokens", "max_completion_tokens", "stop", "seed", "n", "logprobs")
        assert told.honours == dict.fromkeys(names, "yes")
        assert (told.listed, told.served, told.problem, told.notes) == (None, None, "", ())
        plain = found(server, tmp_path, mode="completions")
        assert plain.honours == dict.fromkeys(
            ("max_tokens", "stop", "seed", "n", "logprobs", "echo"), "yes"
        )


@pytest.mark.parametrize("name", ["max_completion_tokens", "stop", "seed", "n", "logprobs"])
def test_what_is_ignored_shows_in_what_it_would_have_changed(tmp_path: Path, name: str) -> None:
    with Server(ignores=[name]) as server:
        told = found(server, tmp_path)
    assert {n for n, honour in told.honours.items() if honour == "ignored"} == {name}
    assert {honour for n, honour in told.honours.items() if n != name} == {"yes"}


def test_echo_may_be_ignored_too(tmp_path: Path) -> None:
    with Server(ignores=["echo"]) as server:
        assert found(server, tmp_path, mode="completions").honours["echo"] == "ignored"


def test_a_limit_that_is_ignored(tmp_path: Path) -> None:
    with Server(ignores=["max_tokens", "max_completion_tokens"]) as server:
        told = found(server, tmp_path)
    assert told.honours["max_tokens"] == told.honours["max_completion_tokens"] == "ignored"


def test_what_is_refused(tmp_path: Path) -> None:
    with Server(refuse=refusing("max_tokens", "seed", "n", "logprobs")) as server:
        told = found(server, tmp_path)
    assert told.honours == {
        "max_tokens": "refused",
        "max_completion_tokens": "yes",
        "stop": "yes",
        "seed": "refused",
        "n": "refused",
        "logprobs": "refused",
    }


def test_an_adapter_and_its_base(tmp_path: Path) -> None:
    with Server(listed=ADAPTERS) as server:
        base, tuned = (found(server, tmp_path, name) for name in ("org/base-7b", "support-lora"))
    assert base.served == ServedModel("org/base-7b", root="org/base-7b", context=4096)
    assert tuned.served == ServedModel("support-lora", "org/base-7b", "/adapters/support", 4096)
    assert base.listed
    assert tuned.listed


def test_a_name_that_is_not_served_is_told_with_the_nearest(tmp_path: Path) -> None:
    with Server(models=["org/base-7b", "support-lora"]) as server:
        told = found(server, tmp_path, "suport-lora")
    assert told.listed is False
    assert f"{server.url} does not serve 'suport-lora'; did you mean 'support-lora'?" in (
        told.problem
    )


def test_a_server_that_answers_every_name_is_no_mistake(tmp_path: Path) -> None:
    with Server(listed=[{"id": "model.gguf"}]) as server:
        told = found(server, tmp_path, "whatever")
        assert found(server, tmp_path, "whatever") == told
    assert not told.problem
    assert "does not list 'whatever', yet answers to it" in told.notes[0]


def test_an_adapter_by_the_name_that_its_base_answers_to(tmp_path: Path) -> None:
    """SGLang lists `tune`, and wants `base:tune`."""
    listed = [{"id": "base", "owned_by": "sglang"}]
    listed += [{"id": "tune", "owned_by": "sglang", "parent": "base"}]
    with Server(listed=listed, aliases={"tune": "base"}) as server:
        bare, whole = (found(server, tmp_path, name) for name in ("tune", "base:tune"))
    assert (
        "does not list 'tune', yet answers to it; did you mean the adapter 'base:tune'?"
        in (bare.notes[0])
    )
    assert whole.listed
    assert whole.notes == ()


def test_a_name_without_its_tag_is_listed(tmp_path: Path) -> None:
    """Ollama lists `tune:latest`, and answers to `tune`."""
    with Server(listed=[{"id": "tune:latest"}]) as server:
        told = found(server, tmp_path, "tune")
    assert told.listed
    assert told.notes == ()


@pytest.mark.parametrize("said", [NO_TEMPLATE, "Template error: template not found"])  # TGI
def test_no_chat_template(tmp_path: Path, said: str) -> None:
    def refuse(request: web.Request, _: dict[str, Any]) -> web.Response | None:
        return error_reply(422, said) if "chat" in request.path else None

    with Server(refuse=refuse) as server:
        told = found(server, tmp_path)
        assert "give it `mode: completions` in evalkit.yaml" in told.problem
        assert not found(server, tmp_path, mode="completions").problem


@pytest.mark.parametrize("fault", ["500", "html", "reset", "429-long", "hang"])
def test_a_probe_that_fails_fails_nothing(tmp_path: Path, fault: str) -> None:
    with Server(probe_fault=fault) as server:
        told = found(server, tmp_path, timeout=0.3)
    assert not told.problem
    assert told.honours == {}
    assert told.notes[0].startswith("could not be probed: ")


def test_what_could_not_be_found_out_is_tried_again(tmp_path: Path) -> None:
    with Server(probe_fault="500") as server:
        assert not found(server, tmp_path).honours
        server.probe_fault = None
        assert found(server, tmp_path).honours["stop"] == "yes"


def test_a_server_that_breaks_where_the_template_is_missing(tmp_path: Path) -> None:
    def breaks(request: web.Request, _: dict[str, Any]) -> web.Response | None:
        broken = web.Response(status=500, text="Internal Server Error")  # transformers serve
        return broken if "chat" in request.path else None

    with Server(refuse=breaks) as server:
        told = found(server, tmp_path)
        assert "answers it in mode completions only, probably without a chat te" in told.problem
        assert "give it `mode: completions` in evalkit.yaml" in told.problem
        assert told.problem.endswith("the server answered 500: Internal Server Error")
        assert len(server.probed) == 2 + 1 + 2  # twice in chat, plain, and twice again
    with Server(probe_fault="500") as server:
        assert found(server, tmp_path).problem == ""


@pytest.mark.parametrize(
    ("text", "stop"),
    [("7 8 9", "8"), ("17 7 8", "8"), ("a a b", "b"), ("a a", None), ("one", None), ("", None)],
)
def test_a_stop_text_ends_an_answer_at_its_first_place(text: str, stop: str | None) -> None:
    assert _stopping(text) == stop


@pytest.mark.parametrize(
    ("said", "honour"),
    [("7", "yes"), ("7 8", "yes"), ("7 8 9", "ignored"), ("", "unknown"), ("6", "unknown")],
)
def test_a_stop_text_may_stay_in_the_answer_that_it_ends(said: str, honour: str) -> None:
    plain, stopped = (
        json.dumps({"choices": [{"text": text}]}).encode() for text in ("7 8 9", said)
    )
    assert _stops(plain, stopped, "completions") == honour


def test_a_server_that_penalises_repetition(tmp_path: Path) -> None:
    with Server(penalises=True) as server:
        (note,) = found(server, tmp_path).notes
        extra = '{"repeat_penalty": 1.0, "repetition_penalty": 1.0}'
        assert f"give it `extra_body: {extra}` in evalkit.yaml" in note
        told_otherwise = found(server, tmp_path / "other", extra_body=extra)
        assert told_otherwise.notes == ()
        assert told_otherwise.honours["max_tokens"] == "yes"


def test_a_model_that_is_loaded_when_it_is_first_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "REQUEST_SECONDS", 0.5)
    with Server(loading=1.0) as server:
        told = found(server, tmp_path)
        assert set(told.honours.values()) == {"yes"}
        assert len(server.probed) == 9


def test_nobody_there(tmp_path: Path) -> None:
    with Server() as server:
        gone = server
    assert "could not be probed" in found(gone, tmp_path).notes[0]


def test_findings_are_kept_for_a_week_and_may_be_had_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server() as server:
        first = found(server, tmp_path)
        sent = len(server.probed)
        assert sent == 9
        assert found(server, tmp_path) == first
        assert len(server.probed) == sent
        server.ignores = ["seed"]
        assert found(server, tmp_path, fresh=True).honours["seed"] == "ignored"
        assert found(server, tmp_path).honours["seed"] == "ignored"
        later = time.time() + probing.WEEK
        monkeypatch.setattr(time, "time", lambda: later)
        server.ignores = []
        assert last_probe("arm", opened(server), tmp_path) is not None
        assert last_probe("arm", opened(server), tmp_path, weeks=1) is None
        assert found(server, tmp_path).honours["seed"] == "yes"
        assert len(server.probed) == 3 * sent


def test_lists_of_many_dialects() -> None:
    rows = """{"data": [
        {"id": "a", "context_length": 8192, "expiration_date": "2027-01-31"},
        {"id": "b", "max_context_length": 32768, "deprecation": "2027-03-01T00:00:00Z"},
        {"id": "c", "context_window": 131072, "deprecation": {"inference": 1798761600}},
        {"id": "d", "max_model_len": true, "deprecation": null},
        {"id": ""}, {"name": "e"}, 7, {"id": "a"}]}"""
    assert read_listing(rows.encode()) == (
        ServedModel("a"),
        ServedModel("b", context=32768, retires="2027-03-01"),
        ServedModel("c", context=131072, retires="2027-01-01"),
        ServedModel("d"),
    )
    assert read_listing(b'[{"id": "bare list"}]') == (ServedModel("bare list"),)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data": {}}', b"[" * 100_000, b"7"])
def test_what_is_no_list_is_not_taken_for_an_empty_one(body: bytes) -> None:
    assert read_listing(body) is None
    assert read_listing(b'{"data": []}') == ()


def test_the_requests_are_small(tmp_path: Path) -> None:
    with Server() as server:
        found(server, tmp_path)
    assert all(len(asked.messages[-1]["content"]) < 40 for asked in server.probed)
    assert all(asked.body["max_tokens"] <= LONG for asked in server.probed)
