"""How the embedded models see a conversation, in training and in the `local:` provider alike."""

from __future__ import annotations

BEGIN, END = "<|begin|>", "<|end|>"
BEGIN_ID, END_ID = 0, 1

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] }}\n"
    "{% elif message['role'] == 'user' %}Q: {{ message['content'] }}\nA:"
    "{% else %} {{ message['content'] }}\n{% endif %}{% endfor %}"
)
"""The `chat_template` of the checkpoints; a test holds `render` to it."""


def render(system: str, prompt: str) -> str:
    """One question as the template renders it."""
    return f"{BEGIN}{system}\nQ: {prompt}\nA:"
