"""Results out: files are fetched until they hold what their server says that they do.

They are paid for. A gateway's page, half a file or a file that is not found for a moment must not
look like results that are missing, or everything would be handed in, and paid for, once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from evalkit.models import BatchStatus, quote
from evalkit.runner.batch.joining import Joined, Reader
from evalkit.runner.batch.means import BatchMeans
from evalkit.runner.batch.model import BatchModel
from evalkit.schema import Failure


async def fetch_results(
    status: BatchStatus,
    requests: Mapping[str, Sequence[str]],
    model: BatchModel,
    means: BatchMeans,
) -> Joined:
    """What all files of a batch hold.

    Args:
        status: of a batch that has ended.
        requests: cache key -> stop texts that were not sent, of every request of the batch.
        model: that was asked.
        means: of the call; its ledger keeps the batch if the results cannot be had.

    Raises:
        ModelError: the results cannot be had now.
    """
    read = model.provider.read
    readers = {key: partial(read, stop=stop) for key, stop in requests.items()}
    joined = Joined()
    for file_id, least in status.files.items():
        file = _File(file_id, least, model, readers)
        found = await means.patiently(file.fetch)
        if isinstance(found, Failure):
            found = file.settled() or found
        if isinstance(found, Failure):
            raise model.error(
                f"the results of its batch {quote(status.id)} cannot be had: {found.message}; the "
                "same command fetches them again and hands in nothing anew. Only if they are gone "
                f"for good, say `evalkit batch forget {quote(status.id)} --cache "
                f"{means.ledger.path.parent}` before it"
            )
        joined.merge(found)
    return joined


@dataclass(slots=True)
class _File:
    """One file of results.

    Attributes:
        file_id: its id at the server.
        least: results that it must hold.
        model: that was asked.
        readers: cache key -> how its reply is read.
        short: what the last tries in a row found that found too little.
    """

    file_id: str
    least: int
    model: BatchModel
    readers: Mapping[str, Reader]
    short: list[Joined] = field(default_factory=list)

    async def fetch(self) -> Joined | Failure:
        """Fetch it once; a failure if it is not whole."""
        joined = Joined()
        take = partial(joined.take, readers=self.readers)
        failure = await self.model.server.read(self.file_id, take)
        if failure is not None:
            self.short.clear()
            absent = failure.kind == "absent"  # perhaps only for a moment
            return replace(failure, retryable=True, fatal=False) if absent else failure
        if joined.results >= self.least and not joined.unreadable:
            return joined
        self.short.append(joined)
        return Failure(
            "malformed",
            f"found {joined.results:,} results in {quote(self.file_id)}, expected {self.least:,}",
            retryable=True,
        )

    def settled(self) -> Joined | None:
        """What it holds, if it was found to hold the same, and something, time after time."""
        found = {(joined.results, joined.unreadable, joined.unknown) for joined in self.short}
        same = len(self.short) > 1 and len(found) == 1
        return self.short[-1] if same and self.short[-1].results else None
