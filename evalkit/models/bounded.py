"""Replies of a size that fits into memory, whatever a server sends and however it is packed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.models.transport import decoding_error

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Request, Response

MOST = 64 * 2**20
"""Bytes of a reply, unpacked: several times what the longest log-probabilities take."""

_PACKING = {b"content-encoding", b"content-length", b"transfer-encoding"}


def bounded_client(**options: Any) -> AsyncClient:  # noqa: ANN401 - of the client
    """The `openai` package's client over aiohttp, but that it reads no more than `MOST` of a reply.

    A reply that is longer counts as one that cannot be unpacked. A few thousand bytes of gzip can
    hold gigabytes, so it is what comes out that counts, piece by piece.
    """
    from openai import DefaultAioHttpClient

    class Bounded(DefaultAioHttpClient):
        async def send(
            self,
            request: Request,
            *,
            stream: bool = False,
            **how: Any,  # noqa: ANN401 - of the client
        ) -> Response:
            response = await super().send(request, stream=True, **how)
            if stream:
                return response
            try:
                return await _read(response, request)
            finally:
                await response.aclose()

    return Bounded(**options)


async def _read(response: Response, request: Request) -> Response:
    """A reply with all of its body, unpacked."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MOST:
            raise decoding_error(f"it is longer than {MOST // 2**20} MiB", request)
        parts.append(part)
    return type(response)(
        response.status_code,
        headers=[(name, v) for name, v in response.headers.raw if name.lower() not in _PACKING],
        content=b"".join(parts),
        request=request,
        extensions=response.extensions,
    )
