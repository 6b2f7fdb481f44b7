"""The way to a server, as far as the environment decides it: proxies, certificates, headers.

Whoever set these variables has often forgotten them, or never knew; so what fails because of one
names it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from evalkit.errors import ModelError
from evalkit.models.bounded import bounded_client
from evalkit.models.transport import url_errors

if TYPE_CHECKING:
    from openai import AsyncOpenAI

CONNECT_SECONDS = 15.0
"""How long a connection may take. How long a reply may take is the runner's to say: `--timeout`."""

_SENT = ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID")
"""Variables that the client sends as headers."""

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def open_client(model: str, base_url: str, key: str) -> AsyncOpenAI:
    """A client for one server; nothing is sent yet.

    Args:
        model: name of the arm.
        base_url: of the API.
        key: for it.

    Raises:
        ModelError: the environment does not let it be opened.
    """
    from openai import AsyncOpenAI, Timeout

    for variable in _SENT:
        require_visible(model, variable, os.environ.get(variable, ""))
    timeout = Timeout(None, connect=CONNECT_SECONDS)
    try:
        transport = bounded_client(timeout=timeout)
    except OSError as error:
        named = [name for name in _CERTIFICATES if name in os.environ]
        raise ModelError(
            f"model {model!r}: the certificates that {' or '.join(named) or 'the system'} names "
            f"cannot be read: {error.strerror or error}"
        ) from error
    except url_errors() as error:
        variable = proxy_variable(base_url) or "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY"
        raise ModelError(
            f"model {model!r}: what the environment variable {variable} holds is no proxy's "
            "address; expected http://HOST:PORT"
        ) from error
    return AsyncOpenAI(
        api_key=key, base_url=base_url, max_retries=0, timeout=timeout, http_client=transport
    )


def require_visible(model: str, variable: str, value: str) -> None:
    """See that the value of a variable can be sent as a header.

    Raises:
        ModelError: it cannot.
    """
    for place, character in enumerate(value, 1):
        if not (character.isascii() and character.isprintable()):
            raise ModelError(
                f"model {model!r}: the environment variable {variable} holds the character "
                f"U+{ord(character):04X} in place {place} of {len(value)}; expected visible ASCII "
                "characters: copy it once more"
            )


def proxy_variable(url: str) -> str | None:
    """The environment variable that names the proxy through which an address is asked, if any."""
    parts = urlsplit(url)
    proxies = getproxies_environment()
    kind = parts.scheme if parts.scheme in proxies else "all"
    if kind not in proxies or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return next(name for name in os.environ if name.lower() == f"{kind}_proxy")


def detour(url: str) -> str:
    """What to know of a connection that failed, if it went through a proxy; else nothing."""
    variable = proxy_variable(url)
    if variable is None:
        return ""
    host = urlsplit(url).hostname
    return f" (through the proxy that {variable} names; NO_PROXY={host} would ask without one)"
