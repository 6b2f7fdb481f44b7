"""A converted checkpoint on disk: which files it needs, and what they say about the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit import embedded
from evalkit.errors import ModelError, nearest
from evalkit.schema import ModelSpec

CONVERT = (
    "ct2-transformers-converter --model {path} --output_dir {path}-ct2 --quantization float16 "
    "--copy_files tokenizer.json tokenizer_config.json"
)
"""What makes a checkpoint that can be read here of one in the format of `transformers`."""

HASHED = ("model.bin", "config.json", "tokenizer.json", "tokenizer_config.json")
"""Files that shape an answer."""

TEMPLATE_FILE = "chat_template.jinja"
"""Where newer tokenizers keep their chat template."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is known of a model before it is loaded.

    Attributes:
        folder: where its files are.
        chat_template: Jinja source, or None if it was never taught a conversation.
        tokens: special tokens by name: `bos_token`, `eos_token`, ...
        end_tokens: tokens that end an answer.
    """

    folder: Path
    chat_template: str | None
    tokens: Mapping[str, str]
    end_tokens: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of its weights."""
        return (self.folder / "model.bin").stat().st_size

    def content_hash(self) -> str:
        """SHA-256 over the files that shape an answer."""
        whole = hashlib.sha256()
        for name in (*HASHED, TEMPLATE_FILE):
            path = self.folder / name
            if path.is_file():
                with path.open("rb") as file:
                    whole.update(
                        f"{name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode()
                    )
        return whole.hexdigest()


def find_checkpoint(spec: ModelSpec) -> Checkpoint:
    """The checkpoint that `local:NAME` or `local:PATH` means.

    Raises:
        ModelError: there is none, or it lacks files; the message says how to make them.
    """
    folder = _folder(spec)
    missing = [name for name in ("model.bin", "tokenizer.json") if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"model {spec.name!r}: {folder} has no {' and no '.join(missing)}; {_advice(folder)}"
        )
    settings = _json(folder / "tokenizer_config.json")
    template = settings.get("chat_template")
    if (folder / TEMPLATE_FILE).is_file():
        template = (folder / TEMPLATE_FILE).read_text(encoding="utf-8")
    tokens = _special_tokens(settings)
    own = _json(folder / "config.json")
    ends = (own.get("eos_token"), tokens.get("eos_token"))
    return Checkpoint(
        folder=folder,
        chat_template=_default_template(template),
        tokens=tokens,
        end_tokens=tuple(dict.fromkeys(end for end in ends if isinstance(end, str) and end)),
    )


def _folder(spec: ModelSpec) -> Path:
    if spec.model in embedded.MODELS:
        return embedded.weights_folder(spec.model)
    folder = Path(spec.model).expanduser()
    if folder.is_dir():
        return folder
    raise ModelError(
        f"model {spec.name!r}: local:{spec.model} is neither an embedded model nor a folder; "
        f"{nearest(spec.model, embedded.MODELS)} A checkpoint of your own is a folder, "
        "as in local:./my-model-ct2"
    )


def _advice(folder: Path) -> str:
    if (folder / "adapter_config.json").is_file():
        return (
            "it holds an adapter, which is merged into its base and converted first; "
            "see docs/local-models.md"
        )
    if not (folder / "model.bin").is_file():
        return f"expected a converted checkpoint; make one with: {CONVERT.format(path=folder)}"
    return (
        "expected the tokenizer beside the weights; copy tokenizer.json and tokenizer_config.json "
        "from the original checkpoint"
    )


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; empty if there is no such file."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{path}: no valid JSON ({error}); copy the file again") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path}: found a {type(found).__name__}, expected a JSON object")
    return found


def _special_tokens(settings: Mapping[str, Any]) -> dict[str, str]:
    """`bos_token` and the like, which are texts or objects with a `content`."""
    tokens = {}
    for name, value in settings.items():
        text = value.get("content") if isinstance(value, dict) else value
        if name.endswith("_token") and isinstance(text, str):
            tokens[name] = text
    return tokens


def _default_template(template: object) -> str | None:
    """The template itself, or the one called `default` of several."""
    if isinstance(template, list):
        named = {each.get("name"): each.get("template") for each in template}
        template = named.get("default")
    return template if isinstance(template, str) else None
