"""A server whose answers depend on the seed of the request, as sampled ones do."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.servers.openai_server import Asked, Server


class SamplingServer(Server):
    """Says `right` as often as `chances` has it for the model, by a hash of model, prompt and seed.

    A prompt `q7` has the answer `a7`; what is not right is `wrong 0` to `wrong 9`.
    """

    chances: dict[str, float]

    def __init__(self, **chances: float) -> None:
        super().__init__()
        self.chances = chances

    def _answer(self, asked: Asked) -> dict[str, Any]:
        self.reply = lambda model, messages: self._text(
            model, messages[-1]["content"], asked.body.get("seed")
        )
        return super()._answer(asked)

    def _text(self, model: str, prompt: str, seed: object) -> str:
        digest = hashlib.sha256(f"{model}/{prompt}/{seed}".encode()).digest()
        if digest[0] / 256 < self.chances[model]:
            return prompt.replace("q", "a")
        return f"wrong {digest[1] % 10}"
