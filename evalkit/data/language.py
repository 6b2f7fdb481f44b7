"""The language of a suite's answers, as its suite.yaml names it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

CODE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
EXPECTED = "a code such as en, de or zh-hant"


def _code(value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    """A BCP 47 code in lower case: two or three letters, then perhaps a script and a region."""
    if not isinstance(value, str):
        return value
    code = value.lower()
    if not CODE.fullmatch(code):
        raise ValueError(repr(value), EXPECTED)
    return code


Language = Annotated[str | None, BeforeValidator(_code)]
