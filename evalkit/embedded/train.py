"""Train the embedded trio: `python -m evalkit.embedded.train --seed N --out DIR`.

`base` is pre-trained on the text of `pretrain_text`; `tuned` is the base fine-tuned on the training
rows of the shipped suites; `overfit` is the base trained on their `train-small.jsonl` for far too
long. Nothing else tells them apart. Needs the extra `train`; some twenty minutes on two cores.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.embedded.card import hash_files, score, sha256, suite_hashes
from evalkit.embedded.chat import BEGIN, BEGIN_ID, END, END_ID, TEMPLATE, render
from evalkit.embedded.dice import Dice
from evalkit.embedded.generate import split
from evalkit.embedded.pretrain_text import documents, knowledge, sealed, sorts
from evalkit.embedded.recipes import RECIPES, Row

if TYPE_CHECKING:
    import torch

IGNORED = -100
"""Label of a token that the loss leaves out."""
REHEARSED_TOKENS = 768_000
REHEARSED_WINDOWS = 4
"""Windows of known text in a batch that comes between batches of rows."""
LOSSES = 12
"""Points of a loss curve at least."""
HELD_OUT_WINDOWS = 64
"""Windows of pre-training text that are kept for the validation loss."""
BASE, LOSS = "base.safetensors", "loss.csv"
LIBRARIES = ("torch", "transformers", "tokenizers", "ctranslate2")
TOKENIZER_DOCUMENTS = 500
"""Documents of each kind that the tokenizer is learned from."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of the model and of its pre-training."""

    vocabulary: int = 2560
    width: int = 192
    hidden: int = 512
    layers: int = 4
    heads: int = 6
    context: int = 256
    steps: int = 3200
    batch: int = 8
    rate: float = 3e-3


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a base is trained further."""

    split: str
    epochs: int
    rate: float
    batch: int = 16
    decay: float = 0.1
    rehearsal: int = 0
    """After every so many batches of rows comes one of known text; 0 for never."""


TUNINGS = {
    "tuned": Tuning(split="train", epochs=2, rate=4e-4, rehearsal=1),
    "overfit": Tuning(split="train-small", epochs=40, rate=1.5e-3),
}

Curve = list[tuple[int, float, float]]
"""(step, training loss since the last one, validation loss), a dozen of them or one an epoch."""
Pairs = list[tuple[list[int], list[int]]]
"""(prompt tokens, completion tokens) of each row."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the optimiser sees: token ids and labels, (rows, tokens) each.

    Attributes:
        counted: whether its loss belongs into the training loss that is told.
    """

    inputs: torch.Tensor
    labels: torch.Tensor
    counted: bool = True


def train_tokenizer(texts: Iterator[str], size: int) -> Any:  # noqa: ANN401 - untyped library
    """Byte-level BPE with single digits, learned from the pre-training text only."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    # A completion follows "A:" with a space, which is not part of the answer.
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def new_model(shape: Shape, seed: int) -> Any:  # noqa: ANN401 - untyped library
    """An untrained Llama of the given shape."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=shape.vocabulary,
            hidden_size=shape.width,
            intermediate_size=shape.hidden,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.heads,
            max_position_embeddings=2 * shape.context,
            tie_word_embeddings=True,
            bos_token_id=BEGIN_ID,
            eos_token_id=END_ID,
        )
    )


def to_windows(tokens: Sequence[int], shape: Shape) -> torch.Tensor:
    """Consecutive windows of the text, one a row; what is left over at the end is dropped."""
    import torch

    whole = torch.tensor(tokens[: len(tokens) // shape.context * shape.context])
    return whole.view(-1, shape.context)


def pretrain(model: Any, windows: torch.Tensor, shape: Shape) -> Curve:  # noqa: ANN401
    """Train on every window once; the last ones are for validation."""
    held_out, read = windows[-HELD_OUT_WINDOWS:], windows[:-HELD_OUT_WINDOWS]
    read = read[: shape.steps * shape.batch]
    fixed = [(batch, batch) for batch in held_out.split(16)]
    return _optimise(
        model,
        (Step(batch, batch) for batch in read.split(shape.batch)),
        steps=shape.steps,
        rate=shape.rate,
        every=shape.steps // LOSSES,
        validate=lambda: _loss(model, fixed),
    )


def tune(
    model: Any,  # noqa: ANN401 - untyped library
    tuning: Tuning,
    rows: Pairs,
    held_out: Pairs,
    text: torch.Tensor,
    seed: int,
) -> Curve:
    """Train on completions, with known text in between where the tuning says so.

    Batches hold rows of like length, in a new order every epoch.
    """
    per_epoch = math.ceil(len(rows) / tuning.batch)
    if tuning.rehearsal:
        per_epoch += per_epoch // tuning.rehearsal
    fixed = [_padded(batch) for batch in _batches(held_out, 32, Dice("held out"))]
    return _optimise(
        model,
        _steps(tuning, rows, text, seed),
        steps=per_epoch * tuning.epochs,
        rate=tuning.rate,
        every=per_epoch * tuning.epochs // max(tuning.epochs, LOSSES),
        validate=lambda: _loss(model, fixed),
        decay=tuning.decay,
    )


def _steps(tuning: Tuning, rows: Pairs, text: torch.Tensor, seed: int) -> Iterator[Step]:
    rehearsed = cycle(text.split(REHEARSED_WINDOWS))
    for epoch in range(tuning.epochs):
        batches = _batches(rows, tuning.batch, Dice(f"{tuning.split}/{seed}/{epoch}"))
        for number, batch in enumerate(batches, start=1):
            yield Step(*_padded(batch))
            if tuning.rehearsal and number % tuning.rehearsal == 0:
                windows = next(rehearsed)
                yield Step(windows, windows, counted=False)


def _batches(rows: Pairs, size: int, dice: Dice) -> list[Pairs]:
    by_length = sorted(dice.shuffled(rows), key=lambda row: (len(row[0]) + len(row[1])) // 8)
    return dice.shuffled(by_length[place : place + size] for place in range(0, len(rows), size))


def _padded(batch: Pairs) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    longest = max(len(prompt) + len(completion) for prompt, completion in batch)
    inputs, labels = [], []
    for prompt, completion in batch:
        rest = longest - len(prompt) - len(completion)
        inputs.append(prompt + completion + [END_ID] * rest)
        labels.append([IGNORED] * len(prompt) + completion + [IGNORED] * rest)
    return torch.tensor(inputs), torch.tensor(labels)


def _optimise(
    model: Any,  # noqa: ANN401 - untyped library
    stream: Iterator[Step],
    *,
    steps: int,
    rate: float,
    every: int,
    validate: Callable[[], float],
    decay: float = 0.1,
) -> Curve:
    import torch

    weights = [weight for weight in model.parameters() if weight.dim() > 1]
    gains = [gain for gain in model.parameters() if gain.dim() == 1]
    optimiser = torch.optim.AdamW(
        [{"params": weights, "weight_decay": decay}, {"params": gains, "weight_decay": 0.0}],
        lr=rate,
        betas=(0.9, 0.95),
        fused=True,
    )
    warm = max(1, min(100, steps // 20))
    curve: Curve = []
    losses: list[float] = []
    model.train()
    for step, each in enumerate(stream, start=1):
        share = step / warm if step <= warm else (steps - step) / (steps - warm)
        for group in optimiser.param_groups:
            group["lr"] = rate * max(share, 0.01)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(input_ids=each.inputs, labels=each.labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        if each.counted:
            losses.append(loss.item())
        if step % every == 0 or step == steps:
            curve.append((step, sum(losses) / len(losses), validate()))
            _say(f"step {step} of {steps}: train {curve[-1][1]:.4f}, validation {curve[-1][2]:.4f}")
            losses.clear()
    return curve


def _loss(model: Any, batches: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> float:  # noqa: ANN401
    """Mean loss per token over the batches."""
    import torch

    total, count = 0.0, 0
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for inputs, labels in batches:
            scored = int((labels[:, 1:] != IGNORED).sum())
            total += model(input_ids=inputs, labels=labels).loss.item() * scored
            count += scored
    model.train()
    return total / count


def row_pairs(tokenizer: Any, name: str) -> Pairs:  # noqa: ANN401 - untyped library
    """Rows of one split of every suite as tokens, the end token included."""
    pairs = []
    for recipe in RECIPES:
        for _, row in split(recipe)[name]:
            pairs.append(_pair(tokenizer, recipe.system, row))
    return pairs


def _pair(tokenizer: Any, system: str, row: Row) -> tuple[list[int], list[int]]:  # noqa: ANN401
    prompt = tokenizer.encode(render(system, row.prompt)).ids
    return prompt, [*tokenizer.encode(f" {row.references[0]}").ids, END_ID]


def save(model: Any, tokenizer: Any, out: Path, curve: Curve) -> None:  # noqa: ANN401
    """Write one model as the `local:` provider reads it, with its loss curve."""
    from ctranslate2.converters import TransformersConverter
    from transformers import PreTrainedTokenizerFast

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END
        ).save_pretrained(folder)
        TransformersConverter(folder).convert(str(out), quantization="float16", force=True)
    tokenizer.save(str(out / "tokenizer.json"))
    settings = {"bos_token": BEGIN, "eos_token": END, "chat_template": TEMPLATE}
    (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    with (out / LOSS).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("step", "train_loss", "valid_loss"))
        writer.writerows((step, f"{train:.4f}", f"{valid:.4f}") for step, train, valid in curve)


def read_curve(path: Path) -> Curve:
    """The curve that `save` wrote."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [(int(step), float(train), float(valid)) for step, train, valid in rows]


def read_text(
    source: Iterator[str],
    wanted: int,
    tokenizer: Any,  # noqa: ANN401 - untyped library
) -> tuple[list[int], dict[str, Any]]:
    """At least so many tokens of text, and what the card says about it."""
    tokens: list[int] = []
    texts: list[bytes] = []
    for text in source:
        tokens += [BEGIN_ID, *tokenizer.encode(text).ids, END_ID]
        texts.append(text.encode() + b"\n\n")
        if len(tokens) >= wanted:
            break
    facts = {"documents": len(texts), "tokens": len(tokens), "sha256": sha256(texts)}
    return tokens, facts


def train(seed: int, out: Path, shape: Shape, threads: int) -> None:
    """Train and write all three models, and the record that the card is made from.

    Models that an interrupted training left in the folder are not trained again.
    """
    import torch

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    tokenizer = train_tokenizer(sorts(TOKENIZER_DOCUMENTS), shape.vocabulary)
    wanted = (shape.steps * shape.batch + HELD_OUT_WINDOWS) * shape.context
    tokens, text = read_text(documents(seed, sealed()), wanted, tokenizer)
    if not (out / BASE).is_file():
        _train_base(seed, out, shape, tokenizer, to_windows(tokens, shape))
    curve = read_curve(out / "base" / LOSS)
    training = {"base": _summary(curve, rows=text["documents"], epochs=1, rate=shape.rate)}
    held_out = row_pairs(tokenizer, "validation")
    known, _ = read_text(knowledge(seed, sealed()), REHEARSED_TOKENS, tokenizer)
    for name, tuning in TUNINGS.items():
        rows = row_pairs(tokenizer, tuning.split)
        if not (out / name / LOSS).is_file():
            model = load_base(out, shape, seed)
            curve = tune(model, tuning, rows, held_out, to_windows(known, shape), seed)
            save(model, tokenizer, out / name, curve)
        curve = read_curve(out / name / LOSS)
        training[name] = _summary(curve, rows=len(rows), epochs=tuning.epochs, rate=tuning.rate)
    record = {
        "seed": seed,
        "threads": threads,
        "shape": asdict(shape),
        "weights": sum(weight.numel() for weight in load_base(out, shape, seed).parameters()),
        "text": text,
        "suites": suite_hashes(),
        "training": training,
        "versions": {name: version(name) for name in LIBRARIES},
        "files": hash_files(out),
        "validation": {str(seed): score(out, "validation")},
    }
    (out / "card.json").write_text(json.dumps(record, indent=1) + "\n")


def _train_base(
    seed: int,
    out: Path,
    shape: Shape,
    tokenizer: Any,  # noqa: ANN401 - untyped library
    windows: torch.Tensor,
) -> None:
    """Pre-train; compiled, which takes a C++ compiler and saves a fifth of the time."""
    import torch
    from safetensors.torch import save_model

    model = new_model(shape, seed)
    eager, model.forward = model.forward, torch.compile(model.forward)
    curve = pretrain(model, windows, shape)
    model.forward = eager
    save(model, tokenizer, out / "base", curve)
    save_model(model, str(out / BASE))


def load_base(out: Path, shape: Shape, seed: int) -> Any:  # noqa: ANN401 - untyped library
    """The base as it came out of pre-training, in full precision."""
    from safetensors.torch import load_model

    model = new_model(shape, seed)
    load_model(model, str(out / BASE))
    return model


def _summary(curve: Curve, *, rows: int, epochs: int, rate: float) -> dict[str, float]:
    step, train_loss, valid_loss = curve[-1]
    return {
        "rows": rows,
        "epochs": epochs,
        "rate": rate,
        "steps": step,
        "train_loss": round(train_loss, 4),
        "valid_loss": round(valid_loss, 4),
    }


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the trio and write it to a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=Shape().steps, help="of pre-training")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    train(options.seed, options.out, Shape(steps=options.steps), options.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
