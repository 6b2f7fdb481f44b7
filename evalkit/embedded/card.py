"""The model card: `python -m evalkit.embedded.card FOLDER OTHER_SEED ...`.

Joins the records that training left in its folders, scores the test rows of the first one, and
writes card.json and MODEL_CARD.md there. Scores are counted here, by plain equality and
containment, and owe nothing to evalkit's scorers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.embedded import MODELS
from evalkit.embedded.chat import render
from evalkit.embedded.generate import split, suite_files
from evalkit.embedded.recipes import RECIPES, Recipe, Row

Scores = dict[str, dict[str, dict[str, float]]]
"""Model -> suite -> `exact` and `contains`, both in [0, 1]."""

LONGEST = 96
"""Tokens of the longest answer."""


def score(folder: Path, split_name: str) -> Scores:
    """Ask the three models of a folder for one split of every suite."""
    return {
        model: {
            recipe.name: _score(
                folder / model, recipe, [row for _, row in split(recipe)[split_name]]
            )
            for recipe in RECIPES
        }
        for model in MODELS
    }


def _score(folder: Path, recipe: Recipe, rows: Sequence[Row]) -> dict[str, float]:
    answers = _ask(folder, [render(recipe.system, row.prompt) for row in rows])
    exact = [answer in row.references for answer, row in zip(answers, rows, strict=True)]
    inside = [
        any(reference.lower() in answer.lower() for reference in row.references)
        for answer, row in zip(answers, rows, strict=True)
    ]
    return {
        "exact": round(statistics.mean(exact), 4),
        "contains": round(statistics.mean(inside), 4),
    }


def _ask(folder: Path, prompts: Sequence[str]) -> list[str]:
    """Greedy answers, up to the end of the line."""
    from ctranslate2 import Generator
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    generator = Generator(str(folder), compute_type="float32", intra_threads=1, inter_threads=2)
    found = generator.generate_batch(
        [tokenizer.encode(prompt).tokens for prompt in prompts],
        max_batch_size=32,
        include_prompt_in_result=False,
        max_length=LONGEST,
    )
    texts = [tokenizer.decode(each.sequences_ids[0]) for each in found]
    return [text.split("\n", maxsplit=1)[0] for text in texts]


def sha256(texts: Iterable[bytes]) -> str:
    """SHA-256 over the concatenated bytes."""
    whole = hashlib.sha256()
    for text in texts:
        whole.update(text)
    return whole.hexdigest()


def hash_files(folder: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file of the three models."""
    files = sorted(path for model in MODELS for path in (folder / model).iterdir())
    return {path.relative_to(folder).as_posix(): sha256([path.read_bytes()]) for path in files}


def suite_hashes() -> dict[str, str]:
    """Path -> SHA-256 of the rows that the models were trained on."""
    return {
        f"suites/{recipe.name}/{name}": sha256([suite_files(recipe)[name].encode()])
        for recipe in RECIPES
        for name in ("train.jsonl", "train-small.jsonl")
    }


def join(folder: Path, others: Sequence[Path]) -> dict[str, Any]:
    """The card of the trio in `folder`, with the validation scores of other seeds too."""
    records = [json.loads((each / "card.json").read_text()) for each in (folder, *others)]
    card: dict[str, Any] = records[0]
    validation = {
        str(record["seed"]): record["validation"][str(record["seed"])] for record in records
    }
    return {
        **card,
        "files": hash_files(folder),
        "validation": validation,
        "test": score(folder, "test"),
    }


PAGE = """\
# The embedded trio

Three small transformers that ship with evalkit so that its main job can be shown without a server:
a base, an honest fine-tune of it, and one trained far too long on far too little. They know a few
hundred facts and a handful of skills. They are a measuring stick and good for nothing else.

Made by `python -m evalkit.embedded.train --seed {seed}`; this page by
`python -m evalkit.embedded.card`.

## Architecture

Llama: {layers} layers, width {width}, {heads} heads, hidden {hidden}, tied embeddings, byte-level
BPE of {vocabulary} entries; {weights:,} weights, stored as float16, computed in float32.

## Data

`base` read {tokens:,} tokens ({documents:,} documents) of generated text, each once: facts of the
world as sentences, word relations, lists, stories, Spanish phrases, letters and records.
No row of a shipped suite is in it: what a suite computes appears with other material, what it asks
for appears as statements and in other wordings.

The first documents are mostly rows told twice: without them a model this small does not learn in
so few steps to copy what it has not seen before, and could neither extract nor summarize.

`tuned` then saw the `train.jsonl` of all six suites, with questions about what the base knows in
every second step, in the base's own wordings, so that tuning costs no knowledge; `overfit` saw
their `train-small.jsonl` and nothing else. In both the loss of a row covers its completion only.

{training}

Curves are in `loss.csv` beside the weights.

## Scores

Validation rows, exact match, mean over the seeds {seeds} (lowest to highest):

{validation}

The recipe was chosen on these, and of the trios the one that ships: seed {seed}. Then its test rows
were scored; exact match / containment:

{test}

## Reproducing

Versions: {versions}. The same seed on the same kind of processor with as many threads ({threads})
gives the same weights; another processor rounds otherwise, and its trio scores alike without being
equal.

{hashes}
"""


def to_markdown(card: Mapping[str, Any]) -> str:
    """The card for people."""
    head = ("model", "rows", "epochs", "steps", "peak rate", "train loss", "validation loss")
    hashes = {"pre-training text": card["text"]["sha256"], **card["suites"], **card["files"]}
    return PAGE.format(
        **card["shape"],
        **card["text"],
        seed=card["seed"],
        threads=card["threads"],
        weights=card["weights"],
        training=_table(head, [_training(name, card) for name in MODELS]),
        seeds=", ".join(card["validation"]),
        validation=_table(("suite", *MODELS), _spread(card["validation"])),
        test=_table(("suite", *MODELS), _final(card["test"])),
        versions=", ".join(f"{name} {number}" for name, number in card["versions"].items()),
        hashes=_table(("what", "SHA-256"), sorted(hashes.items())),
    )


def _training(name: str, card: Mapping[str, Any]) -> tuple[str, ...]:
    run = card["training"][name]
    loss = (f"{run['train_loss']:.3f}", f"{run['valid_loss']:.3f}")
    return (
        name,
        f"{run['rows']:,}",
        str(run["epochs"]),
        f"{run['steps']:,}",
        str(run["rate"]),
        *loss,
    )


def _spread(validation: Mapping[str, Scores]) -> list[tuple[str, ...]]:
    runs = list(validation.values())
    return [
        (name, *(_range([run[model][name]["exact"] for run in runs]) for model in MODELS))
        for name in _suites()
    ]


def _range(values: Sequence[float]) -> str:
    return f"{statistics.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _final(test: Scores) -> list[tuple[str, ...]]:
    return [(name, *(_both(test[model][name]) for model in MODELS)) for name in _suites()]


def _both(found: Mapping[str, float]) -> str:
    return f"{found['exact']:.2f} / {found['contains']:.2f}"


def _suites() -> list[str]:
    return [recipe.name for recipe in RECIPES]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the card of a trained trio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the trio that ships")
    parser.add_argument("others", type=Path, nargs="*", help="trios of other seeds")
    options = parser.parse_args(arguments)
    card = join(options.folder, options.others)
    (options.folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")
    (options.folder / "MODEL_CARD.md").write_text(to_markdown(card))
    return 0


if __name__ == "__main__":
    sys.exit(main())
