"""Descriptions of a completion itself: how long it is, whether it loops, echoes or refuses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal

from annotated_types import Ge

from evalkit.errors import ScorerError, nearest
from evalkit.schema import Example
from evalkit.scorers.base import MeanScorer, Scorer, SuiteContext, SuiteScorer, named, scorer, sign
from evalkit.scorers.text import lower, scripts, space_out

LOOP = 4
"""Length, in words, of the phrases whose repetition is counted."""
LONGEST_PERIOD = 500
SHORTEST_LOOP = 40
ROUNDS = 3
"""A loop says the same thing so often, in a period of so many characters at most, and is at least
so long: `ha ha ha` is none."""
ECHO = 8
"""So many words of the prompt at the start of an answer are an echo."""
FEWEST_ASKED = 3
"""A prompt of fewer words cannot be told from an answer."""
FEWEST_LETTERS = 20
"""A text with fewer letters is too short to tell its language."""
RARE = 0.01
"""Scripts with a smaller share of a suite's letters are foreign words in it."""

_REFUSAL = re.compile(
    r"\bas an ai\b"
    r"|\bi(?:['\u2019]m| am) (?:(?:really|very|so) )?sorry,? (?:but )?i "
    r"(?:can(?:no|['\u2019])t|am (?:unable|not)|won['\u2019]t|will not|do not|don['\u2019]t)\b"
    r"|\bi(?: can(?:no|['\u2019])t| can not| won['\u2019]t| will not| must decline to|"
    r"(?: a|['\u2019])m (?:unable|not able|not allowed) to) "
    r"(?:help|assist|answer|provide|comply|fulfil|do (?:that|this)|support|share|give|create|"
    r"generate|write|discuss|engage|continue)"
    r"|\bi must (?:respectfully )?decline\b",
    re.IGNORECASE,
)
_WITHIN = 200
"""Characters at the start of an answer in which a refusal is looked for."""


@scorer(unit="words", better=0, whole=True, details="tok:space|v1")
def length(prediction: str, references: Sequence[str]) -> float:  # noqa: ARG001 - a description
    """Words of the completion: what white space parts, single characters in unspaced scripts."""
    return _words(prediction)


@scorer(details="refs:band|v1")
def length_fit(
    prediction: str,
    references: Sequence[str],
    *,
    slack: Annotated[float, Ge(0)] = 0.25,
    unit: Literal["words", "characters"] = "words",
) -> bool:
    """Whether the completion is as long as the references: within their band, and a slack.

    Args:
        prediction: the completion.
        references: the shortest and the longest of them make the band.
        slack: share by which it may be shorter than the shortest and longer than the longest.
        unit: what is counted.
    """
    measure = _words if unit == "words" else len
    lengths = [measure(reference) for reference in references]
    said, rounding = measure(prediction), 1e-9  # 0.7 of 10 leaves 3, which is not less than 3
    return (1 - slack) * min(lengths) - rounding <= said <= (1 + slack) * max(lengths) + rounding


def _words(text: str) -> int:
    return len(space_out(text).split())


@scorer(better=-1, whole=True, details=f"n:{LOOP}|tok:space|v1")
def repetition(prediction: str, references: Sequence[str]) -> float:  # noqa: ARG001 - a description
    """Share of the completion's 4-word phrases that occurred in it before; 0 below 4 words.

    A model that misses its stop sequence loops, and this goes towards 1.
    """
    words = space_out(lower(prediction)).split()
    phrases = list(zip(*(words[start:] for start in range(LOOP)), strict=False))
    return 1 - len(set(phrases)) / len(phrases) if phrases else 0.0


@scorer(better=-1, whole=True, details=f"rounds:{ROUNDS}|least:{SHORTEST_LOOP}|v1")
def loop(prediction: str, references: Sequence[str]) -> bool:  # noqa: ARG001 - a description
    """Whether the completion ends in a loop: the same thing at least three times, and cut off.

    That is how an answer without a stop sequence ends. Runs of white space count as one space.
    """
    text = " ".join(prediction.split())
    for period in range(1, LONGEST_PERIOD + 1):
        tail = max(ROUNDS * period - 1, SHORTEST_LOOP)  # no space follows the last round
        if tail > len(text):
            return False
        if text[period - tail :] == text[-tail:-period]:
            return True
    return False


@scorer(better=-1, whole=True, details=f"words:{ECHO}|v1")
def echo(prediction: str, references: Sequence[str], example: Example) -> bool:
    """Whether the completion repeats the prompt: all of it, or its first 8 words at its start.

    An answer that a reference shares this with is no echo: some tasks ask for a copy. Prompts of
    fewer than three words cannot be told from answers.
    """
    asked = example.prompt.split()
    if len(asked) < FEWEST_ASKED:
        return False
    whole, start = " ".join(asked), " ".join(asked[:ECHO])

    def repeats(text: str) -> bool:
        flat = " ".join(text.split())
        return whole in flat or (len(asked) > ECHO and flat.startswith(start))

    return repeats(prediction) and not any(map(repeats, references))


@scorer(better=0, whole=True, details="lang:en|v1")
def refusal(prediction: str, references: Sequence[str]) -> bool:  # noqa: ARG001 - a description
    """Whether the completion declines to answer, in the phrases of English chat-tuned models."""
    return _REFUSAL.search(prediction[:_WITHIN]) is not None


@SuiteScorer
def script(context: SuiteContext) -> Scorer:
    """Share of the completion's letters that are of the scripts of the suite's references.

    A completion without letters has none of another script, and scores 1.
    """
    counts = scripts(text for accepted in context.references for text in accepted)
    least = RARE * counts.total()
    wanted = frozenset(name for name, count in counts.items() if count >= least)

    def share(prediction: str, references: Sequence[str]) -> float:  # noqa: ARG001 - the suite's
        letters = scripts([prediction])
        total = letters.total()
        return sum(letters[name] for name in wanted) / total if total and wanted else 1.0

    names = "+".join(sorted(wanted)).lower() or "any"
    return MeanScorer(name="script", signature=f"script|scripts:{names}|v1", function=share)


@cache
def _identifier() -> Any:  # noqa: ANN401 - it ships no types
    """The model that tells languages; it lies in its package."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise ScorerError("the scorer 'language' needs py3langid: pip install py3langid") from None
    return LanguageIdentifier.from_model_file(MODEL_FILE)


@SuiteScorer
def language(context: SuiteContext, *, code: str | None = None) -> Scorer:
    """Whether the completion is in a language, as py3langid tells it, without any download.

    A completion of fewer than 20 letters is too short to tell, and counts as right.

    Args:
        context: the suite.
        code: ISO 639-1, such as `de`; the suite's `language` if not given.

    Raises:
        ScorerError: no language is named, it is unknown, or py3langid is not installed.
    """
    wanted = (code or context.config.language or "").partition("-")[0].lower()
    identifier = _identifier()
    known = sorted(identifier.labels)
    if wanted not in known:
        raise ScorerError(
            f"suite {context.config.name!r}: the scorer 'language' found "
            f"{repr(wanted) if wanted else 'no language'}, expected `language:` in the suite or "
            f"language(code='de'); {nearest(wanted, known)}"
        )

    def spoken(prediction: str, references: Sequence[str]) -> bool:  # noqa: ARG001 - the suite's
        if scripts([prediction]).total() < FEWEST_LETTERS:
            return True
        return bool(identifier.classify(prediction)[0] == wanted)

    return MeanScorer(
        name=named("language", {} if code is None else {"code": code}),
        signature=sign("language", {"code": wanted}, f"langid|least:{FEWEST_LETTERS}|v1"),
        function=spoken,
        binary=True,
    )
