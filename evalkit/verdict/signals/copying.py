"""Copying: do answers to unseen prompts repeat text of single training completions?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np

from evalkit.schema import Answer, Example, Signal
from evalkit.scorers.text import normalise, rouge_words
from evalkit.stats.binary import tango_interval, tango_z
from evalkit.stats.paired import difference_interval, p_below
from evalkit.stats.quantiles import z_cdf
from evalkit.stats.samples import DECISION, FEWEST_UNITS, THRESHOLD, Clusters, FloatArray
from evalkit.verdict.evidence import Evidence
from evalkit.verdict.parts import clusters_of, count_units, subset
from evalkit.verdict.signals.registry import judged, level_of, signal, unavailable
from evalkit.verdict.wording import between, points, share

NAME = "copying"
WORDS = 8
"""A run of this many words is copied, not coined."""
RARE = 2
"""What more training completions than this share is a phrase of the task, not a memory of a row."""
LEAST_DISTINCT = 0.5

Run = tuple[str, ...]


@signal
def copying(evidence: Evidence) -> Signal:
    """Share of answers with a run of 8 words from at most 2 training completions.

    Runs that the answer's own prompt or references hold don't count. The share is held against the
    base's, and against that of the held-out references themselves: whoever is trained on this kind
    of text repeats it a little, and so do the right answers. The smaller excess counts.

    All training completions are searched, not only those of the sample that was asked. They are
    not in the run folder: when it is scored again, the signal stays what it was, since it depends
    on nothing but the answers.
    """
    if not evidence.completions and NAME in evidence.earlier:
        return judged(evidence.earlier[NAME], None)
    sampled = [text for e in evidence.train.examples for text in e.references]
    completions = evidence.completions or sampled
    refusal = _refusal(completions)
    rows = np.flatnonzero(evidence.clean & evidence.answered(evidence.test))
    examples = [evidence.test.examples[i] for i in rows]
    units = count_units(examples)
    if refusal or units < FEWEST_UNITS:
        return unavailable(NAME, refusal or f"{units} clean answers are too few.")
    tuned = _texts(evidence, evidence.tuned, rows)
    base = _texts(evidence, evidence.base, rows)
    held_out = [example.references[0] for example in examples]
    known = _rare_runs(completions, [*tuned, *base, *held_out])
    own = [(e.prompt, *e.references) for e in examples]
    flags = _flags(tuned, own, known)
    base_flags = _flags(base, own, known)
    # A reference holds all of its own runs: it is judged by its prompt and the other ones.
    held_out_flags = _flags(held_out, [(e.prompt, *e.references[1:]) for e in examples], known)
    clusters = subset(clusters_of(evidence.test.examples), rows)
    excess = smaller(
        _compared(flags, base_flags, clusters), _compared(flags, held_out_flags, clusters)
    )
    trained = _normalised(completions)
    parroted = sum(map(partial(_wrong_but_trained, trained), tuned, examples))
    return Signal(
        name=NAME,
        level=level_of(excess.p, excess.low, excess.high),
        value=excess.delta,
        low=excess.low,
        high=excess.high,
        p=excess.p,
        p_adjusted=None,
        threshold=THRESHOLD,
        detail=(
            f"{share(int(flags.sum()), rows.size)} answers to unseen prompts repeat {WORDS} words "
            f"of a training completion, {points(excess.delta)} points more than {evidence.base} "
            f"and the references do (90 % CI {between(excess.low, excess.high)}); {parroted} wrong "
            "ones equal a training completion."
        ),
        numbers={
            "rate_tuned": float(flags.mean()),
            "rate_base": float(base_flags.mean()),
            "rate_references": float(held_out_flags.mean()),
            "wrong_and_trained": parroted / rows.size,
        },
    )


@dataclass(frozen=True, slots=True)
class Excess:
    """How much more often some flags are set than others, with a 90 % interval.

    Attributes:
        delta: difference of the two shares.
        low: lower bound.
        high: upper bound.
        p: one-sided p-value of "not more often".
    """

    delta: float
    low: float
    high: float
    p: float


def excess_of(wins: int, losses: int, n: int) -> Excess:
    """Excess from the n pairs with only the first flag (wins) or only the second (losses)."""
    bounds = tango_interval(wins, losses, n, DECISION)
    return Excess((wins - losses) / n, bounds.low, bounds.high, z_cdf(-tango_z(wins, losses, n)))


def smaller(one: Excess, other: Excess) -> Excess:
    """The smaller of two excesses: evidence must stand against both."""
    return Excess(
        delta=min(one.delta, other.delta),
        low=min(one.low, other.low),
        high=min(one.high, other.high),
        p=max(one.p, other.p),
    )


def _compared(first: FloatArray, second: FloatArray, clusters: Clusters) -> Excess:
    if clusters is not None:
        d = first - second
        bounds = difference_interval(d, clusters, DECISION)
        return Excess(float(d.mean()), bounds.low, bounds.high, p_below(-d, clusters))
    return excess_of(int((first > second).sum()), int((first < second).sum()), first.size)


def copied(output: str, own: Iterable[str], training: Sequence[str], words: int = WORDS) -> bool:
    """Whether an output repeats `words` words of at most 2 training completions.

    Args:
        output: what a model answered.
        own: prompt and references of the example, whose runs don't count.
        training: training completions.
        words: how long a run is.
    """
    known = _rare_runs(training, [output], words)
    return not known.isdisjoint(_runs(output, words) - _runs_of(own, words))


def _refusal(completions: Sequence[str]) -> str:
    """Why copying cannot be told from answering, for this kind of completions; empty if it can."""
    distinct = len(_normalised(completions)) / len(completions) if completions else 0.0
    if distinct < LEAST_DISTINCT:
        return (
            f"not applicable: only {100 * distinct:.0f} % of the training completions are "
            "distinct, so repeating one is how to be right."
        )
    length = median(len(rouge_words(text)) for text in completions)
    if length < WORDS:
        return (
            f"not applicable: half of the training completions have at most {length:g} words, too "
            f"short to hold a run of {WORDS}."
        )
    return ""


def _flags(
    outputs: Sequence[str], own: Sequence[Sequence[str]], known: AbstractSet[Run]
) -> FloatArray:
    """1 for each output that holds a known run which is not its own."""
    return np.array(
        [
            float(not known.isdisjoint(_runs(output) - _runs_of(texts)))
            for output, texts in zip(outputs, own, strict=True)
        ]
    )


def _rare_runs(
    training: Sequence[str], outputs: Iterable[str], words: int = WORDS
) -> frozenset[Run]:
    """Runs of the outputs that 1 or 2 training completions hold; others are never kept."""
    wanted = _runs_of(outputs, words)
    counts = Counter(run for text in training for run in _runs(text, words) & wanted)
    return frozenset(run for run, count in counts.items() if count <= RARE)


def _runs(text: str, words: int = WORDS) -> set[Run]:
    tokens = rouge_words(text)
    return {tuple(tokens[i : i + words]) for i in range(len(tokens) - words + 1)}


def _runs_of(texts: Iterable[str], words: int = WORDS) -> set[Run]:
    return set().union(*(_runs(text, words) for text in texts))


def _texts(evidence: Evidence, model: str, rows: Iterable[int]) -> list[str]:
    answers = [evidence.test.answers[model][i] for i in rows]
    return [answer.text for answer in answers if isinstance(answer, Answer)]


def _normalised(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(map(normalise, texts))


def _wrong_but_trained(trained: AbstractSet[str], output: str, example: Example) -> bool:
    text = normalise(output)
    return bool(text) and text in trained and text not in _normalised(example.references)
