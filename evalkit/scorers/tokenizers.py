"""Words as machine translation counts them: sacrebleu's tokenizers, chosen by script.

BLEU, GLEU, sentence BLEU and METEOR work on these words.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Literal

from evalkit.errors import ScorerError
from evalkit.scorers.base import SuiteContext
from evalkit.scorers.spelling import Speller, Words
from evalkit.scorers.text import UNSPACED, scripts

Tokenizer = Literal["auto", "13a", "intl", "zh", "char", "none", "ja-mecab", "ko-mecab"]

CHINESE = frozenset({"CJK", "BOPOMOFO", "IDEOGRAPHIC"})
BY_CHARACTER = UNSPACED | {"TIBETAN"}
KANA_SHARE = 0.1
"""Han characters with at least this share of kana among them are Japanese."""
BY_LANGUAGE: dict[str, Tokenizer] = {
    **dict.fromkeys(("zh", "yue", "lzh"), "zh"),
    **dict.fromkeys(("ja", "ko", "th", "lo", "km", "my", "bo"), "char"),
}
"""Languages that `13a` would leave in one piece, by the first part of their code."""
ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))

ENDINGS = ",.;:!?"
"""What `13a` parts from the letters before it at the end of a piece, without looking farther."""

_SIGNS = "".join(f"\\{sign}" for sign in string.punctuation if sign not in "'-.,")
_INSIDE = rf"[^\s{_SIGNS}.,-]+|(?<![0-9])-"
_WORDS_13A = re.compile(rf"(?:{_INSIDE})(?:{_INSIDE}|(?<=[0-9])[.,](?=[0-9]))*|\S")
"""A word holds letters, digits, hyphens that follow no digit, points between digits; any other sign
is a word of its own."""
_WORDS_WITHOUT_DIGITS = re.compile(rf"[^\s{_SIGNS}.,]+|\S")
_DIGIT_OR_POINTS = re.compile(r"[0-9]|[.,][.,]")
_POINTS = re.compile(r"[.,][.,]")


def words_for(context: SuiteContext, tokenize: Tokenizer, asker: str) -> tuple[Tokenizer, Words]:
    """The tokenizer of a suite, and what cuts a text into words with it.

    `auto` follows the suite's language, or else the script of its references.

    Args:
        context: the suite.
        tokenize: what was asked for.
        asker: the scorer, for messages.

    Raises:
        ScorerError: the tokenizer is not installed.
    """
    chosen = tokenize
    if tokenize == "auto":
        language = context.config.language
        chosen = (
            tokenize_for(context.references)
            if language is None
            else BY_LANGUAGE.get(language.partition("-")[0], "13a")
        )
    return chosen, _words(chosen, asker)


def speller_for(
    context: SuiteContext, tokenize: Tokenizer, asker: str, *, lowercase: bool = False
) -> tuple[Tokenizer, Speller]:
    """As `words_for`, with what spells a text by one character a word."""
    chosen, words = words_for(context, tokenize, asker)
    return chosen, _speller(words, lowercase)


@lru_cache(maxsize=16)
def _speller(words: Words, lowercase: bool) -> Speller:  # noqa: FBT001 - part of a key
    if lowercase:
        cased = words.pieces
        words = Words(lambda text: cased(text.lower()), words.read)
    return Speller(words)


def tokenize_for(references: Iterable[Sequence[str]]) -> Tokenizer:
    """The tokenizer under which equal texts score 1, by the script of most letters.

    `13a`, sacrebleu's default, for scripts with spaces; `zh` for Chinese; `char` for Japanese, Thai
    and others without spaces, and for Korean, whose own tokenizer would need a download.
    """
    letters = scripts(text for accepted in references for text in accepted)
    total = letters.total()
    unspaced = sum(letters[name] for name in BY_CHARACTER)
    chinese = sum(letters[name] for name in CHINESE)
    if 2 * unspaced > total:
        return "zh" if chinese >= (1 - KANA_SHARE) * unspaced else "char"
    return "char" if 2 * letters["HANGUL"] > total else "13a"


@lru_cache(maxsize=16)
def _words(name: Tokenizer, asker: str) -> Words:
    tokenizer = _tokenizer(name, asker)
    if name == "13a":
        return WORDS_13A
    return Words(lambda text: tokenizer(text.rstrip()).split(), lambda word: (word,))


@lru_cache(maxsize=16)
def _tokenizer(name: Tokenizer, asker: str) -> Callable[[str], str]:
    from sacrebleu.metrics import BLEU

    try:
        tokenizer: Callable[[str], str] = BLEU(tokenize=name).tokenizer
    except (ImportError, RuntimeError):
        extra = name.partition("-")[0]
        raise ScorerError(
            f"scorer {asker!r}: the tokenizer {name!r} is not installed; "
            f"pip install 'sacrebleu[{extra}]', or use tokenize='char'"
        ) from None
    return tokenizer


def _pieces_13a(text: str) -> list[str]:
    """What white space parts, once `13a` has joined what it joins: no rule looks farther."""
    text = text.rstrip()
    if "\n" in text or "<skipped>" in text:
        text = text.replace("<skipped>", "").replace("-\n", "")
    return text.split()


def _read_13a(piece: str) -> list[str]:
    """The words of a piece by one expression in place of the four substitutions of `13a`.

    Points that follow each other are left to sacrebleu: what becomes of them depends on how its
    matches overlap.
    """
    if piece.isalpha():
        return [piece]
    if piece[:-1].isalpha() and piece[-1] in ENDINGS:
        return [piece[:-1], piece[-1]]
    if "&" in piece:
        for entity, sign in ENTITIES:
            piece = piece.replace(entity, sign)
    if not _DIGIT_OR_POINTS.search(piece):
        return _WORDS_WITHOUT_DIGITS.findall(piece)
    if _POINTS.search(piece):
        return _substitutions()(f" {piece} ").split()
    return _WORDS_13A.findall(piece)


@lru_cache(maxsize=1)
def _substitutions() -> Callable[[str], str]:
    from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

    found: Callable[[str], str] = TokenizerRegexp()
    return found


WORDS_13A = Words(_pieces_13a, _read_13a)
