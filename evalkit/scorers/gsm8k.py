"""The final-answer rule of GSM8K: what follows `####` is compared as text.

Cobbe et al. 2021 (arXiv:2110.14168) and the code published with it: the first `#### ` that a number
follows, commas taken out. `42`, `42.0` and `42.` are three answers to it; for answers compared as
numbers, and found without a marker, there is `numeric`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from evalkit.scorers.base import scorer

MARKED = re.compile(r"#### (-?[0-9.,]+)")
BARE = re.compile(r"-?[0-9.,]+")


@scorer(details="mark:####|first|refs:any|v1")
def gsm8k(prediction: str, references: Sequence[str]) -> bool:
    """Whether the number after `####` is that of a reference; a prediction without one is wrong.

    Args:
        prediction: the completion, reasoning and all.
        references: solutions that end in `#### 42`, or the number alone.

    Raises:
        ValueError: a reference has no final answer.
    """
    wanted = [_reference(text) for text in references]
    return final_answer(prediction) in wanted


def final_answer(text: str) -> str | None:
    """The number after the first `####`, without commas; None if there is none."""
    match = MARKED.search(text)
    return match[1].replace(",", "") if match else None


def _reference(text: str) -> str:
    answer = final_answer(text)
    if answer is None and BARE.fullmatch(text.strip()):
        answer = text.strip().replace(",", "")
    if answer is None:
        raise ValueError(
            f"no final answer in the reference {text[-80:]!r}; 'gsm8k' needs a number after "
            "'#### ', or the number alone; for other forms there is 'numeric'"
        )
    return answer
