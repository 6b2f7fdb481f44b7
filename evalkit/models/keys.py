"""API keys: read from the environment, sent, and shown nowhere, whoever repeats them."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from urllib.parse import urlsplit

from evalkit.errors import ModelError
from evalkit.models.network import require_visible

KEY_VARIABLE = "OPENAI_API_KEY"
OPENAI_URL = "https://api.openai.com/v1"

NO_KEY = "none"
"""Sent to servers that want no key: the client insists on one."""

SECRET = 12
"""Characters from which on a key is a secret. Servers of one's own are given EMPTY or token, and
those are words that a model may well answer with."""


def read_key(model: str, variable: str, endpoint: str, *, needed: bool) -> str:
    """The key for an endpoint; `NO_KEY` for servers that may want none.

    Args:
        model: name of the arm.
        variable: of the environment.
        endpoint: where the key is for.
        needed: whether there must be one; OpenAI itself always needs one.

    Raises:
        ModelError: there is none, or it cannot be sent.
    """
    key = _key_in(variable)
    if not key:
        if needed or urlsplit(endpoint).hostname == urlsplit(OPENAI_URL).hostname:
            raise ModelError(
                f"model {model!r}: the environment variable {variable} is not set; expected the "
                f"API key for {endpoint} in it"
            )
        return NO_KEY
    require_visible(model, variable, key)
    return key


def without_key(content: bytes, variable: str) -> bytes:
    """A text without the key in a variable, should somebody repeat it."""
    key = _key_in(variable)
    sent = key.isascii() and len(key) >= SECRET
    return _spelt(key.encode()).sub(b"[key]", content) if sent else content


def _key_in(variable: str) -> str:
    return os.environ.get(variable, "").strip()


@lru_cache(maxsize=16)
def _spelt(key: bytes) -> re.Pattern[bytes]:
    r"""A key as it is, and as JSON or an address may spell it: `+` is `\u002b` or `%2B`, too."""
    spellings = [
        rb"(?:%b|\\%b|(?i:\\u%04x|%%%02x))" % (letter, letter, code, code)
        for letter, code in ((re.escape(bytes([code])), code) for code in key)
    ]
    return re.compile(b"".join(spellings))
