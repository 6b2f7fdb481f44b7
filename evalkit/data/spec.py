r"""Model specs as they are typed: `[NAME=]PROVIDER:MODEL[@BASE_URL]`.

openai:gpt-4o-mini
openai:ft:gpt-4o-mini:org::id             the provider is what precedes the first colon
tuned=openai:my-adapter@http://localhost:8000/v1
local:C:\models\merged
file:answers.jsonl
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from evalkit.data.describe import shorten
from evalkit.errors import UsageError
from evalkit.schema import ModelSpec

LONGEST_NAME = 80

_SPEC = re.compile(r"(?:(?P<name>[^:]*)=)?(?P<provider>[^:=]*):(?P<model>.*)", re.DOTALL)
_PROVIDER = re.compile(r"[a-z][a-z0-9_-]*")
_ADDRESS = re.compile(r"@(?=https?://)", re.IGNORECASE)
# What follows an @ and is meant as an address, though it lacks its http://.
_BARE_ADDRESS = re.compile(
    r"@(?:[a-z][a-z0-9+.-]*://|localhost\b|\[|\d+(?:\.\d+){3}\b|[\w.-]+:\d+(?:/|$)|[\w.-]+/v\d+/?$)",
    re.IGNORECASE,
)
# The same where the model is one of a server's; a file may well be called so.
_BARE_HOST = re.compile(
    r"@(?:[^@]*//|https?[:/]|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:[:/]|$))", re.IGNORECASE
)
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|=@\x00-\x1f\x7f]+')
_SECRET = re.compile(r"key|token|secret|password|signature|^sig$", re.IGNORECASE)
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")  # devices on Windows
_EXPECTED = "[NAME=]PROVIDER:MODEL[@BASE_URL], for example openai:gpt-4o-mini"


Role = Literal["base", "tuned", "judge"]


def parse_judge(text: str) -> ModelSpec:
    """Read the spec of a judge, which is written like that of a model.

    Raises:
        UsageError: a spec that cannot be meant, or one of completions already made.
    """
    judge = parse_model(text, "judge")
    if judge.provider == "file":
        raise UsageError(
            f"judge {shorten(text)}: found completions already made, expected a model that can be "
            "asked about others' completions, such as openai:gpt-4.1-mini"
        )
    return judge


def parse_model(text: str, role: Role) -> ModelSpec:
    """Read a spec; the name is the last part of the model's own name unless one is given.

    Raises:
        UsageError: a spec that cannot be meant, or one that holds a secret.
    """
    match = _SPEC.fullmatch(text.strip())
    if match is None:
        named, sign, model = text.strip().rpartition("=")
        meant = model and not (sign and name_fault(named))
        hint = f"; did you mean {named}{sign}openai:{model}?" if meant else ""
        raise UsageError(f"model spec {shorten(text)}: expected {_EXPECTED}{hint}")
    provider, rest = match["provider"], match["model"]
    _check_provider(text, provider, rest)
    *parts, address = _ADDRESS.split(rest)
    model, base_url = ("@".join(parts), address) if parts else (rest, None)
    bare = _BARE_ADDRESS.search(rest) or (provider == "openai" and _BARE_HOST.search(rest))
    if base_url is None and bare:
        raise UsageError(
            f"model spec {shorten(text.partition('@')[0])}: what follows the @ looks like an "
            "address, expected it with http:// or https://: "
            f"{provider}:MODEL@http://localhost:8000/v1"
        )
    if not model.strip():
        raise UsageError(f"model spec {_public(text)}: found no model, expected {_EXPECTED}")
    wrong = url_fault(base_url) if base_url is not None else None
    if wrong:
        found, expected = wrong
        raise UsageError(f"model spec {_public(text)}: found {found}, expected {expected}")
    name = default_name(provider, model) if match["name"] is None else match["name"].strip()
    fault = name_fault(name)
    if fault:
        raise UsageError(f"model spec {_public(text)}: the name {shorten(name)} {fault}")
    return ModelSpec(name=name, provider=provider, model=model, role=role, base_url=base_url)


def url_fault(url: str) -> tuple[str, str] | None:
    """What was found and expected of a server's address; None if it is fine.

    An address is written into every run, so nothing secret may be in it, and nothing of it is
    repeated here.
    """
    try:
        parts = urlsplit(url)
        secret = parts.username is not None or any(
            _SECRET.search(key) for key, _ in parse_qsl(parts.query, keep_blank_values=True)
        )
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        secret, valid = False, False
    if secret:
        return (
            "an address with a user, a password or a key in it",
            "one without: name an environment variable as `api_key_env` in evalkit.yaml",
        )
    if not valid or any(character.isspace() for character in url):
        return "no address of a server", "one such as http://localhost:8000/v1"
    return None


def default_name(provider: str, model: str) -> str:
    """A short readable name: the last part of a path or of a repository's name.

    `file:RUN/completions.jsonl#MODEL` is called MODEL.
    """
    if provider == "file" and "#" in model:
        model = model.rpartition("#")[2]
    last = re.split(r"[\\/]", model.rstrip("\\/"))[-1]
    if provider == "file":
        last = last.removesuffix(".gz")
        last = PurePosixPath(last).stem or last
    return _cut(_NOT_IN_NAMES.sub("-", last)) or provider


def safe_name(text: str) -> str:
    """The nearest text that is a valid name."""
    name = "".join(c if c.isprintable() else "-" for c in _NOT_IN_NAMES.sub("-", text))
    name = _cut(name) or "unnamed"
    return _cut(f"_{name}") if _RESERVED.fullmatch(name) else name


def _cut(name: str) -> str:
    return name.strip("-. ")[:LONGEST_NAME].strip("-. ")


def name_fault(name: str) -> str | None:
    """Why a text cannot name a suite or a model, in words; None if it can.

    Names become columns, headings and parts of file names, on every system.
    """
    if not name:
        return "is empty; expected a name"
    if len(name) > LONGEST_NAME:
        return f"has {len(name)} characters; expected at most {LONGEST_NAME}"
    if not name.isprintable() or _NOT_IN_NAMES.search(name):
        return f"has characters that no file name may have; expected one such as {safe_name(name)}"
    if name != name.strip("-. "):
        return f"begins or ends with a space, dot or dash; expected {safe_name(name)}"
    if _RESERVED.fullmatch(name):
        return "is a device on Windows; expected another name"
    return None


def _check_provider(text: str, provider: str, rest: str) -> None:
    if _PROVIDER.fullmatch(provider) and not rest.startswith("//"):
        return
    if rest.startswith("//"):
        raise UsageError(
            f"model spec {_public(text)}: found an address alone, expected a model before it: "
            "openai:MODEL@BASE_URL"
        )
    hint = f"; did you mean 'local:{text}'?" if rest[:1] in {"\\", "/"} else ""
    raise UsageError(
        f"model spec {_public(text)}: found the provider {provider!r}, expected a word in small "
        f"letters: {_EXPECTED}{hint}"
    )


def _public(text: str) -> str:
    """The spec without its address, which may hold a key."""
    return shorten(re.split(r"https?://", text, maxsplit=1, flags=re.IGNORECASE)[0])
