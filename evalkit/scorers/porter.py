"""Porter's stemmer, with the additions of nltk, which rouge-score uses.

Porter 1980, "An algorithm for suffix stripping"; nltk's default adds irregular words, four-letter
words in -ies and -ied, and rules for -y, -alli, -fulli and -logi. Written anew because a stem is
asked for each new word of a text, and nltk classifies the letters of a word again for each rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

IRREGULAR: Final[Mapping[str, str]] = {
    **dict.fromkeys(("sky", "skies"), "sky"),
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "news": "news",
    **dict.fromkeys(("inning", "innings"), "inning"),
    **dict.fromkeys(("outing", "outings"), "outing"),
    **dict.fromkeys(("canning", "cannings"), "canning"),
    **{word: word for word in ("howe", "proceed", "exceed", "succeed")},
}
LONGEST_UNCHANGED: Final = 2
"""Words of at most so many letters are their own stems."""

Rules = Mapping[str, str]
"""Suffix to what replaces it; the first suffix that a word has decides."""

STEP_2: Final[Rules] = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize",
    "bli": "ble", "alli": "al", "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize",
    "ation": "ate", "ator": "ate", "alism": "al", "iveness": "ive", "fulness": "ful",
    "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble", "fulli": "ful",
}  # fmt: skip
STEP_3: Final[Rules] = {
    "icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": "",
}  # fmt: skip
STEP_4: Final[Rules] = dict.fromkeys(
    (
        "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ou",
        "ism", "ate", "iti", "ous", "ive", "ize",
    ),
    "",
)  # fmt: skip


class _Kinds(dict[int, str]):
    """For `str.translate`: `v` for a vowel, `c` for anything else; `y` can be either."""

    def __missing__(self, code: int) -> str:
        return "c"


_KINDS = _Kinds({**dict.fromkeys(map(ord, "aeiou"), "v"), ord("y"): "y"})


def porter(word: str) -> str:
    """The stem of an English word in lower case."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) <= LONGEST_UNCHANGED:
        return word
    word = _y_to_i(_without_tense(_without_plural(word)))
    word = _replaced(_derived(word), STEP_3, least=1)
    return _without_double_l(_without_e(_bare(word)))


def shape(word: str) -> str:
    """A letter for each letter of a word: `c` for a consonant, `v` for a vowel.

    A `y` is a vowel after a consonant, and else a consonant.
    """
    found = word.translate(_KINDS)
    if "y" not in found:
        return found
    last, kinds = "v", []
    for kind in found:
        last = kind if kind != "y" else "c" if last == "v" else "v"
        kinds.append(last)
    return "".join(kinds)


def measure(word: str) -> int:
    """How often a consonant follows a vowel."""
    return shape(word).count("vc")


def _replaced(word: str, rules: Rules, least: int) -> str:
    """The word with its suffix replaced, if what stands before it measures enough."""
    if not word.endswith(tuple(rules)):
        return word
    suffix = next(suffix for suffix in rules if word.endswith(suffix))
    before = word.removesuffix(suffix)
    return before + rules[suffix] if measure(before) >= least else word


def _without_plural(word: str) -> str:
    """Step 1a: -s, -es."""
    if not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith("ies") and len(word) == len("dies"):
        return word[:-1]
    return word[:-2] if word.endswith(("sses", "ies")) else word[:-1]


def _without_tense(word: str) -> str:
    """Step 1b: -ed, -ing."""
    if word.endswith("ied"):
        return word[:-1] if len(word) == len("died") else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if measure(word[:-3]) else word
    before = word[:-2] if word.endswith("ed") else word[:-3] if word.endswith("ing") else ""
    kinds = shape(before)
    if "v" not in kinds:
        return word
    if before.endswith(("at", "bl", "iz")):
        return before + "e"
    if len(before) > 1 and before[-1] == before[-2] and kinds[-1] == "c":
        return before if before[-1] in "lsz" else before[:-1]
    return before + "e" if kinds.count("vc") == 1 and _is_short(before, kinds) else before


def _is_short(word: str, kinds: str) -> bool:
    """Whether a word ends in consonant, vowel, consonant other than w, x, y; or is a vowel and one.

    Args:
        word: any word.
        kinds: its shape.
    """
    return (kinds.endswith("cvc") and word[-1] not in "wxy") or kinds == "vc"


def _y_to_i(word: str) -> str:
    """Step 1c: -y after a consonant that doesn't begin the word."""
    after_consonant = word.endswith("y") and len(word) > 2 and shape(word[:-1])[-1] == "c"  # noqa: PLR2004
    return word[:-1] + "i" if after_consonant else word


def _derived(word: str) -> str:
    """Step 2: -ation, -fulness and the like."""
    if word.endswith("logi"):
        return word[:-1] if measure(word[:-3]) else word
    found = _replaced(word, STEP_2, least=1)
    return _derived(found) if word.endswith("alli") and found != word else found


def _bare(word: str) -> str:
    """Step 4: -ment, -able and the like; -ion after s or t, which count for what stands before."""
    if word.endswith(("sion", "tion")):
        return word[:-3] if measure(word[:-3]) > 1 else word
    return _replaced(word, STEP_4, least=2)


def _without_e(word: str) -> str:
    """Step 5a: -e."""
    if not word.endswith("e"):
        return word
    kinds = shape(word[:-1])
    measured = kinds.count("vc")
    drops = measured > 1 or (measured == 1 and not _is_short(word[:-1], kinds))
    return word[:-1] if drops else word


def _without_double_l(word: str) -> str:
    """Step 5b: -ll."""
    return word[:-1] if word.endswith("ll") and measure(word[:-1]) > 1 else word
