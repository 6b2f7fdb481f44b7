"""What asking costs, and what a tuned model saves."""

from __future__ import annotations

from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What the tokens of a model cost, in US dollars for a million of them.

    Attributes:
        input: tokens of the prompt.
        output: tokens of the completion.
        source: who says so: `evalkit.yaml`, or a price list and its version.
    """

    input: float
    output: float
    source: str

    def of(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Dollars for so many tokens."""
        return (self.input * prompt_tokens + self.output * completion_tokens) / MILLION


@dataclass(frozen=True, slots=True)
class Saving:
    """What an answer of a tuned model takes, and what the same answer of its base takes.

    Means over the test prompts that both answered and whose tokens both providers counted. A tuned
    model that needs a shorter prompt, or rambles less, is cheaper than its base at the same price.

    Attributes:
        base: name of the arm.
        tuned: name of the arm.
        n: prompts.
        prompt_base: tokens of a prompt; likewise the other three.
        cost_base: dollars for a thousand answers; None where there is no price. Likewise tuned.
    """

    base: str
    tuned: str
    n: int
    prompt_base: float
    prompt_tuned: float
    completion_base: float
    completion_tuned: float
    cost_base: float | None
    cost_tuned: float | None
