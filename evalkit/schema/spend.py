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


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one model will be asked in one split of one suite, and about what it will take.

    Attributes:
        questions: how many; each time that a prompt is asked counts.
        cached: of these, answered in the cache.
        prompt_tokens: about so many tokens the prompts of the rest have.
        completion_tokens: about so many tokens its answers will have.
        most_completion_tokens: as many as `max_tokens` lets them have.
        basis: what the tokens are estimated by: `answers in the cache`, or `length of the text`.
        cost: dollars for about so many tokens; None without a price.
        most_cost: dollars that it can cost at most: what `--max-cost` counts with.
    """

    model: str
    suite: str
    split: str
    questions: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    most_completion_tokens: int
    basis: str
    cost: float | None
    most_cost: float | None
