"""evalkit.yaml: what it may hold, and what it comes to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from evalkit.data.project import MOST_REPEATS, PROJECT_FILE, Project
from evalkit.data.spec import Role, name_fault, parse_judge, parse_model, url_fault
from evalkit.data.suitefile import GateFile, Strict, Text, Texts
from evalkit.data.yamlfile import Place, YamlFile, check, read_yaml
from evalkit.errors import ConfigError, UsageError, nearest
from evalkit.schema import Mode, ModelSpec, Price

IN_PROCESS = {"file", "local"}
"""Providers that send nothing."""
_NAMED = re.compile(r"[^=:]*=")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


def _variable(name: str) -> str:
    """The name of an environment variable. What isn't one may be a key, and is never repeated."""
    if not _VARIABLE.fullmatch(name):
        raise ValueError(
            "something that is no variable's name (not shown: it may be a key)",
            "the name of an environment variable in capitals, such as OPENAI_API_KEY; "
            "keys are only read from the environment",
        )
    return name


def _address(url: str) -> str:
    fault = url_fault(url)
    if fault:
        raise ValueError(*fault)
    return url


def _extra(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a request that evalkit doesn't know; what it sets itself has a place elsewhere."""
    for name in fields:
        if name in SENT:
            raise ValueError(f"{name!r}, which evalkit sends itself", SENT[name])
    try:
        json.dumps(fields, allow_nan=False)
    except (TypeError, ValueError) as error:
        known = "texts, numbers, true, false, null, lists and mappings of them"
        raise ValueError("a value that JSON does not have", known) from error
    return fields


_DECODING = "it in `generation` of the suites"
_MODEL = "it in `model`"
_NOWHERE = "fields that don't change what a reply is"
SENT = {
    "model": _MODEL,
    **dict.fromkeys(("messages", "prompt"), "it in the suites"),
    **dict.fromkeys(("temperature", "top_p", "top_k", "seed", "stop"), _DECODING),
    **dict.fromkeys(("max_tokens", "max_completion_tokens"), "`max_tokens` in `generation`"),
    **dict.fromkeys(("n", "stream", "stream_options", "echo", "logprobs"), _NOWHERE),
    **dict.fromkeys(("top_logprobs", "prompt_logprobs", "response_format"), _NOWHERE),
    **dict.fromkeys(("continue_final_message", "add_generation_prompt"), _NOWHERE),
}
"""Fields that requests have anyway -> what is expected in their place."""

ExtraBody = Annotated[dict[str, Any], AfterValidator(_extra)]
Variable = Annotated[Text, AfterValidator(_variable)]
Address = Annotated[Text, AfterValidator(_address)]


class EndpointFile(Strict):
    """A server, named once for all the models it serves."""

    provider: Annotated[Text, Field(pattern=r"^[a-z][a-z0-9_-]*$")] = "openai"
    base_url: Address | None = None
    api_key_env: Variable | None = None
    extra_body: ExtraBody = Field(default_factory=dict)


class PriceFile(Strict):
    """What tokens cost, in US dollars for a million of them."""

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)


class AskedFile(Strict):
    """A model, and how it is asked."""

    model: Text
    endpoint: Text | None = None
    mode: Mode | None = None
    api_key_env: Variable | None = None
    price: PriceFile | None = None
    extra_body: ExtraBody = Field(default_factory=dict)


class ModelFile(AskedFile):
    """One arm."""

    tuned_from: Text | None = None
    train: Text | None = None
    curve: Text | None = None
    job: Text | None = None
    step: int | None = Field(default=None, ge=0)


def _spelled_out(value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    """`judge: SPEC` is short for `judge: {model: SPEC}`."""
    return {"model": value} if isinstance(value, str) else value


class ProjectYaml(Strict):
    """The whole file."""

    endpoints: dict[str, EndpointFile] = Field(default_factory=dict)
    models: dict[str, ModelFile] = Field(default_factory=dict)
    suites: Texts = Field(default_factory=list)
    cache: Text | None = None
    seed: int | None = Field(default=None, ge=0)
    concurrency: int | None = Field(default=None, ge=1)
    timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_cost: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    limit: int | None = Field(default=None, ge=1)
    batch: bool = False
    repeats: int | None = Field(default=None, ge=1, le=MOST_REPEATS)
    perturb: int | None = Field(default=None, ge=0)
    gate: GateFile | None = None
    logprobs: bool | None = None
    judge: Annotated[AskedFile | None, BeforeValidator(_spelled_out)] = None


def read_project_file(path: Path) -> Project:
    """Read and check an evalkit.yaml.

    Raises:
        ConfigError: every field that is wrong, a line each.
    """
    source = read_yaml(path)
    found = check(source, ProjectYaml)
    faults = list(_faults(source, found))
    models: list[ModelSpec] = []
    for name, model in found.models.items():
        if name_fault(name):
            continue
        try:
            models.append(_spec(name, model, found, path.parent))
        except UsageError as error:
            faults.append(source.say(("models", name, "model"), str(error)))
    judge = None
    if found.judge is not None:
        try:
            judge = _asked(None, found.judge, found, path.parent, "judge")
        except UsageError as error:
            faults.append(source.say(("judge", "model"), str(error)))
    if faults:
        raise ConfigError("\n".join(faults))
    return Project(
        judge=judge,
        models=tuple(models),
        suites=tuple(path.parent / suite for suite in found.suites),
        cache=None if found.cache is None else path.parent / found.cache,
        seed=found.seed,
        concurrency=found.concurrency,
        timeout=found.timeout,
        max_seconds=found.max_seconds,
        max_cost=found.max_cost,
        limit=found.limit,
        batch=found.batch,
        gate=None if found.gate is None else found.gate.record(),
        logprobs=found.logprobs,
        repeats=found.repeats,
        perturb=found.perturb,
    )


def _faults(source: YamlFile, found: ProjectYaml) -> Iterator[str]:
    """What no single field shows."""
    for name, model in found.models.items():
        place: Place = ("models", name)
        why = name_fault(name)
        if why:
            yield source.fault(
                place, f"a model name that {why.split('; ')[0]}", why.split("; expected ")[1]
            )
        yield from _no_endpoint(source, found, place, model)
        if model.tuned_from is not None:
            bases = [other for other, m in found.models.items() if m.tuned_from is None]
            if model.tuned_from not in bases:
                hint = nearest(model.tuned_from, bases)
                yield source.fault(
                    (*place, "tuned_from"), f"{model.tuned_from!r}", f"a base model; {hint}"
                )
        if model.job is not None and model.tuned_from is None:
            yield source.fault(
                (*place, "job"), f"{model.job!r} of a base model", "`tuned_from` as well"
            )
    if found.judge is not None:
        yield from _no_endpoint(source, found, ("judge",), found.judge)
    for index, suite in enumerate(found.suites):
        if not (source.path.parent / suite).exists():
            yield source.fault(
                ("suites", index), f"{suite!r}, which is not there", "a suite folder or a data file"
            )


def _no_endpoint(
    source: YamlFile, found: ProjectYaml, place: Place, model: AskedFile
) -> Iterator[str]:
    """An endpoint that is named, but not there."""
    if model.endpoint is not None and model.endpoint not in found.endpoints:
        hint = nearest(model.endpoint, found.endpoints)
        yield source.fault((*place, "endpoint"), f"{model.endpoint!r}", f"an endpoint; {hint}")


def _spec(name: str, model: ModelFile, project: ProjectYaml, folder: Path) -> ModelSpec:
    """An arm as the rest of evalkit knows it."""
    role: Role = "base" if model.tuned_from is None else "tuned"
    return replace(
        _asked(name, model, project, folder, role),
        tuned_from=model.tuned_from,
        train=None if model.train is None else _relative(model.train, folder),
        curve=None if model.curve is None else str(folder / model.curve),
        job=model.job,
        step=model.step,
    )


def _asked(
    name: str | None, model: AskedFile, project: ProjectYaml, folder: Path, role: Role
) -> ModelSpec:
    """A model and how it is asked; without a name it has the one of its spec: `NAME=...`."""
    endpoint = project.endpoints.get(model.endpoint or "")
    own = _NAMED.match(model.model) if name is None else None
    text = model.model[own.end() :] if own else model.model
    if endpoint is not None and not text.startswith(f"{endpoint.provider}:"):
        text = f"{endpoint.provider}:{text}"
    named = own[0] if own else "" if name is None else f"{name}="
    text = f"{named}{text}"
    spec = parse_judge(text) if role == "judge" else parse_model(text, role)
    base_url = spec.base_url
    if endpoint is not None and base_url is None:
        base_url = endpoint.base_url
    price = model.price
    extra = {**(endpoint.extra_body if endpoint else {}), **model.extra_body}
    if extra and spec.provider in IN_PROCESS:
        raise UsageError(
            f"`extra_body` for `{spec.provider}:`, which sends no requests; expected it for a "
            "served model only"
        )
    key = model.api_key_env or (endpoint.api_key_env if endpoint else None)
    return replace(
        spec,
        model=_relative(spec.model, folder) if spec.provider in IN_PROCESS else spec.model,
        base_url=base_url,
        mode=model.mode,
        api_key_env=key,
        price=None if price is None else Price(price.input, price.output, PROJECT_FILE),
        extra_body=json.dumps(extra, sort_keys=True) if extra else "",
    )


def _relative(name: str, folder: Path) -> str:
    """A path relative to the project file; a name that is none stays a name."""
    path = folder / name
    return str(path) if path.exists() else name
