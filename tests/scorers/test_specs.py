from __future__ import annotations

from typing import Literal

import pytest

from evalkit.errors import ScorerError
from evalkit.scorers.specs import check_options, parse_spec


@pytest.mark.parametrize(
    ("text", "file", "name", "options"),
    [
        ("f1", None, "f1", {}),
        (" f1 ", None, "f1", {}),
        ("f1()", None, "f1", {}),
        (
            "numeric(tolerance=-0.5, decimal=',')",
            None,
            "numeric",
            {"tolerance": -0.5, "decimal": ","},
        ),
        ("my/scorers.py:close", "my/scorers.py", "close", {}),
        ("C:\\my files\\s.py:close(by=[1, 2])", "C:\\my files\\s.py", "close", {"by": [1, 2]}),
        ("regex(full=True,)", None, "regex", {"full": True}),
        ("my/grader.json", "my/grader.json", "", {}),
        ("grader.json(python=True)", "grader.json", "", {"python": True}),
    ],
)
def test_specs(text: str, file: str | None, name: str, options: dict[str, object]) -> None:
    spec = parse_spec(text)
    assert (spec.file, spec.name, spec.options) == (file, name, options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read; expected 'name'"),
        ("1st", "cannot be read"),
        ("f1(", "cannot be read"),
        ("file.txt:close", "cannot be read"),
        ("my/ok.py", r"cannot be read; .*; name what is in it: my/ok\.py:NAME"),
        ("f1(1)", "options are given by name"),
        ("f1()()", "options are given by name"),
        ("f1(a=)", "the options cannot be read"),
        ("f1(a=b)", "option 'a': found b, no literal"),
        ("f1(a=__import__('os'))", "no literal"),
        ("f1(a=1, a=2)", "'a' given twice"),
        ("f1(**{'a': 1})", "options unpacked"),
        ("f1(a=" + "(" * 5000 + ")", "cannot be read"),
    ],
)
def test_unreadable_specs(text: str, message: str) -> None:
    with pytest.raises(ScorerError, match=message):
        parse_spec(text)


def example(*, size: float = 1, kind: Literal["a", "b"] = "a", free=None, must: int) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Stands for a scorer with options."""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x(must=1, sise=2)", "unknown option 'sise'; did you mean 'size'"),
        ("x(size=2)", r"the option 'must' is required: x\(must=...\)"),
        ("x(must=1, size='big')", "option 'size': found 'big': Input should be a valid number"),
        ("x(must=1, kind='c')", "option 'kind': found 'c': Input should be 'a' or 'b'"),
        ("x(must=True)", "option 'must': found True"),
    ],
)
def test_options_are_checked_by_name_and_type(text: str, message: str) -> None:
    with pytest.raises(ScorerError, match=message):
        check_options(parse_spec(text), example)


def test_good_options_pass() -> None:
    check_options(parse_spec("x(must=1, size=2, kind='b', free='anything')"), example)


def test_a_function_without_options_says_so() -> None:
    with pytest.raises(ScorerError, match="unknown option 'a'; it takes no options"):
        check_options(parse_spec("x(a=1)"), lambda: None)


def test_annotations_that_cannot_be_looked_up_are_no_reason_to_fail() -> None:
    def odd(*, size: Unknown = 1) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Its annotation names nothing."""

    check_options(parse_spec("x(size='big')"), odd)
