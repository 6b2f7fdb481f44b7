"""Checkpoints of training jobs in a plan: their steps, and the loss files of their jobs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from evalkit.errors import UsageError
from evalkit.schema import ModelSpec

JOB = "checkpoints"
"""What the job is called whose checkpoints are named on the command line."""
_STEP = re.compile(r"(?:step|checkpoint|ckpt|epoch)[-_ ]?(\d+)", re.IGNORECASE)
_LAST_NUMBER = re.compile(r"(\d+)\D*\Z")


def with_steps(models: Sequence[ModelSpec]) -> tuple[ModelSpec, ...]:
    """The arms, each checkpoint of a job with its step: told, or read from its name.

    Raises:
        UsageError: a step that is not told, or that two checkpoints of a job share; or checkpoints
            of one job that are tuned from different bases.
    """
    found = tuple(m if m.job is None or m.step is not None else _numbered(m) for m in models)
    seen: dict[tuple[str | None, int | None], ModelSpec] = {}
    bases: dict[str, ModelSpec] = {}
    for model in found:
        if model.job is None:
            continue
        other = seen.setdefault((model.job, model.step), model)
        if other is not model:
            raise UsageError(
                f"checkpoints {other.name!r} and {model.name!r} of {model.job!r}: found step "
                f"{model.step} twice, expected a step of its own for each; name it in the model's "
                "name (NAME-100=SPEC) or by `step:` in evalkit.yaml"
            )
        first = bases.setdefault(model.job, model)
        if first.tuned_from != model.tuned_from:
            raise UsageError(
                f"checkpoints {first.name!r} and {model.name!r} of {model.job!r}: found the bases "
                f"{first.tuned_from!r} and {model.tuned_from!r}, expected one"
            )
    return found


def _numbered(model: ModelSpec) -> ModelSpec:
    """A checkpoint with the step that its name, or else the provider's name for it, tells."""
    for pattern in (_STEP, _LAST_NUMBER):
        for text in (model.name, model.model):
            match = pattern.search(text)
            if match:
                return replace(model, step=int(match[1]))
    raise UsageError(
        f"checkpoint {model.name!r}: found no step in its name, expected one such as "
        f"{model.name}-100={model.provider}:{model.model}, or `step:` in evalkit.yaml"
    )


def with_curves(models: Sequence[ModelSpec], curves: Sequence[object]) -> tuple[ModelSpec, ...]:
    """The arms, with the loss files that are named on the command line: `[NAME=]FILE`.

    A name is that of a tuned model, or of a job: then it is the file of all its checkpoints.

    Raises:
        UsageError: a file that could be of several, or two files of one.
    """
    owners: dict[str, str] = {
        model.name: model.job or model.name for model in models if model.role == "tuned"
    }
    names = tuple(dict.fromkeys(owners.values()))
    files: dict[str, str] = {}
    for curve in map(str, curves):
        name, sign, file = curve.partition("=")
        if not sign or name not in names:
            name, file = names[0], curve
            if len(names) > 1:
                raise UsageError(
                    f"--curve {curve}: found {len(names)} tuned models ({', '.join(names)}), "
                    f"expected which of them it is of: --curve {names[0]}={curve}"
                )
        if name in files:
            raise UsageError(f"--curve {curve}: found a second file for {name!r}, expected one")
        files[name] = file
    return tuple(
        replace(model, curve=files.get(owners.get(model.name, ""), model.curve)) for model in models
    )
