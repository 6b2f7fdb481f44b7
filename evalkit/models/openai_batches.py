"""Files and batches of an OpenAI-compatible server: `/v1/files` and `/v1/batches`."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.models.batched import BatchStatus
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


class OpenAIBatches:
    """The batches of one server; see `BatchServer`."""

    def __init__(
        self, client: AsyncOpenAI, endpoint: str, without_key: Callable[[bytes], bytes]
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._without_key = without_key

    async def upload(self, path: Path) -> str | Failure:
        """Send a file of requests; its id at the server."""
        with path.open("rb") as file:
            told = await self._told(
                self._client.files.with_raw_response.create(
                    file=(path.name, file), purpose="batch"
                ),
                "a file",
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
            "a batch",
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
            told = await self._told(listed(limit=PAGE, **after), "a list", "data")
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
        told = await self._told(
            self._client.batches.with_raw_response.retrieve(batch_id), "a batch"
        )
        return told if isinstance(told, Failure) else _status(told)

    async def read(self, file_id: str, take: Callable[[bytes], None]) -> Failure | None:
        """Hand over a file of results line by line; None when that was all of it."""
        from openai import APIStatusError

        fetch = self._client.files.with_streaming_response.content
        try:
            async with fetch(file_id) as reply:
                rest = b""
                async for chunk in reply.iter_bytes():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        take(line)
                take(rest)
        except APIStatusError as error:
            return await self._refused(error.response, "a file")
        except transport_errors() as error:
            return no_reply(error, self._without_key)
        return None

    async def _told(
        self, sent: Awaitable[Any], what: str, needed: str = "id"
    ) -> dict[str, Any] | Failure:
        """The JSON object that a request brings; a failure if it brings anything else."""
        from openai import APIStatusError

        try:
            content: bytes = (await sent).http_response.content
        except APIStatusError as error:
            return await self._refused(error.response, what)
        except transport_errors() as error:
            return no_reply(error, self._without_key)
        try:
            told = json.loads(content)
            told[needed]
        except (ValueError, TypeError, LookupError, RecursionError):
            found = quote(self._without_key(content).decode(errors="replace"))
            return Failure("malformed", f"expected {what}, found {found}", retryable=True)
        found_object: dict[str, Any] = told
        return found_object

    async def _refused(self, response: Any, what: str) -> Failure:  # noqa: ANN401 - of httpx
        content = self._without_key(await response.aread())
        failure = parse_error(response.status_code, content, response.headers)
        if response.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}:
            return replace(
                failure,
                kind="absent",
                fatal=True,
                message=f"{failure.message} (asked for {what} at {self._endpoint}; a server that "
                "has no Batch API cannot be asked with --batch: leave it out, or see "
                "`evalkit batch export`)",
            )
        # Nothing here concerns a single prompt: what is refused for good would always be.
        return failure if failure.retryable else replace(failure, fatal=True)


def _status(told: dict[str, Any]) -> BatchStatus:
    counts = told.get("request_counts")
    counts = counts if isinstance(counts, dict) else {}
    errors = told.get("errors")
    listed = errors.get("data") if isinstance(errors, dict) else errors
    faults = [error for error in listed or () if isinstance(error, dict)]
    return BatchStatus(
        id=str(told["id"]),
        status=quote(str(told.get("status"))).lower(),
        done=sum(n for n in map(counts.get, ("completed", "failed")) if isinstance(n, int)),
        files=tuple(
            str(told[name]) for name in ("output_file_id", "error_file_id") if told.get(name)
        ),
        codes=frozenset(str(fault.get("code")) for fault in faults),
        why=quote(str(faults[0].get("message"))) if faults else "",
        file_unknown=any(_NOT_READY.search(str(fault.get("message"))) for fault in faults),
    )
