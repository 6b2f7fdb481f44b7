"""Chat templates: messages to the one text a model was trained to see.

A template comes with a checkpoint and is a stranger's program, so it runs in Jinja's sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from evalkit.errors import ModelError
from evalkit.models.prompts import wire
from evalkit.schema import Message

if TYPE_CHECKING:
    from jinja2 import Template

_MARK = "\ue000answer\ue001"
"""Stands in for an answer; private characters, so that no prompt holds it."""


def render_chat(source: str, messages: Sequence[Message], tokens: Mapping[str, str]) -> str:
    """The text that asks for the next assistant turn.

    Args:
        source: the checkpoint's `chat_template`.
        messages: the conversation so far.
        tokens: special tokens by the name under which templates know them (`bos_token`, ...).

    Raises:
        ModelError: the template is broken, or refuses these messages.
    """
    return _rendered(source, messages, tokens, asking=True)


def render_before_answer(
    source: str, messages: Sequence[Message], tokens: Mapping[str, str]
) -> str:
    """The text that stands before an answer to these messages, as training showed it.

    That is the rendered conversation with an answer, up to where the answer begins. It can differ
    from what `render_chat` gives, by a space or by an empty block of thoughts.

    Raises:
        ModelError: the template is broken, or takes no answers.
    """
    answer = Message("assistant", _MARK)
    before, mark, _ = _rendered(source, [*messages, answer], tokens, asking=False).partition(_MARK)
    if not mark:
        raise ModelError("the chat template of this checkpoint does not show what was answered")
    return before


def _rendered(
    source: str, messages: Sequence[Message], tokens: Mapping[str, str], *, asking: bool
) -> str:
    from jinja2 import TemplateError

    try:
        return _compiled(source).render(
            messages=wire(messages), add_generation_prompt=asking, tools=None, **tokens
        )
    except (TemplateError, TypeError, ValueError) as error:
        raise ModelError(
            f"the chat template of this checkpoint cannot be used: {error}; "
            "check `chat_template` in its tokenizer_config.json, or ask with mode: completions"
        ) from error


@lru_cache(maxsize=8)
def _compiled(source: str) -> Template:
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # The options under which published templates are written. The output is a prompt, not HTML.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False, extensions=[loopcontrols]
    )
    environment.globals["raise_exception"] = _refuse
    return environment.from_string(source)


def _refuse(message: Any) -> NoReturn:  # noqa: ANN401 - whatever the template says
    """What templates call when they don't take a conversation."""
    from jinja2 import TemplateError

    raise TemplateError(str(message))
