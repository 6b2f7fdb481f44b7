"""Which rows are asked about, and what is asked about a row."""

from __future__ import annotations

from evalkit.schema import Example, Generation, Request
from evalkit.stats.samples import rng


def drawn(n: int, name: str, most: int | None, seed: int) -> tuple[int, ...]:
    """Places of at most so many of n rows, drawn without replacement, ascending.

    Args:
        n: rows there are.
        name: of what they are drawn for; each has draws of its own.
        most: rows wanted at most; None wants all.
        seed: of the run.
    """
    if most is None or n <= most:
        return tuple(range(n))
    return tuple(sorted(rng(name, seed).choice(n, size=most, replace=False).tolist()))


def question(suite: str, split: str, example: Example, generation: Generation) -> Request:
    """An example as it is asked of every model.

    Args:
        suite: name of the suite.
        split: name of the split.
        example: one of its examples.
        generation: decoding parameters.
    """
    return Request(
        suite=suite,
        split=split,
        example_id=example.id,
        prompt=example.prompt,
        messages=example.messages,
        generation=generation,
    )
