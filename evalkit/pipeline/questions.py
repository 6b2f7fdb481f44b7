"""Which rows are asked about."""

from __future__ import annotations

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
