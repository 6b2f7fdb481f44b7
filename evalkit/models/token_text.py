"""Where a text begins among the tokens that a server shows.

What is shown is not always what the tokens are: a character may be shared by several tokens, and
then it is shown with one of them or with none (`""`, or U+FFFD), and vocabularies have marks for
white space.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPACES = re.compile(r"[\s\u2581\u0120\u010a]+")
"""White space, and the marks that vocabularies have for a space (two) and a new line."""

_BEGIN = re.compile(r"(<[^<>]*>|\[[A-Z]+\])+")
"""Tokens such as `<s>` or `[BOS]` that begin a text and are no part of it."""


def find_text(tokens: Sequence[str], text: str) -> int | None:
    """Index of the first token that holds some of the text that the tokens end in.

    A token that holds the end of the prompt and the beginning of the text belongs to the text. None
    if the tokens don't end in the text.

    For vocabularies of SentencePiece some versions of vLLM leave out the space before a word, or
    send the mark that stands for it; so where the tokens don't end in the text to the letter, they
    are compared without white space.
    """
    shown = [token.strip("\ufffd") for token in tokens]
    parts = [not token for token in shown]
    start = _find(shown, parts, text)
    if start is not None:
        return start
    letters = [_SPACES.sub("", token) for token in shown]
    start = _find(letters, parts, _SPACES.sub("", text))
    if start and text[:1].isspace() and not letters[start - 1]:
        return start - 1  # the space before the text is a token of its own
    return start


def spell_prompt(tokens: Sequence[str], prompt: str) -> bool:
    """Whether tokens spell a whole prompt, be it with or without a token that begins it.

    llama-cpp-python leaves out the last token where a model has no token to begin with, and its
    log-probabilities are those of each token's neighbour. Beyond ASCII, parts of characters are
    shown in many ways; then it is enough that the last token shows something.
    """
    if not prompt.isascii():
        return bool(tokens) and bool(tokens[-1].strip("\ufffd"))
    shown, asked = (_SPACES.sub("", text) for text in ("".join(tokens), prompt))
    return shown.endswith(asked) or (
        asked.endswith(shown) and _BEGIN.fullmatch(asked.removesuffix(shown)) is not None
    )


def _find(tokens: Sequence[str], parts: Sequence[bool], text: str) -> int | None:
    """The same, letter by letter from the end.

    Args:
        tokens: as they are shown, or what is left of that.
        parts: whether a token shows nothing but part of a character.
        text: what they are to end in.
    """
    left, start, hidden = text, len(tokens), 0
    while left and start:
        token = tokens[start - 1]
        if parts[start - 1]:
            hidden += 1
        elif token:
            rest = _rest(left, token, hidden)
            if rest is None:
                return start if _shared(left, hidden) else None
            left, hidden = rest, 0
        start -= 1
    if left:
        return start if _shared(left, hidden) else None
    if not "".join(tokens[start : start + 1])[:1].isascii():  # shown with the last of its tokens
        while start and parts[start - 1]:
            start -= 1
    return start


def _rest(left: str, token: str, hidden: int) -> str | None:
    """What is left of a text without a token at its end; None if it does not end in that.

    So many tokens after it have shown nothing; the characters that they share are passed over.
    """
    for passed in range(min(hidden, len(left) - 1) + 1):
        kept = left[: len(left) - passed]
        if passed and not _shared(left[len(kept) :], hidden):
            continue
        if kept.endswith(token):
            return kept.removesuffix(token)
        if token.endswith(kept):
            return ""
    return None


def _shared(characters: str, hidden: int) -> bool:
    """Whether so many tokens that show nothing can share these characters.

    Each has one of them at least: the rest of it may be part of a token that shows something else.
    """
    split = not any(character.isascii() for character in characters)
    return split and len(characters) <= hidden <= len(characters.encode(errors="surrogatepass"))
