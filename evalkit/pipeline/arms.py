"""Which models a run compares: those of the command line, or of the project file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalkit.data import Project, parse_model
from evalkit.errors import UsageError, nearest
from evalkit.pipeline.checkpoints import JOB
from evalkit.schema import ModelSpec


def choose_arms(
    project: Project, base: str | None, tuned: Sequence[str], checkpoints: Sequence[str]
) -> tuple[ModelSpec, ...]:
    """The arms: a flag replaces the project's models of that role."""
    known = {spec.name: spec for spec in project.models}
    bases = [spec for spec in project.models if spec.role == "base"]
    arms = [spec for spec in project.models if spec.role == "tuned"]
    if base is not None:
        bases = [_spec(base, known, "base")]
    if tuned or checkpoints:
        arms = [_spec(text, known, "tuned") for text in tuned]
        arms += [replace(_spec(text, known, "tuned"), job=JOB) for text in checkpoints]
    if not bases:
        raise UsageError("no base model: give --base SPEC, for example --base openai:gpt-4o-mini")
    if not arms:
        raise UsageError("no tuned model: give --tuned SPEC, for example --tuned openai:my-adapter")
    names = [spec.name for spec in (*bases, *arms)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two models are called {name!r}; give one another name: --tuned NEW_NAME=SPEC"
            )
    base_names = {spec.name for spec in bases}
    arms = [
        arm if arm.tuned_from in base_names else replace(arm, tuned_from=bases[0].name)
        for arm in arms
    ]
    return (*bases, *arms)


def _spec(text: str, known: dict[str, ModelSpec], role: str) -> ModelSpec:
    """A spec of the command line: the name of a model of the project file, or a spec in full."""
    if text in known:
        return replace(known[text], role="base" if role == "base" else "tuned")
    if ":" not in text and known:
        raise UsageError(f"unknown model {text!r}; {nearest(text, known)}")
    return parse_model(text, "base" if role == "base" else "tuned")


def require_other_specs(models: Sequence[ModelSpec]) -> None:
    """Refuse a tuned model that is asked just as its base is: it would be its base.

    Raises:
        UsageError: there is one.
    """
    by_name = {model.name: model for model in models}
    for model in models:
        other = by_name.get(model.tuned_from or "")
        if other is not None and _asked_as(other) == _asked_as(model):
            raise UsageError(
                f"{model.name!r} and its base {other.name!r} are the same model "
                f"({model.provider}:{model.model}); name the tuned one, or say --allow-identical"
            )


def _asked_as(model: ModelSpec) -> tuple[str | None, ...]:
    return model.provider, model.model, model.base_url, model.mode, model.extra_body
