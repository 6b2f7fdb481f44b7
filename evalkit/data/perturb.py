"""Rewordings of test prompts: does a model still know the answer if it is asked a little otherwise?

Made by evalkit, seeded by suite and example:

    case        sentences begin with a small letter
    spacing     spaces between words are doubled
    typos       a word in ten is mistyped
    options     listed options stand in another order

and by the user: every text of a row's `paraphrases`. A rewording that changes nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from evalkit.data.examples import PARAPHRASES
from evalkit.data.options import reorder
from evalkit.data.prompts import parse_template
from evalkit.data.rewording import CHANGES, read_prose, words_of
from evalkit.schema import CLUSTER, ORIGINAL, REWORDING, Example, Message, SuiteConfig
from evalkit.stats.samples import rng

_Reworded = tuple[str, str, tuple[str, ...]]


def perturb(suite: SuiteConfig, examples: Sequence[Example], seed: int) -> tuple[Example, ...]:
    """Every rewording of some examples, as examples of their own.

    Each remembers the example it comes from in its field `original` and belongs to its cluster,
    since rewordings of one prompt are one unit.

    Args:
        suite: how prompts are asked, and the labels that no rewording touches.
        examples: as they are asked.
        seed: of the run.
    """
    template = None if suite.template is None else parse_template(suite.template)
    found = []
    for example in examples:
        asked = {example.messages[-1].content}
        for kind, prompt, references in _rewordings(suite, example, seed):
            text = prompt if template is None else template.fill(prompt, example.fields)
            if text in asked:
                continue
            asked.add(text)
            fields = {ORIGINAL: example.id, REWORDING: kind.partition("-")[0]}
            fields[CLUSTER] = example.fields.get(CLUSTER, example.id)
            found.append(
                replace(
                    example,
                    id=f"{example.id}~{kind}",
                    prompt=prompt,
                    messages=(*example.messages[:-1], Message("user", text)),
                    references=references,
                    fields=fields,
                )
            )
    return tuple(found)


def _rewordings(suite: SuiteConfig, example: Example, seed: int) -> Iterator[_Reworded]:
    """Kind, prompt and references of each."""
    answers = " ".join([*example.references, *suite.labels])
    prose = read_prose(example.prompt, words_of(answers))
    for kind, change in CHANGES.items():
        draw = rng(f"{suite.name}/{example.id}/{kind}", seed)
        yield kind, change(prose, draw), example.references
    reordered = reorder(example.prompt, example.references)
    if reordered is not None:
        yield "options", reordered.prompt, reordered.references
    for number, text in enumerate(example.fields.get(PARAPHRASES, ()), 1):
        yield f"paraphrase-{number}", text, example.references
