"""What is to be asked of models, in which order, and what each model is known for by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalkit.models import Provider
from evalkit.schema import Failure, Request


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask, and the jobs it answers.

    Attributes:
        model: name of the arm.
        request: what is asked.
        key: cache key; None if the answer is not worth keeping.
        jobs: indices of the jobs that share the outcome.
    """

    model: str
    request: Request
    key: str | None
    jobs: tuple[int, ...]


@dataclass(slots=True)
class ModelState:
    """What is known about one model in the course of a run.

    Attributes:
        answered: questions that have an answer, from the cache too.
        lost: questions in a row that ended without one.
        noted: how many of its provider's notes are in the cache.
        stopped: why it is not asked any more; None while it is.
    """

    answered: int = 0
    lost: int = 0
    noted: int = 0
    stopped: Failure | None = None


def in_turns(
    questions: Sequence[Question], providers: Mapping[str, Provider]
) -> list[list[Question]]:
    """Calls to make, in order: batches of one model each, the models spread evenly over the run.

    Models with equally many questions take turns; whatever drifts at the server hits them alike.
    """
    by_model: dict[str, list[Question]] = {}
    for question in questions:
        by_model.setdefault(question.model, []).append(question)
    placed: list[tuple[float, int, list[Question]]] = []
    for rank, (model, asked) in enumerate(by_model.items()):
        size = max(1, providers[model].batch)
        batches = [asked[start : start + size] for start in range(0, len(asked), size)]
        placed += [((i + 0.5) / len(batches), rank, batch) for i, batch in enumerate(batches)]
    placed.sort(key=lambda place: place[:2])
    return [batch for _, _, batch in placed]
