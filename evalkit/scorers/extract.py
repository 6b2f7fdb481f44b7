"""What part of a completion is scored."""

from __future__ import annotations

import re
from functools import lru_cache

from evalkit.errors import ScorerError
from evalkit.schema import Extract


def extract(completion: str, rule: Extract | None) -> str:
    """The scored part of a completion.

    Args:
        completion: what the model said.
        rule: None takes all of it.

    Returns:
        The last match's first group, or the whole match of an expression without groups; an empty
        string if nothing matches.

    Raises:
        ScorerError: the rule's expression cannot be compiled.
    """
    if rule is None:
        return completion
    match = None
    for match in _compiled(rule.regex).finditer(completion):  # noqa: B007 - the last one counts
        pass
    if match is None:
        return ""
    return match[1 if match.re.groups else 0] or ""


@lru_cache(maxsize=256)
def _compiled(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        raise ScorerError(
            f"extract.regex: {expression!r} is no regular expression: {error.msg}{where}; "
            "expected the syntax of Python's re, with the answer in the first group"
        ) from None
