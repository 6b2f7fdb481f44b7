"""What servers really send, and what evalkit makes of it: one row for each thing that is known.

The shapes are those of the servers' own sources and pages, named above each row, as they stood in
autumn 2026; what is said in them is ours, but for the words by which evalkit tells one case from
another. Everything is sent over a real socket.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web

from evalkit.models import parse_result
from evalkit.models.limits import Allowance, read_allowances
from evalkit.models.listing import find_served, read_listing
from evalkit.models.openai import OpenAIProvider, open_openai
from evalkit.schema import (
    Answer,
    Failure,
    Generation,
    Likelihood,
    Message,
    Mode,
    ModelSpec,
    Request,
    ServedModel,
)
from tests.servers.openai_server import Server

AGAIN, FINAL, FATAL = "asked again", "not asked again", "the model is not asked any more"

Seen = tuple[str, str, float | str | None]
"""Of an answer its text and why it ended; of a failure its kind, what follows, and the wait."""


@dataclass(frozen=True)
class Case:
    """One reply of one server.

    Attributes:
        server: which one.
        what: the situation.
        status: HTTP status.
        body: what it sends, as JSON.
        seen: what evalkit makes of it.
        headers: of the reply.
        mode: how the model is asked.
    """

    server: str
    what: str
    status: int
    body: Any
    seen: Seen
    headers: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = "chat"

    @property
    def name(self) -> str:
        return f"{self.server}: {self.what}"


def chat(content: object, reason: str | None = "stop", **choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "message": message, "finish_reason": reason, **choice}]
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    return {"id": "c-1", "object": "chat.completion", "choices": choices, "usage": usage}


def error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def vllm(message: str, kind: str, code: int, param: str | None = None) -> dict[str, Any]:
    return error(message, type=kind, param=param, code=code)


def sglang(message: str, kind: str, code: int) -> dict[str, Any]:
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def tgi(message: str, kind: str) -> dict[str, Any]:
    return {"error": message, "error_type": kind}


CASES = [
    # vLLM, entrypoints/openai/models/serving.py
    Case(
        "vLLM", "a model or adapter that it does not serve", 404,
        vllm("The model `x` does not exist.", "NotFoundError", 404, "model"),
        ("refused", FATAL, None),
    ),
    # vLLM, renderers/params.py; exception_handling/error_response.py
    Case(
        "vLLM", "a prompt that is too long", 400,
        vllm("maximum context length is 64 tokens", "BadRequestError", 400, "input_tokens"),
        ("refused", FINAL, None),
    ),
    # vLLM, exception_handling/handlers/validation.py: `param` as a path
    Case(
        "vLLM", "a field of the wrong type", 400,
        vllm("1 validation error:\n  {'loc': 'body.n'}", "Bad Request", 400, "body.n"),
        ("refused", FINAL, None),
    ),
    # vLLM until 0.10, pydantic's own words: the request is repeated, parameters and all
    Case(
        "vLLM", "a refusal that repeats the request", 400,
        sglang("[{'type': 'value_error', 'loc': ('body',), 'msg': 'this is not supported', "
               "'input': {'model': 'm', 'temperature': 0.0, 'stop': ['END']}}]",
               "BadRequestError", 400),
        ("refused", FINAL, None),
    ),
    # vLLM, exception_handling/handlers/vllm_error.py
    Case(
        "vLLM", "the engine is dead", 500,
        vllm("see the log", "InternalServerError", 500), ("server", AGAIN, None),
    ),
    Case(
        "vLLM", "something that it has not", 501,
        vllm("not here", "NotImplementedError", 501), ("refused", FINAL, None),
    ),
    # vLLM, entrypoints/serve/middleware/authenticate.py
    Case("vLLM", "a wrong key", 401, {"error": "Unauthorized"}, ("auth", FATAL, None)),
    # vLLM, v1/engine/__init__.py: stop, length, abort, error (always a 500), repetition
    Case("vLLM", "paused in the middle", 200, chat("half an", "abort"), ("server", AGAIN, None)),
    Case("vLLM", "going round in circles", 200, chat("ab ab", "repetition"),
         ("answer", "ab ab", "repetition")),
    # vLLM, chat_completion/protocol.py: `reasoning`, once `reasoning_content`
    Case(
        "vLLM", "all tokens went into thinking", 200,
        chat(None, "length", message={"role": "assistant", "content": None, "reasoning": "hm"}),
        ("answer", "", "length"),
    ),
    Case("vLLM", "a stop text was met", 200, chat("ok", "stop", stop_reason="\n"),
         ("answer", "ok", "stop")),
    # SGLang, entrypoints/openai/serving_base.py: no `error` around it
    Case(
        "SGLang", "a prompt that is too long", 400,
        sglang("the input is longer than the context", "BadRequestError", 400),
        ("refused", FINAL, None),
    ),
    Case(
        "SGLang", "no chat template", 500,
        sglang("tokenizer.chat_template is not set", "InternalServerError", 500),
        ("server", AGAIN, None),
    ),
    # SGLang, managers/tokenizer_manager.py: an abort has a status of its own, or none at all
    Case("SGLang", "aborted by its operator", 499, {"detail": "aborted"}, ("server", AGAIN, None)),
    Case("SGLang", "aborted, as an answer", 200, chat("half an", "abort"),
         ("server", AGAIN, None)),
    Case(
        "SGLang", "an error as a success", 200, sglang("out of memory", "InternalServerError", 500),
        ("server", AGAIN, None),
    ),
    # OpenAI, error pages, and issues that quote them
    Case(
        "OpenAI", "no credit", 429,
        error("check your plan", type="insufficient_quota", param=None, code="insufficient_quota"),
        ("quota", FATAL, None),
    ),
    Case(
        "OpenAI", "too many tokens a minute", 429,
        error("Rate limit reached", type="tokens", param=None, code="rate_limit_exceeded"),
        ("rate_limit", AGAIN, 1.5), {"retry-after-ms": "1500", "retry-after": "2"},
    ),
    Case(
        "OpenAI", "more tokens than a minute has", 429,
        error("Request too large on tokens per min: Limit 30, Requested 40", type="tokens",
              param=None, code="rate_limit_exceeded"),
        ("refused", FINAL, None),
    ),
    Case(
        "OpenAI", "log-probabilities of a reasoning model", 403,
        error("You are not allowed to request logprobs from this model", param=None, code=None),
        ("refused", FINAL, None),
    ),
    Case(
        "OpenAI", "a project without this model", 403,
        error("no access to model `x`", param=None, code="model_not_found"), ("auth", FATAL, None),
    ),
    Case(
        "OpenAI", "no such model", 404,
        error("`x` does not exist", type="invalid_request_error", code="model_not_found"),
        ("refused", FATAL, None),
    ),
    # OpenAI, now and then instead of an empty answer with the reason `length`
    Case(
        "OpenAI", "all tokens went into thinking", 400,
        error("Could not finish the message because max_tokens or model output limit was reached.",
              type="invalid_request_error", param=None, code=None),
        ("answer", "", "length"),
    ),
    Case(
        "OpenAI", "a refusal", 200,
        chat(None, message={"role": "assistant", "content": None, "refusal": "I won't."}),
        ("answer", "I won't.", "stop"),
    ),
    # Azure, how-to/content-filter
    Case(
        "Azure", "a filtered prompt", 400,
        error("filtered", type=None, param="prompt", code="content_filter", status=400,
              innererror={"code": "ResponsibleAIPolicyViolation"}),
        ("refused", FINAL, None),
    ),
    Case(
        "Azure", "a filtered answer", 200,
        chat(None, "content_filter", message={"role": "assistant"}, content_filter_results={}),
        ("answer", "", "content_filter"),
    ),
    Case(
        "Azure", "no such deployment", 404,
        error("The deployment is not there", code="DeploymentNotFound"), ("refused", FATAL, None),
    ),
    Case(
        "Azure", "the quota of a day", 429, error("retry after 86400 seconds", code="429"),
        ("rate_limit", AGAIN, 86400.0), {"Retry-After": "86400"},
    ),
    # OpenRouter, docs/api/reference/errors-and-debugging and docs/api/reference/limits
    Case("OpenRouter", "its provider failed", 200, error("Provider returned error", code=502),
         ("server", AGAIN, None)),
    Case(
        "OpenRouter", "its provider failed in the middle", 200,
        chat("half an", "error", error={"code": 429, "message": "slow down"}),
        ("rate_limit", AGAIN, None),
    ),
    Case("OpenRouter", "the answer broke off", 200, chat("half an", "error"),
         ("server", AGAIN, None)),
    Case("OpenRouter", "no credit", 402, error("add credits", code=402), ("quota", FATAL, None)),
    Case(
        "OpenRouter", "too much in flight for the credit", 402,
        error("slow down", code=402, metadata={"limit_source": "openrouter_in_flight_budget"}),
        ("rate_limit", AGAIN, 7.0), {"Retry-After": "7"},
    ),
    Case("OpenRouter", "a flagged prompt", 403, error("input was flagged", code=403),
         ("refused", FINAL, None)),
    Case("OpenRouter", "a prompt that a guardrail blocks", 403,
         error("Request blocked: looks like an injection", code=403), ("refused", FINAL, None)),
    Case("OpenRouter", "no such model", 400, error("x is not a valid model ID", code=400),
         ("refused", FATAL, None)),
    # LiteLLM, proxy/_types.py and proxy/route_llm_request.py: `code` is a text
    Case(
        "LiteLLM", "the budget of a key", 400,
        error("Budget has been exceeded!", type="budget_exceeded", param=None, code="400"),
        ("quota", FATAL, None),
    ),
    Case(
        "LiteLLM", "no such model", 400,
        {"detail": {"error": "/chat/completions: Invalid model name passed in model=x"}},
        ("refused", FATAL, None),
    ),
    Case("LiteLLM", "a rate limit of the server behind it", 429,
         error("litellm.RateLimitError: slow", type=None, code="429"), ("rate_limit", AGAIN, None)),
    # TGI, router/src/server.rs and validation.rs: `error` is a text
    Case("TGI", "too many at a time", 429, tgi("Model is overloaded", "overloaded"),
         ("rate_limit", AGAIN, None)),
    Case("TGI", "the model broke down", 424, tgi("failed during generation", "generation"),
         ("server", AGAIN, None)),
    Case("TGI", "a prompt that is too long", 422, tgi("`inputs` must have less", "validation"),
         ("refused", FINAL, None)),
    # llama.cpp, tools/server/server-common.cpp and server.cpp: refusals of its own are a 500
    Case(
        "llama-server", "a prompt that is too long", 400,
        error("exceeds the available context", type="exceed_context_size_error", code=400,
              n_prompt_tokens=80, n_ctx=64),
        ("refused", FINAL, None),
    ),
    Case("llama-server", "still loading", 503,
         error("Loading model", type="unavailable_error", code=503), ("server", AGAIN, None)),
    Case(
        "llama-server", "an echo", 500,
        error("Only no echo is supported", type="server_error", code=500),
        ("refused", FINAL, None), mode="completions",
    ),
    # llama-cpp-python, server/errors.py: whatever goes wrong is a 500
    Case(
        "llama-cpp-python", "log-probabilities of a model that keeps none", 500,
        error("logprobs is not supported for models created with logits_all=False",
              type="internal_server_error", param=None, code=None),
        ("refused", FINAL, None), mode="completions",
    ),
    Case(
        "llama-cpp-python", "a value that is none", 500,
        error("1 validation error:\n  {'type': 'greater_than_equal', 'loc': ('body', 'seed')}",
              type="internal_server_error", param=None, code=None),
        ("refused", FINAL, None),
    ),
    # Ollama, openai/openai.go
    Case(
        "Ollama", "a model that is not pulled", 404,
        error("model 'x' not found", type="not_found_error", param=None, code=None),
        ("refused", FATAL, None),
    ),
    # LM Studio, issues that quote its log
    Case(
        "LM Studio", "nothing is loaded", 404,
        error("No models loaded", type="invalid_request_error", param="model", code=None),
        ("refused", FATAL, None),
    ),
    # Mistral, API reference; DeepSeek, API reference
    Case("Mistral", "the context is full", 200, chat("half an", "model_length"),
         ("answer", "half an", "length")),
    Case(
        "Mistral", "an answer with its thoughts", 200,
        chat([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
              {"type": "text", "text": "ok"}]),
        ("answer", "ok", "stop"),
    ),
    Case("Mistral", "no such model", 400,
         {"object": "error", "message": "Invalid model: x", "type": "invalid_model",
          "param": None, "code": "1500"}, ("refused", FATAL, None)),
    Case("DeepSeek", "out of capacity", 200, chat("half", "insufficient_system_resource"),
         ("server", AGAIN, None)),
    # Groq, docs/errors
    Case("Groq", "more tokens than a minute has", 413, error("Request too large", type="tokens"),
         ("refused", FINAL, None)),
    Case("Groq", "no capacity in this tier", 498, error("try later"), ("server", AGAIN, None)),
    # xAI; GitHub Models; both in issues that quote them
    Case(
        "xAI", "a wrong key", 400,
        {"code": "invalid argument", "error": "Incorrect API key provided: xa***yz."},
        ("auth", FATAL, None),
    ),
    Case("GitHub", "no such model", 400, error("Unknown model: x", code="unknown_model"),
         ("refused", FATAL, None)),
    # Gemini, its OpenAI endpoint: a list of one
    Case("Gemini", "a rate limit", 429, [error("slow down", code=429, status="RESOURCE_EXHAUSTED")],
         ("rate_limit", AGAIN, None)),
]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Replies by the name of the model that is asked for: that of a case."""
    cases = {case.name: case for case in CASES}

    def reply(_: web.Request, body: dict[str, Any]) -> web.Response:
        case = cases[body["model"]]
        return web.json_response(case.body, status=case.status, headers=case.headers)

    with Server(refuse=reply) as running:
        yield running


def test_a_router_says_whom_it_asked() -> None:
    """OpenRouter: another provider may run other weights under the same name."""
    body = chat("ok") | {"model": "org/m", "provider": "Somebody"}
    with Server(refuse=lambda *_: web.json_response(body)) as server:
        (outcome,), _ = ask(server, REQUEST)
    assert isinstance(outcome, Answer)
    assert outcome.served_model == "org/m by Somebody"


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_replies(case: Case, server: Server) -> None:
    (outcome,), notes = ask(server, REQUEST, model=case.name, mode=case.mode)
    assert seen(outcome) == case.seen
    assert notes == []


REQUEST = Request(
    "s", "test", "1", "Hi", (Message("user", "Hi"),), Generation(stop=("END",), top_k=5)
)


def ask(
    server: Server, *requests: Request, model: str = "m", mode: Mode = "chat"
) -> tuple[list[Answer | Failure], list[str]]:
    async def main() -> tuple[list[Answer | Failure], list[str]]:
        provider = provider_of(server.url, model, mode)
        try:
            return await provider.complete(requests), provider.notes
        finally:
            await provider.close()

    return asyncio.run(main())


def provider_of(url: str, model: str = "m", mode: Mode = "chat") -> OpenAIProvider:
    return open_openai(ModelSpec("arm", "openai", model, "base", url, mode))


def seen(outcome: Answer | Failure) -> Seen:
    if isinstance(outcome, Answer):
        return ("answer", outcome.text, outcome.finish_reason)
    follows = FATAL if outcome.fatal else AGAIN if outcome.retryable else FINAL
    return (outcome.kind, follows, outcome.retry_after)


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        # OpenAI, reasoning models
        ("max_tokens", 400, error("Unsupported parameter: 'max_tokens' is not supported with this "
         "model. Use 'max_completion_tokens' instead.", param="max_tokens",
         code="unsupported_parameter")),
        ("temperature", 400, error("Unsupported value: 'temperature' does not support 0 with this "
         "model.", param="temperature", code="unsupported_value")),
        ("stop", 400, error("Invalid 'stop': array too long. Expected at most 4.", param="stop",
         code="array_above_max_length")),
        # OpenAI and Azure, an argument that is not theirs: no quotes and no `param`
        ("top_k", 400, error("Unrecognized request argument supplied: top_k", param=None)),
        ("reasoning_effort", 400,
         error("Unrecognized request arguments supplied: reasoning_effort, n", param=None)),
        # xAI
        ("stop", 400, {"code": "invalid argument",
         "error": "Argument not supported on this model: stop"}),
        # LiteLLM, UnsupportedParamsError
        ("seed", 400, error("x does not support parameters: ['seed'], for model=x", param=None,
         code="400")),
        # TGI, router/src/validation.rs: a mass of 1 is no mass
        ("top_p", 422, tgi("`top_p` must be > 0.0 and < 1.0", "validation")),
        ("stop", 422, tgi("`stop` supports up to 4 stop sequences. Given: 5", "validation")),
        # Mistral, and whatever else forbids fields by pydantic
        ("top_k", 422, {"object": "error", "message": {"detail": [{"type": "extra_forbidden",
         "loc": ["body", "top_k"], "msg": "Extra inputs are not permitted", "input": 5}]}}),
        # Gemini
        ("seed", 400, [error('Unknown name "seed": Cannot find field.', code=400)]),
    ],
)  # fmt: skip
def test_parameters_that_are_refused(name: str, status: int, body: Any) -> None:
    def refuse(_: web.Request, sent: dict[str, Any]) -> web.Response | None:
        return web.json_response(body, status=status) if name in sent else None

    request = replace(REQUEST, effort="low")
    with Server(refuse=refuse, reply=lambda *_: "yes END no") as server:
        outcomes, notes = ask(server, request, request)
    assert [seen(outcome)[0] for outcome in outcomes] == ["answer", "answer"]
    assert len(server.asked) == 3
    assert [name in asked.body for asked in server.asked] == [True, False, False]
    assert len(notes) == 1
    assert f"`{name}`" in notes[0]


@pytest.mark.parametrize(
    ("mode", "logprobs"),
    [
        ("chat", {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": []}]}),  # OpenAI
        ("completions", {"tokens": ["a"], "token_logprobs": [-0.5], "text_offset": [0]}),  # OpenAI
        # llama.cpp, tools/server/server-task.cpp; Ollama, openai/openai.go
        ("completions", {"content": [{"id": 5, "token": "a", "bytes": [97], "logprob": -0.5}]}),
    ],
)
def test_log_probabilities_of_an_answer(mode: Mode, logprobs: object) -> None:
    choice = {"text": "a", "message": {"content": "a"}, "logprobs": logprobs}

    async def main(url: str) -> object:
        provider = provider_of(url, mode=mode)
        try:
            return await provider.logprobs(REQUEST)
        finally:
            await provider.close()

    with Server(refuse=lambda *_: web.json_response({"choices": [choice]})) as server:
        assert asyncio.run(main(server.url)) == (-0.5,)


def test_no_log_probabilities_of_a_reasoning_model_end_no_run() -> None:
    """OpenAI refuses them with the status of a wrong key."""
    case = next(case for case in CASES if "log-probabilities" in case.what)

    async def main(url: str) -> object:
        provider = provider_of(url)
        try:
            return await provider.logprobs(REQUEST)
        finally:
            await provider.close()

    with Server(refuse=lambda *_: web.json_response(case.body, status=403)) as server:
        assert asyncio.run(main(server.url)) == ()


def echoed(tokens: list[str], values: list[float | None]) -> dict[str, Any]:
    logprobs = {"tokens": tokens, "token_logprobs": values, "text_offset": [-1] * len(tokens)}
    choice = {"text": "".join(tokens), "finish_reason": "length", "logprobs": logprobs}
    return {"choices": [choice], "usage": {"completion_tokens": 1}}


def prompted(*tokens: str) -> dict[str, Any]:
    """Token id -> entry, the token itself first, what ranks above it after that."""
    entries = [
        {
            str(i): {"logprob": -float(i), "rank": 2, "decoded_token": token},
            "7": {"logprob": -0.1, "rank": 1, "decoded_token": "?"},
        }
        for i, token in enumerate(tokens, 1)
    ]
    return chat("!", "length") | {"prompt_logprobs": [None, *entries]}


@pytest.mark.parametrize(
    ("mode", "body", "likelihood"),
    [
        # vLLM, completion/serving.py; SGLang, entrypoints/openai/utils.py: the first token has no
        # log-probability, the generated one is the last; what is impossible, vLLM calls -9999
        ("completions", echoed(["Hi", " a", " b", "!"], [None, -1.0, -2.0, -9.0]), (-3.0, 2)),
        ("completions", echoed(["Hi", " a", " b", "!"], [None, -1.0, -9999.0, -9.0]), (-101.0, 2)),
        # vLLM before July 2026, SentencePiece: the space before a word is lost (#48674)
        ("completions", echoed(["Hi", "a", "b", "!"], [None, -1.0, -2.0, -9.0]), (-3.0, 2)),
        ("completions", echoed(["Hi", "", "a", "b", "!"], [None, -4.0, -1.0, -2.0, -9.0]),
         (-7.0, 3)),
        # vLLM 0.8.3: the vocabulary's own marks (#16838)
        ("completions", echoed(["Hi", "Ġa", "Ġb", "!"], [None, -1.0, -2.0, -9.0]), (-3.0, 2)),
        ("completions", echoed(["Hi", "▁a", "▁b", "!"], [None, -1.0, -2.0, -9.0]), (-3.0, 2)),
        # vLLM with --return-tokens-as-token-ids
        ("completions", echoed(["token_id:1", "token_id:2", "token_id:3"], [None, -1.0, -9.0]),
         None),
        # vLLM, chat_completion/protocol.py
        ("chat", prompted("<|user|>", "Hi", "<|assistant|>", "a", " b"), (-9.0, 2)),
        # SGLang, and all that know nothing of `prompt_logprobs`
        ("chat", chat("!", "length"), None),
    ],
)  # fmt: skip
def test_log_probabilities_of_a_text(
    mode: Mode, body: Any, likelihood: tuple[float, int] | None
) -> None:
    request = replace(REQUEST, scored="a b")
    with Server(refuse=lambda *_: web.json_response(body)) as server:
        (outcome,), _ = ask(server, request, mode=mode)
    if likelihood is None:
        assert seen(outcome) == ("unsupported", FINAL, None)
    else:
        assert isinstance(outcome, Answer)
        assert outcome.likelihood == Likelihood("a b", *likelihood)


@pytest.mark.parametrize(
    ("listed", "asked_for", "found"),
    [
        # vLLM, models/serving.py: adapters have a parent and no length of their own
        (
            {"data": [{"id": "base", "owned_by": "vllm", "root": "/m", "max_model_len": 64},
                      {"id": "tune", "owned_by": "vllm", "root": "/a", "parent": "base",
                       "max_model_len": None}]},
            "tune", ServedModel("tune", "base", "/a", 64),
        ),
        # SGLang, http_server.py and serving_base.py: listed bare, asked for as BASE:NAME
        (
            {"data": [{"id": "base", "owned_by": "sglang", "root": "base", "max_model_len": 64},
                      {"id": "tune", "owned_by": "sglang", "root": "/a", "parent": "base"}]},
            "base:tune", ServedModel("base:tune", "base", "/a", 64),
        ),
        (
            {"data": [{"id": "base", "owned_by": "sglang"},
                      {"id": "tune", "owned_by": "sglang", "parent": "base"}]},
            "tune", None,
        ),
        # Ollama, openai/openai.go
        ({"data": [{"id": "tune:latest", "owned_by": "library"}]}, "tune",
         ServedModel("tune:latest")),
        ({"data": [{"id": "tune:latest"}, {"id": "tune:q8"}]}, "tune:q8", ServedModel("tune:q8")),
        # OpenRouter; Mistral; Groq; LM Studio (/api/v0); Azure
        ({"data": [{"id": "m", "context_length": 64, "expiration_date": "2027-01-31"}]}, "m",
         ServedModel("m", context=64, retires="2027-01-31")),
        ({"data": [{"id": "m", "max_context_length": 64, "deprecation": "2027-01-31T12:00:00Z"}]},
         "m", ServedModel("m", context=64, retires="2027-01-31")),
        ({"data": [{"id": "m", "context_window": 64, "active": True}]}, "m",
         ServedModel("m", context=64)),
        ({"data": [{"id": "m", "max_context_length": 99, "loaded_context_length": 64}]}, "m",
         ServedModel("m", context=64)),
        ({"data": [{"id": "m", "deprecation": {"fine_tune": 1, "inference": 1801353600}}]}, "m",
         ServedModel("m", retires="2027-01-31")),
        # Together: no object around the list
        ([{"id": "m", "context_length": 64}], "m", ServedModel("m", context=64)),
    ],
)  # fmt: skip
def test_lists_of_models(listed: Any, asked_for: str, found: ServedModel | None) -> None:
    models = read_listing(json.dumps(listed).encode())
    assert models is not None
    assert find_served(models, asked_for) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        # OpenAI, API reference: output file and error file; vLLM, entrypoints/openai/run_batch.py
        ({"response": {"status_code": 200, "request_id": "r", "body": chat("ok")}, "error": None},
         ("answer", "ok", "stop")),
        ({"response": {"status_code": 400, "body": error("too long")}, "error": None},
         ("refused", FINAL, None)),
        ({"response": {"status_code": 429, "body": error("slow down")}, "error": None},
         ("rate_limit", AGAIN, None)),
        ({"response": {"status_code": 400, "body": error(
          "Could not finish the message because max_tokens was reached.")}, "error": None},
         ("answer", "", "length")),
        # vLLM: an error object beside a response without a body; what it did not expect is a 400
        # with a bare text
        ({"response": {"status_code": 404, "request_id": "r", "body": None},
          "error": vllm("`x` does not exist.", "NotFoundError", 404)}, ("refused", FATAL, None)),
        ({"response": {"status_code": 500, "request_id": "r", "body": None},
          "error": vllm("no output", "InternalServerError", 500)}, ("server", AGAIN, None)),
        ({"response": {"status_code": 400, "request_id": "r", "body": None},
          "error": "URL /v1/completions was used."}, ("refused", FINAL, None)),
    ],
)  # fmt: skip
def test_lines_of_batches(line: dict[str, Any], found: Seen) -> None:
    result = parse_result(json.dumps({"id": "l-1", "custom_id": "a", **line}).encode())
    assert result is not None
    provider = provider_of("http://localhost:1/v1")
    assert seen(provider.read(result.status, result.content, ())) == found


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        # OpenAI, guides/rate-limits
        (
            {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59",
             "x-ratelimit-reset-requests": "1s", "x-ratelimit-limit-tokens": "150000",
             "x-ratelimit-remaining-tokens": "149984", "x-ratelimit-reset-tokens": "6m0s"},
            (Allowance("requests", 60, 59, 1.0), Allowance("tokens", 150000, 149984, 360.0)),
        ),
        # Groq, docs/rate-limits: requests of a day, tokens of a minute
        (
            {"x-ratelimit-limit-requests": "14400", "x-ratelimit-remaining-requests": "14370",
             "x-ratelimit-reset-requests": "2m59.56s", "x-ratelimit-limit-tokens": "18000",
             "x-ratelimit-remaining-tokens": "17997", "x-ratelimit-reset-tokens": "7.66ms"},
            (Allowance("requests", 14400, 14370, 179.56),
             Allowance("tokens", 18000, 17997, 0.00766)),
        ),
        # Azure says what is left and not of how much
        ({"x-ratelimit-remaining-requests": "9", "x-ratelimit-remaining-tokens": "900"}, ()),
    ],
)  # fmt: skip
def test_rate_limit_headers(headers: dict[str, str], found: tuple[Allowance, ...]) -> None:
    read = read_allowances(headers)
    assert [a.reset for a in read] == pytest.approx([a.reset for a in found])
    assert [replace(a, reset=0.0) for a in read] == [replace(a, reset=0.0) for a in found]
