"""Between the `openai` package and the socket: errors where no reply could be read -> `Failure`.

The package turns most of what its transport raises into errors of its own. What it does not know
comes through as it is: replies that break the rules of HTTP, and all that happens while a body
streams in.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from ssl import SSLCertVerificationError, SSLError
from types import ModuleType
from typing import Any

from evalkit.models.failures import quote
from evalkit.schema import Failure

HTTPX2_SINCE = 3
"""The major version of the client that left httpx for httpx2."""


NO_TLS = "WRONG_VERSION_NUMBER"
"""What OpenSSL finds where a server answers in plain HTTP."""


def response_type() -> type[Any]:
    """The client's type of a reply as it came."""
    found: type[Any] = _library().Response
    return found


def decoding_error(why: str, request: Any) -> Exception:  # noqa: ANN401 - of the library
    """What the client itself raises where a body cannot be unpacked."""
    error: Exception = _library().DecodingError(why, request=request)
    return error


def transport_errors() -> tuple[type[Exception], ...]:
    """All that a request may end in besides a reply.

    It is for `except` clauses, which are only looked at when something is raised: nothing is loaded
    before.
    """
    from aiohttp import ClientError
    from openai import APIConnectionError

    return (APIConnectionError, ClientError, _library().HTTPError, TimeoutError)


def url_errors() -> tuple[type[Exception], ...]:
    """What opening a client may end in if a proxy's address is none; for `except` clauses."""
    return (_library().InvalidURL, ValueError)


def no_reply(error: BaseException, without_key: Callable[[bytes], bytes]) -> Failure:
    """What one of `transport_errors` says. The cause is in the chain, not in the type.

    Args:
        error: what was raised.
        without_key: takes our key out of a server's words.

    Returns:
        A failure of kind `timeout`, `malformed` if there was a reply that no one can read, or
        `connection`.
    """
    from aiohttp import ClientError, ClientResponseError
    from openai import APITimeoutError

    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    said = str(chain[-1]) or type(chain[-1]).__name__
    reason = quote(without_key(said.encode(errors="replace")).decode())
    unreadable = (ClientResponseError, _library().DecodingError)
    if any(isinstance(link, unreadable) for link in chain):
        return Failure("malformed", f"the server's reply cannot be read: {reason}", retryable=True)
    if any(isinstance(link, SSLCertVerificationError) for link in chain):
        return Failure(
            "connection",
            f"the server's certificate is not trusted: {reason}; if you trust it, name a file with "
            "it, or with its authority's, in the environment variable SSL_CERT_FILE",
            fatal=True,
        )
    if any(NO_TLS in str(link) for link in chain if isinstance(link, SSLError)):
        said = "the server does not speak TLS; is its address one of http:// ?"
        return Failure("connection", said, fatal=True)
    # The transport calls every lost connection a time-out; aiohttp's own types tell them apart.
    lost = any(isinstance(link, ClientError) for link in chain)
    late = any(isinstance(link, TimeoutError) for link in chain)
    if late or (isinstance(error, APITimeoutError) and not lost):
        return Failure("timeout", "the server did not answer in time", retryable=True)
    return Failure("connection", f"no connection: {reason}", retryable=True, away=True)


def _library() -> ModuleType:
    """What the client is built on; both libraries may be there, but only one of them is its own."""
    from openai import __version__

    major = int(__version__.partition(".")[0])
    return import_module("httpx2" if major >= HTTPX2_SINCE else "httpx")
