"""Grades that a model gives: what a judge is asked about a completion, and what its reply is worth.

A scorer asks nobody. A judging scorer declares its questions, somebody else asks them, and the
replies come back here. A question is the same whoever gave the completion, so a judge never knows
whose it is, and equal completions of one example have one grade.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from evalkit.errors import ScorerError
from evalkit.schema import Answer, Example, Failure, Generation, Message, ModelSpec
from evalkit.scorers.base import Scorer
from evalkit.scorers.compute import OnFailure, leave_out, score_predictions
from evalkit.scorers.readings import Reading
from evalkit.scorers.templates import fill
from evalkit.stats.samples import FloatArray

Replies = Mapping[str, Answer | Failure]
"""Key of a question -> what came of it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a judge is asked about one completion.

    Attributes:
        judge: who is asked.
        messages: the judge's prompt, filled.
        generation: decoding parameters.
        schema: JSON Schema of the reply, as JSON; None where it may have any form.
        effort: how much a reasoning model is to think; None leaves it to the model.
    """

    judge: ModelSpec
    messages: tuple[Message, ...]
    generation: Generation
    schema: str | None = None
    effort: str | None = None

    @property
    def key(self) -> str:
        """A hash of all that can change the reply; where the judge is served cannot."""
        asked = [
            self.judge.provider,
            self.judge.model,
            self.judge.mode,
            [[message.role, message.content] for message in self.messages],
            asdict(self.generation),
            self.schema,
            self.effort,
        ]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]


class JudgedScorer(Scorer):
    """Completions and what judges say about them in, numbers out; all else is as in `Scorer`."""

    needs_example = True

    @property
    @abstractmethod
    def judges(self) -> tuple[ModelSpec, ...]:
        """Whoever its questions may be put to."""

    @abstractmethod
    def questions(self, prediction: str, example: Example) -> tuple[Question, ...]:
        """What has to be asked about one completion.

        Args:
            prediction: the scored part of a completion; may be empty.
            example: what it answers.

        Raises:
            ValueError: nothing can be asked about this one; says why.
        """

    @abstractmethod
    def judged_stats(
        self, prediction: str, example: Example, replies: Sequence[str]
    ) -> tuple[float, ...]:
        """Statistics of one example: k numbers, the same k for every example.

        Args:
            prediction: the scored part of a completion; may be empty.
            example: what it answers.
            replies: to the questions, in their order.

        Raises:
            UnreadableError: a reply without a grade in it.
        """

    def unread(self, replies: Sequence[str]) -> tuple[int, ...]:
        """The places of replies without a grade in them."""
        del replies
        return ()

    def remark(self, replies: Sequence[str]) -> str:
        """What a reader is shown of the replies; empty if there is nothing to show."""
        return "\n\n".join(replies)

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        """Refuse: a completion alone says nothing about a judge's grade.

        Raises:
            ScorerError: always.
        """
        del prediction, references
        raise ScorerError(f"scorer {self.name!r} needs a judge's replies; found a completion alone")

    def example_stats(self, prediction: str, example: Example) -> tuple[float, ...]:
        """Refuse, likewise.

        Raises:
            ScorerError: always.
        """
        return self.stats(prediction, example.references)


def replies_to(
    scorer: JudgedScorer, prediction: str, example: Example, replies: Replies
) -> tuple[str, ...] | None:
    """What the judges said about one completion; None while one of them has not answered.

    Raises:
        ValueError: nothing can be asked about this one.
    """
    found = [replies.get(question.key) for question in scorer.questions(prediction, example)]
    texts = tuple(reply.text for reply in found if isinstance(reply, Answer))
    return texts if len(texts) == len(found) else None


def remark_on(scorer: JudgedScorer, prediction: str, example: Example, replies: Replies) -> str:
    """What a reader is shown of what the judges said about one completion, or why it is nothing."""
    try:
        questions = scorer.questions(prediction, example)
        said = replies_to(scorer, prediction, example, replies)
    except ValueError:  # the scorer tells of it itself
        return ""
    if said is not None:
        return scorer.remark(said)
    failed = [found for q in questions if isinstance(found := replies.get(q.key), Failure)]
    return "\n".join(f"no reply ({failure.kind}): {failure.message}" for failure in failed)


def score_judged(
    scorer: JudgedScorer,
    predictions: Sequence[str | None],
    examples: Sequence[Example],
    replies: Replies,
    *,
    on_failure: OnFailure = leave_out,
) -> FloatArray:
    """Statistics of every example, shape (n, k).

    Args:
        scorer: what is computed.
        predictions: n scored texts; None where the answer is missing.
        examples: the n examples.
        replies: of the judges, to all that was asked.
        on_failure: is told of every example that cannot be graded although the judge answered.

    Returns:
        One row an example; NaN throughout where the completion or a judge's reply is missing, or
        the reply cannot be read.

    Raises:
        ScorerError: what the scorer returned is no score.
    """
    told = [
        text if text is not None and _answered(scorer, text, example, replies) else None
        for text, example in zip(predictions, examples, strict=True)
    ]
    if not any(text is not None for text in told):
        return np.full((len(told), 2), np.nan)
    return score_predictions(
        _Informed(scorer, replies),
        told,
        [example.references for example in examples],
        examples=examples,
        on_failure=on_failure,
    )


def _answered(scorer: JudgedScorer, text: str, example: Example, replies: Replies) -> bool:
    """Whether there is something to score; also if only to say why it fails."""
    try:
        return replies_to(scorer, text, example, replies) is not None
    except ValueError:
        return True


class _Informed(Scorer):
    """A judging scorer that knows the replies, so that it scores like any other."""

    needs_example = True

    def __init__(self, scorer: JudgedScorer, replies: Replies) -> None:
        self.name, self.signature, self.kind = scorer.name, scorer.signature, scorer.kind
        self.unit, self.better, self.binary = scorer.unit, scorer.better, scorer.binary
        self._scorer, self._replies = scorer, replies

    def stats(self, prediction: str, references: Sequence[str]) -> tuple[float, ...]:
        return self._scorer.stats(prediction, references)

    def example_stats(self, prediction: str, example: Example) -> tuple[float, ...]:
        said = replies_to(self._scorer, prediction, example, self._replies)
        if said is None:
            raise ValueError("the judge has not answered")
        return self._scorer.judged_stats(prediction, example, said)

    def corpus(self, totals: FloatArray) -> FloatArray:
        return self._scorer.corpus(totals)


@dataclass(frozen=True, slots=True)
class Judge:
    """One prompt to one judge, and how its replies are read.

    Attributes:
        title: the grader's name.
        asked: the question, its messages still with their places.
        read: from a reply to its grade; raises `UnreadableError`.
        scale: what the grades are, for the signature: `range:0-10`, `labels:good,bad`.
    """

    title: str
    asked: Question
    read: Callable[[str], Reading]
    scale: str

    def question(self, prediction: str, example: Example) -> Question:
        """What is asked about one completion.

        Raises:
            ValueError: a place that this example has nothing for.
        """
        messages = tuple(
            replace(message, content=fill(message.content, prediction, example))
            for message in self.asked.messages
        )
        return replace(self.asked, messages=messages)

    @property
    def identity(self) -> str:
        """For a signature: who judges, by what prompt, decoded how."""
        asked, decoding = self.asked, self.asked.generation
        prompt = json.dumps([[m.role, m.content] for m in asked.messages])
        parts = [
            f"judge:{asked.judge.provider}:{asked.judge.model}",
            f"prompt:{hashlib.sha256(prompt.encode()).hexdigest()[:8]}",
            self.scale,
            f"temperature:{decoding.temperature:g}",
            f"top_p:{decoding.top_p:g}",
            f"max_tokens:{decoding.max_tokens}",
            f"seed:{decoding.seed}",
            *([f"effort:{asked.effort}"] if asked.effort else []),
        ]
        return "|".join(parts)
