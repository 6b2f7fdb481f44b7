"""Writing an embedded checkpoint as a GGUF file, which llama.cpp reads.

It needs the package `gguf`, so the server's interpreter runs it, in the root of the repository:
`python -m tests.foreign.gguf_file CHECKPOINT FILE [--no-chat]`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from gguf import GGUFWriter, TokenType

from tests.foreign.folder import CONTEXT
from tests.foreign.weights import Weights, read_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
"""Part of a layer -> its name in the file."""

SPLITTING = "smollm"
"""llama.cpp's name for: each digit by itself, then words as GPT-2 splits them."""


def write_gguf(weights: Weights, path: Path, *, chat: bool) -> None:
    """Write weights, sizes and tokenizer, with its chat template or without."""
    writer = GGUFWriter(path, "llama")
    _write_sizes(writer, weights)
    _write_tokenizer(writer, weights, chat=chat)
    for name, array in _arrays(weights):
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_sizes(writer: GGUFWriter, weights: Weights) -> None:
    size, width = weights.shape
    writer.add_vocab_size(size)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(weights.hidden)
    writer.add_block_count(weights.layers)
    writer.add_head_count(weights.heads)
    writer.add_head_count_kv(weights.heads)
    writer.add_rope_dimension_count(width // weights.heads)
    writer.add_rope_freq_base(weights.base)
    writer.add_layer_norm_rms_eps(weights.epsilon)


def _write_tokenizer(writer: GGUFWriter, weights: Weights, *, chat: bool) -> None:
    model = weights.tokenizer["model"]
    special = {token["content"]: token["id"] for token in weights.tokenizer["added_tokens"]}
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(SPLITTING)
    writer.add_token_list(tokens)
    writer.add_token_types(
        [TokenType.CONTROL if token in special else TokenType.NORMAL for token in tokens]
    )
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(special[weights.settings["bos_token"]])
    writer.add_eos_token_id(special[weights.settings["eos_token"]])
    writer.add_add_bos_token(value=False)  # the chat template writes it
    writer.add_add_eos_token(value=False)
    writer.add_add_space_prefix(value=False)
    if chat:
        writer.add_chat_template(weights.settings["chat_template"])


def _arrays(weights: Weights) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Name and numbers of every array; the output layer is the embedding, so it is left out."""
    yield "token_embd.weight", weights.arrays["model.embed_tokens.weight"]
    yield "output_norm.weight", weights.arrays["model.norm.weight"]
    for number in range(weights.layers):
        for theirs, ours in NAMES.items():
            array = weights.arrays[f"model.layers.{number}.{theirs}.weight"]
            turned = theirs.endswith(("q_proj", "k_proj"))
            yield (
                f"blk.{number}.{ours}.weight",
                _interleaved(array, weights.heads) if turned else array,
            )


def _interleaved(array: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of queries or keys, as llama.cpp turns them by position.

    It turns neighbours together, `transformers` the first half of a head with its second.
    """
    width = array.shape[1]
    halves = array.reshape(heads, 2, -1, width)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(array.shape))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--no-chat", action="store_true", help="without its chat template")
    options = parser.parse_args()
    write_gguf(read_weights(options.checkpoint), options.file, chat=not options.no_chat)


if __name__ == "__main__":
    main()
