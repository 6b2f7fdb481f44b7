"""Handing in: what is in no batch yet becomes files, and files become batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NoReturn

from evalkit.models import BatchStatus, write_files
from evalkit.runner.batch.ledger import Batch, Ledger
from evalkit.runner.batch.means import BatchMeans
from evalkit.runner.batch.model import BatchModel
from evalkit.runner.database import explained
from evalkit.schema import Failure


async def finish_planned(models: Mapping[str, BatchModel], means: BatchMeans) -> None:
    """Hand in everything that is planned, wherever a run before this one was killed.

    Only for who has the turn.

    Raises:
        ModelError: a server that takes no batches, or not this one.
    """
    for batch in means.ledger.open_batches(models):
        if batch.batch_id is not None:
            continue
        if batch.file_id is None and not batch.file.exists():
            means.ledger.drop(batch)  # nothing of it has left this machine: it will be planned anew
            continue
        await _hand_in(batch, models[batch.model], means)
        means.say(f"{models[batch.model].name}: a batch of {batch.lines:,} prompts is handed in")


def plan(keys: Sequence[str], model: BatchModel, means: BatchMeans) -> int:
    """Write the files of what is to be handed in, and then into the ledger that they will be.

    Returns:
        How many requests are in them: all, or as many as a crowded server takes at a time.
    """
    if model.crowded:
        keys = keys[: model.most_lines]
    ledger = means.ledger
    with explained(ledger.folder):
        written = write_files(
            model.lines(keys),
            lambda _: ledger.new_file(),
            most_lines=model.most_lines,
            most_bytes=means.pace.most_bytes,
        )
    stops = {key: model.provider.unsent_stop(model.pending[key]) for key in keys}
    ledger.plan(
        model.key, {file.path: [(key, stops[key]) for key in file.custom_ids] for file in written}
    )
    return len(keys)


async def _hand_in(batch: Batch, model: BatchModel, means: BatchMeans) -> None:
    """Upload the file of a batch, and have the batch made."""
    ledger, file_id = means.ledger, batch.file_id
    if file_id is None:
        uploaded = await means.patiently(partial(model.server.upload, batch.file))
        if isinstance(uploaded, Failure):
            _stop(uploaded, batch, model, ledger)
        file_id = uploaded
        ledger.uploaded(batch.tag, file_id)
    made = await means.patiently(partial(_make, batch, file_id, model, ledger))
    if isinstance(made, Failure):
        _stop(made, batch, model, ledger)
    ledger.submitted(batch, made.id)


async def _make(
    batch: Batch, file_id: str, model: BatchModel, ledger: Ledger
) -> BatchStatus | Failure:
    """Have a batch made, unless an attempt whose outcome is unknown did so already."""
    if ledger.tried(batch.tag):
        found = await model.server.find(batch.tag)
        if isinstance(found, Failure):
            return replace(
                found,
                fatal=False,  # it may be there: it is not forgotten
                message=f"whether its batch {batch.tag} was made is not known, because it cannot "
                f"be looked for: {found.message}; if it is not at the server, say `evalkit batch "
                f"forget {batch.tag} --cache {ledger.path.parent}` and run again",
            )
        if found is not None:
            return found
    ledger.trying(batch.tag)
    return await model.server.create(file_id, model.provider.path, batch.tag)


def _stop(failure: Failure, batch: Batch, model: BatchModel, ledger: Ledger) -> NoReturn:
    """End the run; what the server refused for good is not tried by the next one either."""
    if failure.fatal:
        ledger.drop(batch)
    raise model.error(failure.message)
