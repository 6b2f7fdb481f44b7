"""Writing an embedded checkpoint as a folder that `transformers` reads."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from tests.foreign.weights import Arrays, Weights

CONTEXT = 512
"""Tokens of prompt and answer: twice what the trio was trained with."""


def write_folder(weights: Weights, folder: Path, *, chat: bool = True) -> Path:
    """Write config, weights, tokenizer and chat template.

    Args:
        weights: of the model.
        folder: is made.
        chat: whether it comes with its chat template.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True)
    settings = dict(weights.settings)
    template = settings.pop("chat_template")
    if chat:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    _write(folder / "tokenizer_config.json", {"tokenizer_class": "TokenizersBackend", **settings})
    _write(folder / "tokenizer.json", weights.tokenizer)
    _write(folder / "config.json", _config(weights))
    (folder / "model.safetensors").write_bytes(_safetensors(weights.arrays))
    return folder


def _config(weights: Weights) -> dict[str, Any]:
    size, width = weights.shape
    ids = {token["content"]: token["id"] for token in weights.tokenizer["added_tokens"]}
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": size,
        "hidden_size": width,
        "intermediate_size": weights.hidden,
        "num_hidden_layers": weights.layers,
        "num_attention_heads": weights.heads,
        "num_key_value_heads": weights.heads,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": weights.epsilon,
        "rope_parameters": {"rope_type": "default", "rope_theta": weights.base},
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "bos_token_id": ids[weights.settings["bos_token"]],
        "eos_token_id": ids[weights.settings["eos_token"]],
        "dtype": "float32",
    }


def _safetensors(arrays: Arrays) -> bytes:
    """A header that says where each array lies, its length before it, and the arrays after it."""
    header, place = {}, 0
    for name, array in arrays.items():
        span = [place, place + array.nbytes]
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": span}
        place = span[1]
    head = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    return b"".join([struct.pack("<Q", len(head)), head, *(a.tobytes() for a in arrays.values())])


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
