"""`local:` models in this process: the embedded trio, and converted checkpoints of one's own.

CTranslate2 runs the weights, `tokenizers` the tokenizer; neither needs torch. Answers are computed
in float32 whatever the weights are stored in, so that they don't depend on the short formats that a
processor happens to have.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from evalkit.errors import ModelError
from evalkit.models.chat_template import render_before_answer, render_chat
from evalkit.models.checkpoint import Checkpoint, find_checkpoint
from evalkit.models.prompts import continued, cut, flatten
from evalkit.schema import Answer, Failure, Generation, Likelihood, Mode, ModelSpec, Request

BATCH = 512
"""Requests of one call: enough to sort by length, few enough for a moving progress bar."""
STEP_TOKENS = 1024
"""Prompt tokens that are computed at once; more than fits the processor's cache is slower."""
SMALL = 200_000_000
"""Bytes of weights up to which processors work on a batch each instead of sharing one."""


def open_local(spec: ModelSpec) -> LocalProvider:
    """Open an embedded model or a converted checkpoint.

    Args:
        spec: `model` is an embedded name or a folder; `mode` falls back to chat where the
            checkpoint has a chat template, else to completions.

    Raises:
        ModelError: the extra is missing, or there is no such checkpoint.
    """
    checkpoint = find_checkpoint(spec)
    mode = spec.mode or ("chat" if checkpoint.chat_template else "completions")
    if mode == "chat" and checkpoint.chat_template is None:
        raise ModelError(
            f"model {spec.name!r}: {checkpoint.folder} has no chat template; "
            "ask it with mode: completions, or add `chat_template` to its tokenizer_config.json"
        )
    return LocalProvider(spec.name, checkpoint, mode)


class LocalProvider:
    """A model in this process; see `Provider`."""

    endpoint = "local"
    batch = BATCH
    parallel: int | None = 1
    cacheable = True
    scores_texts = True

    def __init__(self, name: str, checkpoint: Checkpoint, mode: Mode) -> None:
        self.identity = f"{checkpoint.content_hash()} {mode}"
        self.notes: list[str] = []
        self._name = name
        self._checkpoint = checkpoint
        self.mode = mode
        self._tokenizer = _load_tokenizer(name, checkpoint)
        small = checkpoint.size < SMALL
        self._generator = _load_generator(name, checkpoint, batches=_processors() if small else 1)

    def prompt_key(self, request: Request) -> str:
        """The prompt as text, rendered by the chat template or as it is."""
        template = self._checkpoint.chat_template
        if self.mode == "completions" or template is None:
            return flatten(request.messages)
        return render_chat(template, request.messages, self._checkpoint.tokens)

    async def complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        """Generate, or score texts, in batches of like length, all processors at work.

        Raises:
            ModelError: the chat template refuses the messages.
        """
        return await asyncio.to_thread(self._complete, requests)

    async def close(self) -> None:
        """Free the weights; the provider can't be asked afterwards."""
        self._generator.unload_model()

    def _complete(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        groups: dict[Generation | None, list[int]] = defaultdict(list)
        for place, request in enumerate(requests):
            groups[request.generation if request.scored is None else None].append(place)
        outcomes: dict[int, Answer | Failure] = {}
        for generation, places in groups.items():
            asked = [requests[place] for place in places]
            if generation is None:
                found: Sequence[Answer | Failure] = self._score(asked)
            else:
                prompts = [self._encode(self.prompt_key(request)) for request in asked]
                found = self._generate(prompts, generation)
            outcomes.update(zip(places, found, strict=True))
        return [outcomes[place] for place in range(len(requests))]

    def _score(self, requests: Sequence[Request]) -> Sequence[Answer | Failure]:
        """Log-probabilities of the texts that the requests name, each after its prompt."""
        try:
            tokens, starts = zip(*map(self._tokens_with_text, requests), strict=True)
        except ModelError as error:  # a template that takes questions, but no answers
            return [Failure("unsupported", str(error)) for _ in requests]
        # One at a time: in a batch, the last digits depend on what else is in it.
        scored = self._generator.score_batch(list(tokens), max_batch_size=1, max_input_length=0)
        # The first token of all has no probability, so the one at i is found at i - 1.
        values = [
            result.log_probs[start - 1 :] for result, start in zip(scored, starts, strict=True)
        ]
        return [
            Answer(
                text="",
                prompt_tokens=len(row),
                completion_tokens=0,
                served_model=self._checkpoint.folder.name,
                likelihood=Likelihood(request.scored or "", math.fsum(found), len(found)),
            )
            for request, row, found in zip(requests, tokens, values, strict=True)
        ]

    def _tokens_with_text(self, request: Request) -> tuple[list[str], int]:
        """Tokens of a prompt with the text to be scored, and the place of the text's first one.

        They are cut as training cut them, together; a token that holds the end of the prompt and
        the beginning of the text belongs to the text, and so does white space between the two.
        """
        template, text = self._checkpoint.chat_template, request.scored or ""
        prompt = self.prompt_key(request)
        if self.mode == "completions" or template is None:
            whole = continued(prompt, text)
            begin = len(prompt)
        else:
            before = render_before_answer(template, request.messages, self._checkpoint.tokens)
            whole = before + text.strip()  # as most templates do
            begin = max(len(before.rstrip()), len(prompt) if before.startswith(prompt) else 0)
        special = self.mode == "completions"
        encoded = self._tokenizer.encode(whole if text else prompt, add_special_tokens=special)
        start = next((i for i, (_, end) in enumerate(encoded.offsets) if end > begin), None)
        return encoded.tokens, max(1, len(encoded.tokens) if start is None else start)

    def _generate(self, prompts: list[list[str]], generation: Generation) -> list[Answer]:
        ends = [*self._checkpoint.end_tokens, *self._stop_tokens(generation.stop)]
        sampled = generation.temperature > 0
        generator = self._seeded(generation.seed) if sampled else self._generator
        # Greedy decoding is sampling among one candidate.
        found = generator.generate_batch(
            prompts,
            max_batch_size=STEP_TOKENS,
            batch_type="tokens",
            include_prompt_in_result=False,
            end_token=ends or None,
            return_end_token=True,
            max_length=generation.max_tokens,
            sampling_topk=(generation.top_k or 0) if sampled else 1,
            sampling_topp=generation.top_p if sampled else 1,
            sampling_temperature=generation.temperature if sampled else 1,
        )
        return [
            self._answer(len(prompt), result, generation.stop, ends)
            for prompt, result in zip(prompts, found, strict=True)
        ]

    def _answer(
        self,
        prompt_tokens: int,
        result: Any,  # noqa: ANN401 - untyped library
        stops: Sequence[str],
        ends: Sequence[str],
    ) -> Answer:
        ids, tokens = result.sequences_ids[0], result.sequences[0]
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        kept = cut(text, stops)
        stopped = kept != text or (bool(tokens) and tokens[-1] in ends)
        return Answer(
            text=kept,
            finish_reason="stop" if stopped else "length",
            prompt_tokens=prompt_tokens,
            completion_tokens=len(ids),
            served_model=self._checkpoint.folder.name,
        )

    def _stop_tokens(self, stops: Sequence[str]) -> list[str]:
        """Tokens that hold a stop, so that nothing after them can belong to the answer.

        A stop that only several tokens together spell is found afterwards, in the text.
        """
        return [
            token
            for token, text in self._token_texts.items()
            if any(stop in text for stop in stops)
        ]

    @cached_property
    def _token_texts(self) -> dict[str, str]:
        vocabulary: dict[str, int] = self._tokenizer.get_vocab(with_added_tokens=False)
        return {
            token: self._tokenizer.decode([number], skip_special_tokens=False)
            for token, number in sorted(vocabulary.items(), key=lambda item: item[1])
        }

    def _seeded(self, seed: int | None) -> Any:  # noqa: ANN401 - untyped library
        """A generator whose samples follow from the seed.

        The library seeds a worker when the worker starts and never again, so one is started; a
        single one, because several would share out the batches by chance.
        """
        if seed is None:
            return self._generator
        from ctranslate2 import set_random_seed

        set_random_seed(seed)
        return _load_generator(self._name, self._checkpoint, batches=1)

    def _encode(self, text: str) -> list[str]:
        """Tokens of a prompt, at least one where there is one to begin with."""
        special = self.mode == "completions"
        tokens: list[str] = self._tokenizer.encode(text, add_special_tokens=special).tokens
        start = self._checkpoint.tokens.get("bos_token")
        return tokens if tokens or start is None else [start]


def _load_tokenizer(name: str, checkpoint: Checkpoint) -> Any:  # noqa: ANN401 - untyped library
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise _missing_extra(name, error) from error
    path = checkpoint.folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare exceptions
        raise ModelError(f"model {name!r}: {path} is no tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _load_generator(name: str, checkpoint: Checkpoint, *, batches: int) -> Any:  # noqa: ANN401
    """The weights, ready to compute so many batches at a time."""
    try:
        from ctranslate2 import Generator
    except ImportError as error:
        raise _missing_extra(name, error) from error
    try:
        return Generator(
            str(checkpoint.folder),
            compute_type="float32",
            inter_threads=batches,
            intra_threads=max(1, _processors() // batches),
        )
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"model {name!r}: {checkpoint.folder} is no converted checkpoint that this version of "
            f"ctranslate2 can read: {error}"
        ) from error


def _missing_extra(name: str, error: ImportError) -> ModelError:
    return ModelError(
        f"model {name!r}: local models need {error.name}, which is not installed; "
        "expected both of: pip install ctranslate2 tokenizers"
    )


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
