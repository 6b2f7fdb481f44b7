"""What is known of a model and its endpoint before it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evalkit.schema.asking import Mode

Honour = Literal["yes", "ignored", "refused", "unknown"]
"""What an endpoint does with a parameter; `unknown` where its answers do not tell."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """One model that an endpoint lists.

    Attributes:
        id: the name to ask for.
        parent: of an adapter the model that it belongs to.
        root: where its weights come from, as the server says.
        context: tokens of prompt and answer together at most.
        retires: when it is switched off, as the server says, a date where it can be read as one.
    """

    id: str
    parent: str | None = None
    root: str | None = None
    context: int | None = None
    retires: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What a few small requests told about one model.

    Attributes:
        model: name of the arm.
        endpoint: where it is asked.
        mode: how it is asked; None where its provider does not say.
        listed: whether its endpoint lists it; None if the endpoint lists nothing.
        served: its line in the list.
        honours: parameter -> what the endpoint does with it; empty if nothing was asked.
        problem: why it cannot be asked at all, in words; empty if it can.
        notes: what a reader of the run must know.
    """

    model: str
    endpoint: str
    mode: Mode | None
    listed: bool | None = None
    served: ServedModel | None = None
    honours: Mapping[str, Honour] = field(default_factory=dict)
    problem: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Looked:
    """What `evalkit models` found out.

    Attributes:
        models: in the order in which they were named.
        endpoints: address -> all that it lists; of those that say what they list.
        problems: address that was named -> why it does not say what it lists.
        same: a sentence for each two names that one model answers to.
    """

    models: tuple[Probe, ...]
    endpoints: Mapping[str, tuple[ServedModel, ...]]
    same: tuple[str, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
