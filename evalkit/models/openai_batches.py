"""Files and batches of an OpenAI-compatible server: `/v1/files` and `/v1/batches`."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.models.batched import BatchStatus
from evalkit.models.bounded import MOST
from evalkit.models.failures import parse_error, quote
from evalkit.models.transport import no_reply, transport_errors
from evalkit.schema import Failure

if TYPE_CHECKING:
    from openai import AsyncOpenAI

TAG = "evalkit"
"""Name of the metadata by which a batch is known again whose id was never received."""

_NOT_READY = re.compile(
    r"(cannot|could not) find file|file not found|file.{0,80}process", re.IGNORECASE | re.DOTALL
)
"""What a server says that has taken a file and does not know it yet: OpenAI for moments, Azure
until it has processed it."""

NOT_READY_SECONDS = 15.0
"""After which a batch of such a file is asked for again."""

PAGE = 100
"""Batches asked for at a time; as many as OpenAI gives."""


BYTES_A_SECOND = 1_000_000
"""By which a large file is given more time than other calls."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a reply must be to be believed.

    Attributes:
        what: in words.
        fields: name -> type of what must be there, and not be empty.
        full: whether nothing of it may be empty.
    """

    what: str
    fields: Mapping[str, type]
    full: bool = True

    def found_in(self, told: Mapping[str, Any]) -> bool:
        """Whether a reply is it."""
        return all(
            isinstance(value := told.get(name), kind) and (value or not self.full)
            for name, kind in self.fields.items()
        )


_A_FILE = _Wanted("a file", {"id": str})
_A_BATCH = _Wanted("a batch", {"id": str, "status": str})
_A_LIST = _Wanted("a list", {"data": list}, full=False)


class OpenAIBatches:
    """The batches of one server; see `BatchServer`."""

    def __init__(
        self,
        client: AsyncOpenAI,
        endpoint: str,
        without_key: Callable[[bytes], bytes],
        timeout: float | None,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._without_key = without_key
        self._seconds = inf if timeout is None else timeout

    async def upload(self, path: Path) -> str | Failure:
        """Send a file of requests; its id at the server."""
        with path.open("rb") as file:
            told = await self._told(
                self._client.files.with_raw_response.create(
                    file=(path.name, file), purpose="batch"
                ),
                _A_FILE,
                more_seconds=_upload_seconds(path),
            )
        return told if isinstance(told, Failure) else str(told["id"])

    async def create(self, file_id: str, path: str, tag: str) -> BatchStatus | Failure:
        """Have the requests of a file answered within a day.

        Args:
            file_id: of the uploaded file.
            path: of the API that its requests go to.
            tag: ours; a server that honours idempotency keys makes one batch of it at most.
        """
        create: Any = self._client.batches.with_raw_response.create
        told = await self._told(
            create(
                input_file_id=file_id,
                endpoint=path,
                completion_window="24h",
                metadata={TAG: tag},
                extra_headers={"Idempotency-Key": tag},
            ),
            _A_BATCH,
        )
        if not isinstance(told, Failure):
            return _status(told)
        if told.kind in {"refused", "absent"} and _NOT_READY.search(told.message):
            return Failure("server", told.message, retryable=True, retry_after=NOT_READY_SECONDS)
        return told

    async def find(self, tag: str) -> BatchStatus | Failure | None:
        """The batch with this tag; None if the server has none."""
        listed: Any = self._client.batches.with_raw_response.list
        after: dict[str, str] = {}
        while True:
            told = await self._told(listed(limit=PAGE, **after), _A_LIST)
            if isinstance(told, Failure):
                return told
            batches = [batch for batch in told["data"] if isinstance(batch, dict)]
            for batch in batches:
                if (batch.get("metadata") or {}).get(TAG) == tag:
                    return _status(batch)
            if not batches or not told.get("has_more"):
                return None
            after = {"after": str(batches[-1].get("id"))}

    async def status(self, batch_id: str) -> BatchStatus | Failure:
        """How far a batch is."""
        told = await self._told(self._client.batches.with_raw_response.retrieve(batch_id), _A_BATCH)
        if not isinstance(told, Failure) and told["id"] != batch_id:
            return Failure("malformed", f"found the batch {quote(told['id'])}", retryable=True)
        return told if isinstance(told, Failure) else _status(told)

    async def read(self, file_id: str, take: Callable[[bytes], None]) -> Failure | None:
        """Hand over a file of results line by line; None when that was all of it."""
        from openai import APIStatusError

        fetch = self._client.files.with_streaming_response.content
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout_at(now() + self._seconds) as limit, fetch(file_id) as reply:
                rest = b""
                async for chunk in reply.iter_bytes():
                    limit.reschedule(now() + self._seconds)  # as long as something comes
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        take(line)
                    if len(rest) > MOST:
                        why = f"a line of the results is longer than {MOST // 2**20} MiB"
                        return Failure("malformed", why, retryable=True)
                take(rest)
        except APIStatusError as error:
            return await self._refused(error.response)
        except transport_errors() as error:
            return no_reply(error, self._without_key)
        return None

    async def _told(
        self, sent: Awaitable[Any], wanted: _Wanted, more_seconds: float = 0.0
    ) -> dict[str, Any] | Failure:
        """The JSON object that a request brings; a failure if it brings anything else."""
        from openai import APIStatusError

        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(now + self._seconds + more_seconds):
                content: bytes = (await sent).http_response.content
        except APIStatusError as error:
            return await self._refused(error.response, wanted.what)
        except transport_errors() as error:
            return no_reply(error, self._without_key)
        try:
            told = json.loads(content)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict) or not wanted.found_in(told):
            found = quote(self._without_key(content).decode(errors="replace"))
            return Failure("malformed", f"expected {wanted.what}, found {found}", retryable=True)
        return told

    async def _refused(self, response: Any, what: str = "") -> Failure:  # noqa: ANN401 - of httpx
        """Why there is no reply; `what` was asked for, if it may be that nothing such is there."""
        content = self._without_key(await response.aread())
        failure = parse_error(response.status_code, content, response.headers)
        if response.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            hint = (
                f" (asked for {what} at {self._endpoint}; a server that has no Batch API cannot be "
                "asked with --batch: leave it out, or see `evalkit batch export`)"
            )
            said = failure.message + (hint if what else "")
            return replace(failure, kind="absent", fatal=True, message=said)
        # Nothing here concerns a single prompt: what is refused for good would always be.
        return failure if failure.retryable else replace(failure, fatal=True)


def _status(told: dict[str, Any]) -> BatchStatus:
    counts = told.get("request_counts")
    counts = counts if isinstance(counts, dict) else {}
    errors = told.get("errors")
    listed = errors.get("data") if isinstance(errors, dict) else errors
    faults = [error for error in listed or () if isinstance(error, dict)]
    status = quote(str(told.get("status"))).lower()
    files = {
        str(told[name]): _at_least(counts.get(kind), none) if status == "completed" else 0
        for name, kind, none in (("output_file_id", "completed", 1), ("error_file_id", "failed", 0))
        if told.get(name)
    }
    return BatchStatus(
        id=str(told["id"]),
        status=status,
        done=sum(n for n in map(counts.get, ("completed", "failed")) if isinstance(n, int)),
        files=files,
        codes=frozenset(str(fault.get("code")) for fault in faults),
        why=quote(str(faults[0].get("message"))) if faults else "",
        file_unknown=any(_NOT_READY.search(str(fault.get("message"))) for fault in faults),
    )


def _upload_seconds(path: Path) -> float:
    return path.stat().st_size / BYTES_A_SECOND


def _at_least(count: object, none: int) -> int:
    """Results that a file holds, by what its server has counted; `none` where it does not count."""
    return count if isinstance(count, int) else none
