"""The loss files of a run: those that are named, and those that lie beside a model's weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evalkit import embedded
from evalkit.data import read_losses
from evalkit.errors import EvalkitError
from evalkit.schema import Loss, ModelSpec

BESIDE = ("trainer_state.json", "loss.csv")
"""Names under which trainers leave losses in the folder of a checkpoint."""


def load_losses(
    models: Sequence[ModelSpec],
) -> tuple[tuple[Loss, ...], Mapping[str, tuple[str, ...]]]:
    """The losses of every tuned model, and notes on files that nobody named and nobody can read.

    Raises:
        UsageError: a named file that is not there.
        DataError: a named file that is broken.
    """
    losses, notes = list[Loss](), dict[str, tuple[str, ...]]()
    for model in models:
        if model.role == "base":
            continue
        if model.curve is not None:
            losses += read_losses(Path(model.curve), model.name)
            continue
        file = find_losses(model)
        if file is None:
            continue
        try:
            losses += read_losses(file, model.name)
        except EvalkitError:
            notes[model.name] = (f"{file.name} beside its weights holds no losses to read.",)
    return tuple(losses), notes


def find_losses(model: ModelSpec) -> Path | None:
    """The loss file in the folder of a local model, if there is one."""
    if model.provider != "local":
        return None
    shipped = model.model in embedded.MODELS
    folder = embedded.weights_folder(model.model) if shipped else Path(model.model)
    return next((folder / name for name in BESIDE if (folder / name).is_file()), None)
