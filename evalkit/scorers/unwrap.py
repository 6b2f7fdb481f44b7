"""What models wrap an answer in, cut away: reasoning, small talk, code fences, quotes.

Each function takes a completion and returns what is left of it. A text without such a wrapping
comes back as it is, and so does one that is nothing but wrapping; only reasoning that never came
to an answer and a fence around nothing leave nothing.
"""

from __future__ import annotations

import re
from typing import Final

_THOUGHT = "think|thinking|thought|thoughts|reasoning|seed:think"
_OPEN: Final = rf"<(?:{_THOUGHT})>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|begin_of_thought\|>"
_CLOSE: Final = rf"</(?:{_THOUGHT})>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|end_of_thought\|>"
_MARK: Final = re.compile(f"(?P<open>{_OPEN})|{_CLOSE}", re.IGNORECASE)
_CHANNEL: Final = re.compile(
    r"<\|channel\|>\s*+(?P<name>\w++)[^<]*+(?:<\|constrain\|>[^<]*+)?<\|message\|>"
    r"(?P<text>.*?)(?=<\|(?:end|return|call|start|channel)\|>|\Z)",
    re.DOTALL,
)
"""A message of the harmony format: answers are in the channel `final`."""

_INTERJECTION: Final = (
    r"(?:sure(?: thing)?|certainly|of course|absolutely|definitely|ok(?:ay)?|alright|got it|"
    r"(?:great|good) question|no problem|understood|(?:happy|glad) to help|"
    r"i(?:['\u2019]d be (?:happy|glad) to| would be (?:happy|glad) to| can(?: certainly)?) help"
    r"(?: you)?(?: with (?:that|this))?|"
    r"natürlich|gern(?:e)?|selbstverständlich|klar|"
    r"claro(?: que sí)?|por supuesto|con gusto|bien sûr|certainement|avec plaisir|"
    r"certo|certamente|volentieri|com certeza)"
)
_HERE: Final = (
    r"(?:here(?:['\u2019]s| is| are| it is| you (?:go|are))|below (?:is|are)|hier (?:ist|sind)|"
    r"aquí (?:está|están|tienes?)|aqui (?:está|estão)|voici|voilà|ecco)"
)
_PREAMBLE: Final = re.compile(
    rf"\s*(?:"
    rf"(?:{_INTERJECTION}\s?[!.,:]*\s+){{0,3}}{_HERE}\b[^\n:]{{0,160}}:(?:\*\*)?\s"
    rf"|(?:(?:{_INTERJECTION}, )?{_INTERJECTION}\s?(?:!+\s|[.:]?[ \t]*\n))+"
    rf")\s*",
    re.IGNORECASE,
)
"""`Sure! Here is the translation:`, and an interjection alone, if it ends in `!` or its line."""

_CLOSING: Final = re.compile(
    r"(?:\n\s*|(?<=[.!?])\s+)(?:please )?"
    r"(?:let me know|(?:i )?hope (?:this|that) helps|feel free to|"
    r"if you (?:have|need) any|is there anything else|would you like me to|"
    r"do you (?:need|want) (?:me|any)|happy to (?:help|adjust))\b[^\n]*\s*\Z",
    re.IGNORECASE,
)
_LONGEST_CLOSING: Final = 400
_FENCE: Final = re.compile(
    r"^[ \t]*(?P<mark>```+|~~~+)[ \t]*(?P<language>[\w+#.-]*)[^\n]*\n"
    r"(?P<code>.*?)(?:^[ \t]*(?P=mark)[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_QUOTES: Final = (
    *((mark, mark) for mark in ("```", "**", "`", "*", '"', "'", "\u201d")),
    *zip("\u201c\u201e\u201e\u2018«»「『", "\u201d\u201c\u201d\u2019»«」』", strict=True),
)
"""What stands around all of an answer, left and right; escapes where two marks look alike."""


def cut_reasoning(text: str) -> str:
    """The text without what a model thought aloud, as the families of models mark it.

    Blocks such as `<think>...</think>` go. What precedes a lone end mark goes too: many chat
    templates write the start mark into the prompt. So does what follows a lone start mark, where
    the model was cut off while it thought. Of the harmony format, the last message of the channel
    `final` is kept, and nothing if there is none.
    """
    if "<|channel|>" in text:
        finals = [m["text"] for m in _CHANNEL.finditer(text) if m["name"] == "final"]
        return finals[-1].strip() if finals else ""
    if text.startswith("analysis") and "assistantfinal" in text:
        # Harmony again, from a server that drops special tokens and keeps the words between them.
        return text.rpartition("assistantfinal")[2].strip()
    kept: list[str] = []
    depth = start = 0
    for mark in _MARK.finditer(text):
        if mark["open"] is not None:
            if depth == 0:
                kept.append(text[start : mark.start()])
            depth += 1
        elif depth:
            depth -= 1
        else:
            kept.clear()
        start = mark.end()
    if start == 0:
        return text
    return "".join([*kept, "" if depth else text[start:]]).strip()


def cut_preamble(text: str) -> str:
    """The text without the opening of a chat-tuned model, in English and five other languages.

    `Sure! Here is the summary:` goes, `Sure!` before more text goes; `Sure` as the answer stays.
    """
    found = _PREAMBLE.match(text)
    rest = text[found.end() :] if found else ""
    return rest if rest.strip() else text


def cut_closing(text: str) -> str:
    """The text without the offers of further help at its end (English)."""
    split = max(0, len(text) - _LONGEST_CLOSING)
    head, tail = text[:split], text[split:]
    while (found := _CLOSING.search(tail)) and (head + tail[: found.start()]).strip():
        tail = tail[: found.start()]
    return head + tail


def open_fence(text: str, language: str = "") -> str:
    """What is inside the first fenced code block, or the first of a language.

    A fence that never ends, because the answer was cut off, ends with the text.
    """
    for block in _FENCE.finditer(text):
        if not language or block["language"].lower() == language.lower():
            return block["code"].removesuffix("\n")
    return text


def strip_quotes(text: str) -> str:
    """The text without quotes or Markdown emphasis around all of it."""
    while True:
        bare = text.strip()
        pair = next((p for p in _QUOTES if _encloses(p, bare)), None)
        if pair is None:
            return bare or text
        text = bare[len(pair[0]) : -len(pair[1])]


def _encloses(pair: tuple[str, str], text: str) -> bool:
    """Whether a pair of marks stands around a text, not around its two ends: `"a" or "b"`."""
    left, right = pair
    inside = text[len(left) : -len(right)]
    return (
        text.startswith(left)
        and text.endswith(right)
        and bool(inside.strip())
        and left not in inside
        and right not in inside
    )
