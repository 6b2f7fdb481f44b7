from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from evalkit.data.projectfile import SENT
from evalkit.errors import ModelError, UsageError
from evalkit.models.keys import OPENAI_URL
from evalkit.models.openai import OpenAIProvider, open_openai
from evalkit.schema import Answer, Failure, Generation, Message, ModelSpec, Request
from tests.servers.openai_server import Server, echo, error_reply

MESSAGES = (Message("system", "Be brief."), Message("user", "Capital of France?"))


def make_request(messages: Sequence[Message] = MESSAGES, **generation: Any) -> Request:
    return Request("s", "test", "1", "p", tuple(messages), Generation(**generation))


def make_spec(base_url: str | None = None, **fields: Any) -> ModelSpec:
    return ModelSpec("arm", "openai", fields.pop("model", "m"), "base", base_url, **fields)


def ask(
    base_url: str, *requests: Request, **fields: Any
) -> tuple[list[Answer | Failure], list[str]]:
    async def main() -> tuple[list[Answer | Failure], list[str]]:
        provider = open_openai(make_spec(base_url, **fields))
        try:
            return await provider.complete(requests), provider.notes
        finally:
            await provider.close()

    return asyncio.run(main())


def ask_one(base_url: str, **fields: Any) -> Answer | Failure:
    return ask(base_url, make_request(), **fields)[0][0]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID"):
        monkeypatch.delenv(name, raising=False)


def test_chat_sends_every_decoding_parameter() -> None:
    with Server() as server:
        outcomes, notes = ask(server.url, make_request(stop=("\n", "END"), top_k=5, max_tokens=7))
    assert server.asked[0].path == "/v1/chat/completions"
    assert server.asked[0].body == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Capital of France?"},
        ],
        "temperature": 0.0,
        "top_p": 1.0,
        "top_k": 5,
        "max_tokens": 7,
        "seed": 0,
        "stop": ["\n", "END"],
    }
    assert outcomes == [
        Answer(
            text=echo("m", server.asked[0].messages),
            prompt_tokens=5,
            completion_tokens=3,
            served_model="m",
        )
    ]
    assert notes == []


def test_completions_sends_plain_text_and_leaves_unset_what_is_none() -> None:
    with Server() as server:
        ask(server.url, make_request(seed=None), mode="completions")
        ask(server.url, make_request([Message("user", "just this ")]), mode="completions")
    assert server.asked[0].path == "/v1/completions"
    assert server.asked[0].body == {
        "model": "m",
        "prompt": "Be brief.\n\nCapital of France?",
        "temperature": 0.0,
        "top_p": 1.0,
        "max_tokens": 256,
    }
    assert server.asked[1].body["prompt"] == "just this "


def test_fields_of_ones_own_are_sent_with_everything() -> None:
    extra = '{"chat_template_kwargs": {"enable_thinking": false}}'
    with Server() as server:
        ask(server.url, make_request(), replace(make_request(), scored="Paris"), extra_body=extra)
    for asked in server.asked:
        assert asked.body["chat_template_kwargs"] == {"enable_thinking": False}
    plain, other = (open_openai(make_spec(extra_body=extra)) for extra in ("", extra))
    assert plain.identity == "chat:m"
    assert other.identity == f"chat:m {extra}"
    assert other.model == plain.model


def test_a_field_of_ones_own_that_is_refused_is_left_out_once() -> None:
    def refuse(_: web.Request, body: dict[str, Any]) -> web.Response | None:
        told = "Unsupported parameter: 'reasoning_effort'"
        return error_reply(400, told) if "reasoning_effort" in body else None

    with Server(refuse=refuse) as server:
        extra = '{"reasoning_effort": "low"}'
        (outcome,), notes = ask(server.url, make_request(), extra_body=extra)
    assert isinstance(outcome, Answer)
    assert len(server.asked) == 2
    assert notes == ["the server refused `reasoning_effort`; answers are by the server's own value"]


def test_no_field_of_ones_own_can_be_one_that_is_sent_anyway() -> None:
    for mode in ("chat", "completions"):
        provider = open_openai(make_spec(mode=mode))
        asked = replace(make_request(top_k=1, stop=("a",)), schema="{}")
        for request in (asked, replace(asked, scored="text")):
            assert provider.body(request).keys() <= SENT.keys()


def test_prompt_key_tells_prompts_and_modes_apart() -> None:
    chat, plain = (
        open_openai(make_spec("http://h/v1")),
        open_openai(make_spec("http://h/v1", mode="completions")),
    )
    turned = make_request(MESSAGES[::-1])
    assert chat.prompt_key(make_request()) != chat.prompt_key(turned)
    assert chat.identity != plain.identity
    assert plain.prompt_key(make_request()) == "Be brief.\n\nCapital of France?"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", "rate_limit"),
        ("quota", "quota"),
        ("400", "refused"),
        ("401", "auth"),
        ("403", "auth"),
        ("404", "refused"),
        ("408", "timeout"),
        ("504", "timeout"),
        ("524", "timeout"),
        ("500", "server"),
        ("503", "server"),
        ("reset", "connection"),
        ("half", "connection"),
        ("html", "malformed"),
        ("not-json", "malformed"),
        ("long-header", "malformed"),
        ("not-gzip", "malformed"),
        ("list", "malformed"),
        ("error-200", "malformed"),
        ("error-200-429", "rate_limit"),
        ("choices-null", "malformed"),
        ("choices-empty", "malformed"),
        ("no-message", "malformed"),
    ],
)
def test_failures_over_the_wire(fault: str, kind: str) -> None:
    with Server(fault=lambda _: fault) as server:
        outcome = ask_one(server.url)
    assert isinstance(outcome, Failure)
    assert outcome.kind == kind
    assert "sk-" not in outcome.message
    assert len(server.asked) == 1  # the client retries nothing by itself


@pytest.mark.parametrize(
    ("fault", "text", "reason"),
    [
        ("wrong-type", None, "stop"),
        ("no-usage", None, "stop"),
        ("zero-usage", None, "stop"),
        ("minus-usage", None, "stop"),
        ("huge-usage", None, "stop"),
        ("content-null", "", "stop"),
        ("thinking", "", "length"),
        ("refusal", "I cannot help with that.", "stop"),
        ("parts", "ab", "stop"),
        ("filtered", "", "content_filter"),
        ("odd-reason", "x", "eos_token"),
    ],
)
def test_odd_answers_over_the_wire(fault: str, text: str | None, reason: str) -> None:
    with Server(fault=lambda _: fault) as server:
        outcome = ask_one(server.url)
        expected = echo("m", server.asked[0].messages) if text is None else text
    assert isinstance(outcome, Answer)
    assert (outcome.text, outcome.finish_reason) == (expected, reason)
    counts = (outcome.prompt_tokens, outcome.completion_tokens)
    assert (None in counts) == ("usage" in fault), counts


def test_waiting_times_are_read_from_the_headers() -> None:
    for fault, seconds in (("429-after", 0.2), ("429-after-ms", 0.15), ("429-long", 86400.0)):
        with Server(fault=lambda _, fault=fault: fault) as server:  # type: ignore[misc]
            outcome = ask_one(server.url)
        assert isinstance(outcome, Failure)
        assert outcome.retry_after == seconds


def test_no_server_is_a_connection_failure() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        outcome = ask_one(f"http://127.0.0.1:{port}/v1")
    assert isinstance(outcome, Failure)
    assert outcome.kind == "connection"
    assert outcome.retryable
    assert str(port) in outcome.message


@pytest.mark.skipif(sys.platform != "linux", reason="fills the queue of a socket that listens")
def test_a_connection_that_takes_too_long_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalkit.models.network.CONNECT_SECONDS", 0.2)
    with ExitStack() as stack:
        busy = stack.enter_context(socket.socket())
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.0)
            waiting.connect_ex(busy.getsockname())
        outcome = ask_one(f"http://127.0.0.1:{busy.getsockname()[1]}/v1")
    assert isinstance(outcome, Failure)
    assert outcome.kind == "timeout"
    assert outcome.retryable


def test_a_prompt_that_is_no_unicode_is_refused_not_raised() -> None:
    with Server() as server:
        outcomes, _ = ask(server.url, make_request([Message("user", "\ud800")]))
        assert not server.asked
    why = "the prompt cannot be sent as UTF-8: surrogates not allowed"
    assert outcomes == [Failure("refused", why)]


class Picky:
    """A server that refuses parameters the way newer models of OpenAI do, and others too."""

    def __init__(self, *names: str, style: str = "openai") -> None:
        self.names = names
        self.style = style

    def __call__(self, _: web.Request, body: dict[str, Any]) -> web.Response | None:
        for name in self.names:
            if name not in body:
                continue
            if self.style == "openai":
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return error_reply(400, message, "unsupported_parameter")
            if self.style == "param":
                error = {"message": "Unknown argument", "param": name, "code": None}
                return web.json_response({"error": error}, status=400)
            detail = [{"loc": ["body", name], "msg": "Extra inputs are not permitted"}]
            return web.json_response({"detail": detail}, status=422)
        return None


def picky_server(picky: Picky, **options: Any) -> Server:
    server = Server(**options)
    server.refuse = picky
    return server


@pytest.mark.parametrize("style", ["openai", "param", "pydantic"])
def test_a_refused_parameter_is_replaced_once_and_remembered(style: str) -> None:
    with picky_server(Picky("max_tokens", "temperature", style=style)) as server:
        outcomes, notes = ask(server.url, make_request(), make_request(max_tokens=9))
    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert len(server.asked) == 4  # twice refused, then right, then right at once
    last = server.asked[-1].body
    assert last["max_completion_tokens"] == 9
    assert "max_tokens" not in last
    assert "temperature" not in last
    assert notes == [
        "the server refused `max_tokens`; `max_completion_tokens` was sent instead",
        "the server refused `temperature`; answers are by the server's own value",
    ]


def test_stop_texts_are_cut_here_where_the_server_does_not_know_them() -> None:
    with picky_server(Picky("stop"), reply=lambda *_: "one\ntwo END three") as server:
        request = make_request(stop=("END", "\n"))
        outcomes, notes = ask(server.url, request, make_request(stop=("absent",)))
    assert [o.text for o in outcomes if isinstance(o, Answer)] == ["one", "one\ntwo END three"]
    assert len(notes) == 1


def test_stop_texts_are_cut_here_where_the_server_runs_on_past_them() -> None:
    with Server(reply=lambda *_: "one\ntwo") as server:
        (outcome,), notes = ask(server.url, make_request(stop=("\n",)))
    assert isinstance(outcome, Answer)
    assert (outcome.text, outcome.finish_reason, notes) == ("one", "stop", [])
    assert server.asked[0].body["stop"] == ["\n"]


FORM = '{"type": "object"}'


LLAMA_SAYS = (
    "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), "
    "'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}"
)
"""What llama-cpp-python has to say, with status 500."""


def test_the_form_of_a_reply_and_the_effort_are_asked_for() -> None:
    request = replace(make_request(), schema=FORM, effort="low")
    with Server() as server:
        ask(server.url, request)
        ask(server.url, request, mode="completions")
    chat, plain = (asked.body for asked in server.asked)
    form = {"name": "reply", "strict": True, "schema": {"type": "object"}}
    assert chat["response_format"] == {"type": "json_schema", "json_schema": form}
    assert chat["reasoning_effort"] == plain["reasoning_effort"] == "low"
    assert "response_format" not in plain


@pytest.mark.parametrize(
    ("status", "message", "param"),
    [
        (400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported", None),
        (400, "not supported with this model", "response_format.type"),
        (400, "This response_format type is unavailable now", None),
        (500, LLAMA_SAYS, None),
    ],
)
def test_a_server_that_knows_no_schemas_is_asked_without(
    status: int, message: str, param: str | None
) -> None:
    def refuse(_: web.Request, body: dict[str, Any]) -> web.Response | None:
        error = {"message": message, "param": param}
        known = "response_format" not in body
        return None if known else web.json_response({"error": error}, status=status)

    request = replace(make_request(), schema=FORM)
    with Server(refuse=refuse) as server:
        outcomes, notes = ask(server.url, request, request)
    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert notes == ["the server refused `response_format`; replies are read whatever their form"]
    assert len(server.asked) == 3


def test_a_value_out_of_range_is_no_unsupported_parameter() -> None:
    def refuse(_: web.Request, body: dict[str, Any]) -> web.Response:
        message = f"'max_tokens' is too large: {body['max_tokens']}. This model takes at most 5."
        return error_reply(400, message, "invalid_value")

    server = Server()
    server.refuse = refuse
    with server:
        outcomes, notes = ask(server.url, make_request())
    assert isinstance(outcomes[0], Failure)
    assert outcomes[0].kind == "refused"
    assert notes == []


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_a_parameter_that_was_taken_is_not_refused_by_the_model(temperature: float) -> None:
    """But by one of the servers behind its name; only another value may be too much for it."""

    def refuse(_: web.Request, body: dict[str, Any]) -> web.Response | None:
        message = "Unsupported parameter: 'temperature' is not supported with this model."
        late = len(server.asked) > 1 and "temperature" in body
        return error_reply(400, message, "unsupported_parameter") if late else None

    with Server(refuse=refuse) as server:
        requests = [make_request(), make_request(temperature=temperature)]
        (first, second), notes = ask(server.url, *requests)
    assert isinstance(first, Answer)
    if temperature:
        assert isinstance(second, Answer)
        assert notes == ["the server refused `temperature`; answers are by the server's own value"]
    else:
        assert isinstance(second, Failure)
        assert (second.kind, second.retryable, second.fatal) == ("server", True, False)
        assert not notes


def test_concurrent_requests_adapt_once() -> None:
    async def main(url: str) -> OpenAIProvider:
        provider = open_openai(make_spec(url))
        try:
            await asyncio.gather(*(provider.complete([make_request()]) for _ in range(8)))
        finally:
            await provider.close()
        return provider

    with picky_server(Picky("max_tokens")) as server:
        assert len(asyncio.run(main(server.url)).notes) == 1
    assert len(server.asked) == 16


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as server:
        ask_one(server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "secret-one")
        ask_one(server.url)
        monkeypatch.setenv("OTHER_KEY", " secret-two\n")
        ask_one(server.url, api_key_env="OTHER_KEY")
    sent = [asked.headers["Authorization"] for asked in server.asked]
    assert sent == ["Bearer none", "Bearer secret-one", "Bearer secret-two"]


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ModelError, match=r"'arm'.*OPENAI_API_KEY is not set.*api\.openai\.com"):
        ask(OPENAI_URL, make_request())
    with pytest.raises(ModelError, match="NOT_THERE is not set"):
        ask("http://localhost/v1", make_request(), api_key_env="NOT_THERE")


def test_a_key_is_only_needed_to_send() -> None:
    provider = open_openai(make_spec())
    assert provider.endpoint == OPENAI_URL
    asyncio.run(provider.close())


def test_a_key_that_the_server_repeats_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "very-secret-key")

    def refuse(request: web.Request, _: dict[str, Any]) -> web.Response:
        return error_reply(401, "x" * 190 + request.headers["Authorization"])

    server = Server()
    server.refuse = refuse
    with server:
        outcome = ask_one(server.url)
    assert isinstance(outcome, Failure)
    assert "very" not in outcome.message
    assert "OPENAI_API_KEY" in outcome.message


def test_an_auth_failure_without_key_says_that_none_was_sent() -> None:
    with Server(fault=lambda _: "401") as server:
        outcome = ask_one(server.url)
    assert isinstance(outcome, Failure)
    assert "no key was sent" in outcome.message


def test_a_wrong_model_name_says_what_was_asked_for() -> None:
    with Server(models=["base"]) as server:
        outcome = ask_one(server.url)
    assert isinstance(outcome, Failure)
    assert outcome.fatal
    assert "'m'" in outcome.message
    assert server.url in outcome.message


def test_the_base_url_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/")
        provider = open_openai(make_spec())
        assert provider.endpoint == server.url


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://x/v1", "http://", "http://h:port/v1", "http://h/v1?key=abc"]
)
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="expected http") as caught:
        open_openai(make_spec(url))
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://me:secret@host:8443/v1/", "something with a user, a query or a fragment"),
        ("http://host/v1?api-key=secret", "something with a user, a query or a fragment"),
        ("sk-secret-in-the-wrong-place", "no address"),
        ("http://ho st/secret", "no address"),
    ],
)
def test_an_address_of_the_environment_is_looked_at_alike(
    url: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(UsageError) as caught:
        open_openai(make_spec())
    assert f"found {found} in the environment variable OPENAI_BASE_URL" in str(caught.value)
    assert "secret" not in str(caught.value)
    monkeypatch.setenv("OPENAI_BASE_URL", " http://Host:8000/v1/ ")
    assert open_openai(make_spec()).endpoint == "http://host:8000/v1"


def test_a_model_name_is_needed() -> None:
    with pytest.raises(UsageError, match="needs a model name"):
        open_openai(make_spec("http://h/v1", model=""))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_prompts_are_not_sent_on_to_another_server(status: int) -> None:
    with Server() as other, Server() as server:
        place = f"{other.url}/chat/completions"
        server.refuse = lambda _, __: web.Response(status=status, headers={"Location": place})
        outcome = ask_one(server.url)
    assert isinstance(outcome, Failure)
    assert f"it sends requests on to {place}" in outcome.message
    assert outcome.fatal
    assert (len(server.asked), len(other.asked)) == (1, 0)


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize(
    ("body", "kind"), [("<html>one moment</html>", "server"), ('{"error": "who?"}', None)]
)
def test_a_page_of_a_proxy_says_nothing_of_a_model_that_has_answered(
    status: int, body: str, kind: str | None
) -> None:
    def refuse(_: web.Request, __: object) -> web.Response | None:
        if len(server.asked) != 2:
            return None
        return web.Response(status=status, text=body, content_type="text/html")

    with Server(refuse=refuse) as server:
        (first, second, third), _ = ask(server.url, *[make_request()] * 3)
    assert isinstance(first, Answer)
    assert isinstance(third, Answer)
    assert isinstance(second, Failure)
    assert (second.fatal, second.retryable) == ((False, True) if kind else (True, False))
    assert kind in {None, second.kind}


def test_a_page_of_a_proxy_ends_what_has_never_been_answered() -> None:
    def refuse(_: web.Request, __: object) -> web.Response:
        return web.Response(status=404, text="<html>nginx</html>")

    with Server(refuse=refuse) as server:
        outcome = ask_one(server.url)
    assert isinstance(outcome, Failure)
    assert outcome.fatal
    assert "does the base URL end where the API begins" in outcome.message
