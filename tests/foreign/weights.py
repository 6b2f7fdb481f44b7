"""An embedded checkpoint as plain arrays, under the names that Llama weights have elsewhere.

Nothing but numpy and the standard library, so that the interpreter of any server can run it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = ("<f4", "i1", "<i2", "<i4", "<f2")
"""Types of numbers by their number in a CTranslate2 file."""

PARTS = {
    "self_attn.o_proj": "self_attention/linear_1/weight",
    "mlp.gate_proj": "ffn/linear_0/weight",
    "mlp.up_proj": "ffn/linear_0_noact/weight",
    "mlp.down_proj": "ffn/linear_1/weight",
    "input_layernorm": "self_attention/layer_norm/gamma",
    "post_attention_layernorm": "ffn/layer_norm/gamma",
}
"""Our name of a part of a layer -> CTranslate2's; query, key and value are one array there."""

Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Weights:
    """A Llama whose output layer is its embedding.

    Attributes:
        arrays: name -> numbers, as `transformers` calls and lays them out.
        heads: of attention, all with keys and values of their own.
        epsilon: of the norms.
        base: of the rotary positions.
        tokenizer: `tokenizer.json`.
        settings: `tokenizer_config.json`, with the chat template.
    """

    arrays: Arrays
    heads: int
    epsilon: float
    base: float
    tokenizer: Mapping[str, Any]
    settings: Mapping[str, Any]

    @property
    def layers(self) -> int:
        return sum(name.endswith("q_proj.weight") for name in self.arrays)

    @property
    def hidden(self) -> int:
        return len(self.arrays["model.layers.0.mlp.gate_proj.weight"])

    @property
    def shape(self) -> tuple[int, int]:
        """Tokens of the vocabulary, and how wide the model is."""
        size, width = self.arrays["model.embed_tokens.weight"].shape
        return size, width


def read_weights(folder: Path) -> Weights:
    """Read a checkpoint of the embedded trio."""
    stored = _stored((folder / "model.bin").read_bytes())
    arrays = {
        "model.embed_tokens.weight": stored["decoder/embeddings/weight"],
        "model.norm.weight": stored["decoder/layer_norm/gamma"],
    }
    for number in range(sum(name.endswith("rotary_base") for name in stored)):
        ours, theirs = f"model.layers.{number}", f"decoder/layer_{number}"
        arrays |= {f"{ours}.{o}.weight": stored[f"{theirs}/{t}"] for o, t in PARTS.items()}
        fused = np.split(stored[f"{theirs}/self_attention/linear_0/weight"], 3)
        for part, array in zip("qkv", fused, strict=True):
            arrays[f"{ours}.self_attn.{part}_proj.weight"] = array
    return Weights(
        arrays={name: array.astype(np.float32) for name, array in arrays.items()},
        heads=int(stored["decoder/num_heads"]),
        epsilon=_json(folder / "config.json")["layer_norm_epsilon"],
        base=float(stored["decoder/layer_0/self_attention/rotary_base"]),
        tokenizer=_json(folder / "tokenizer.json"),
        settings=_json(folder / "tokenizer_config.json"),
    )


def _stored(content: bytes) -> dict[str, NDArray[Any]]:
    """Name -> array of every variable in a CTranslate2 file; names that mean another follow them.

    A file is a version, the name of a model family, its revision, a count, and then each variable
    with its name, the lengths of its dimensions, the type and number of its bytes, and the bytes.
    """
    place = 0

    def take(form: str) -> Any:
        nonlocal place
        (value,) = struct.unpack_from(f"<{form}", content, place)
        place += struct.calcsize(f"<{form}")
        return value

    def text() -> str:
        length = take("H")
        return str(take(f"{length}s")[:-1], "utf-8")

    version, family, revision = take("I"), text(), take("I")
    assert (version, family, revision) == (6, "TransformerDecoderSpec", 8)
    found = {}
    for _ in range(take("I")):
        name, dimensions = text(), [take("I") for _ in range(take("B"))]
        kind, size = np.dtype(TYPES[take("B")]), take("I")
        numbers = np.frombuffer(content, kind, size // kind.itemsize, place)
        found[name] = numbers.reshape(dimensions)
        place += size
    return found


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
