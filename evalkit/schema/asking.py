"""What a model is asked and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from evalkit.schema.spend import Price

Mode = Literal["chat", "completions"]
"""How a model is asked: messages through its chat template, or plain text to continue."""

FailureKind = Literal[
    "rate_limit",  # the server works, and asks for time
    "timeout",
    "connection",
    "server",  # it broke, or broke off
    "malformed",  # a reply that is no answer
    "refused",  # the request itself
    "auth",
    "quota",
    "unsupported",  # no log-probabilities to be had
    "absent",  # no stored completion; no such batch or file at the server
    "cancelled",  # the batch, at the server
    "deadline",  # the run's time is up
    "budget",  # the run's money is
]
"""Why there is no answer, in one word."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: `system`, `user` or `assistant`.
        content: the text of the turn.
    """

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Generation:
    """Decoding parameters, sent explicitly and alike to every arm.

    Servers fill unset fields from each model's own defaults, so nothing that shapes an answer is
    left unset here, except `top_k`, which the OpenAI API itself does not know.

    Attributes:
        temperature: 0 is greedy decoding.
        top_p: nucleus mass, in (0, 1].
        top_k: how many candidates are kept; None sends nothing.
        max_tokens: the longest answer, in tokens.
        stop: texts that end an answer and are not part of it.
        seed: seed of the sampler; None sends nothing.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int | None = None
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    seed: int | None = 0


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One arm of a run, or a judge of its answers.

    Attributes:
        name: what the report calls it; unique in a run.
        provider: `openai`, `local`, `file` or a third party's.
        model: the provider's own name: a served model, an embedded name, a path.
        role: `base` or `tuned`; `judge` of a model that grades their answers.
        base_url: where the provider's server is; None for the provider's default.
        mode: how it is asked; None lets the provider choose.
        tuned_from: name of the arm this one is compared with; None for a base.
        train: training file of this arm, a path or a file name inside each suite's folder; None
            means the suite's own `train`.
        curve: file of the losses that its training job reported; None if none is named.
        job: name of the training job that it is one checkpoint of; None if it is the only one.
        step: step of the job at which it was saved.
        api_key_env: name of the environment variable that holds the key, never the key.
        price: what its tokens cost, if the project file says; None leaves it to the price list.
        extra_body: fields that every request has besides, as a JSON object; empty for none.
    """

    name: str
    provider: str
    model: str
    role: Literal["base", "tuned", "judge"]
    base_url: str | None = None
    mode: Mode | None = None
    tuned_from: str | None = None
    train: str | None = None
    curve: str | None = None
    job: str | None = None
    step: int | None = None
    api_key_env: str | None = None
    price: Price | None = None
    extra_body: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one model.

    Attributes:
        suite: name of the suite the example belongs to.
        split: name of the split the example belongs to.
        example_id: the example's id, unique in its split.
        prompt: the row's own prompt, before system prompt, few-shot and template.
        messages: the prompt as it is asked.
        generation: decoding parameters.
        scored: a text whose log-probability as the completion is asked for instead of a
            completion; None asks for a completion.
        schema: JSON Schema, as JSON, of the form that the answer should have, where the provider
            can see to it; None for any form.
        effort: how much a reasoning model is to think, in the provider's words; None leaves it
            to the model.
    """

    suite: str
    split: str
    example_id: str
    prompt: str
    messages: tuple[Message, ...]
    generation: Generation
    scored: str | None = None
    schema: str | None = None
    effort: str | None = None

    @property
    def characters(self) -> int:
        """Length of all that a model reads: the messages, and the text that is scored."""
        return sum(map(len, self._texts()))

    @property
    def size(self) -> int:
        """The same in bytes of UTF-8."""
        return sum(len(text.encode(errors="replace")) for text in self._texts())

    def _texts(self) -> list[str]:
        return [*(message.content for message in self.messages), self.scored or ""]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How probable a model finds a given text after a prompt.

    Attributes:
        text: what was scored; it ends where it ends, whether or not the model would go on.
        logprob: natural logarithm of its probability, at most 0: the sum over its tokens.
        tokens: how many tokens that are; 0 for an empty text.
        prompt_tokens: tokens that had to be read to tell, prompt and text together; None where the
            provider doesn't say.
    """

    text: str
    logprob: float
    tokens: int
    prompt_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered. An empty text is an answer too, and scores what it deserves.

    Attributes:
        text: the completion.
        finish_reason: `stop`, `length`, `content_filter` or what the server said.
        prompt_tokens: tokens of the prompt, None where the provider doesn't say.
        completion_tokens: tokens of the completion, None where the provider doesn't say.
        served_model: the name under which the server says it answered; of a router with the
            provider that it has asked.
        likelihood: of the text that was scored; None where a completion was asked for.
        seconds: time the request took; a clock, so it takes no part in equality.
    """

    text: str
    finish_reason: str = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    served_model: str | None = None
    likelihood: Likelihood | None = None
    seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge was asked about a completion, and what came of it.

    Attributes:
        question: key of what was asked; the same for equal completions of one example.
        judge: name of the judge.
        reply: what it said, or why there is nothing.
    """

    question: str
    judge: str
    reply: Answer | Failure


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. A failure is missing, never a wrong answer.

    What concerns only asking again takes no part in equality and is not stored.

    Attributes:
        kind: why, in one word.
        message: what a person should read, without secrets.
        retryable: whether asking again could help.
        retry_after: seconds the server asked us to wait, None if it did not.
        fatal: whether every other request to this model would fail the same way.
        away: whether nobody was there to answer: no connection, or a gateway that says so.
    """

    kind: FailureKind
    message: str
    retryable: bool = field(default=False, compare=False)
    retry_after: float | None = field(default=None, compare=False)
    fatal: bool = field(default=False, compare=False)
    away: bool = field(default=False, compare=False)
