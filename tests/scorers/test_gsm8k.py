"""Oracle: the published rule, written down again below."""

from __future__ import annotations

import random
import re

import pytest

from evalkit.scorers.gsm8k import gsm8k
from tests.scorers.agreement import agree

INVALID = "[invalid]"


def published(prediction: str, reference: str) -> bool:
    """The first match of the published expression, commas out, compared as text."""

    def answer(text: str) -> str:
        found = re.compile(r"#### (\-?[0-9\.\,]+)").search(text)
        return found.group(1).strip().replace(",", "") if found else INVALID

    return answer(prediction) == answer(reference)


def solutions(seed: int, count: int) -> list[tuple[str, str]]:
    """Pairs of solutions, right and wrong, in all the forms that answers come in."""
    random_ = random.Random(seed)
    marks = ["#### {}"] * 6 + [
        "####{}",
        "### {}",
        "so it is {}",
        "#### ${}",
        "#### 7\n#### {}",
        "{} ####",
    ]
    forms = ["{}", "{:,}", "-{}", "{}.", "{}.0", "{},", "{} apples", ""]

    def number() -> str:
        return random_.choice(forms).format(random_.choice([7, 42, 1234, 1234567]))

    pairs = []
    for _ in range(count):
        wanted = random_.choice(["7", "42", "1234", "1,234", "-7", "1234567", "42.0"])
        said = wanted if random_.random() < 0.5 else number()
        text = "2 + 2 = <<2+2=4>>4\n" + random_.choice(marks).format(said)
        pairs.append((text if random_.random() < 0.95 else "", f"Reason.\n#### {wanted}"))
    return pairs


def test_two_thousand_solutions_are_judged_as_published() -> None:
    solved = solutions(1, 2000)
    others = [reference for _, reference in solved[1:]] + ["#### 7"]
    pairs = [
        (said, [reference, other][: 1 + number % 2])
        for number, ((said, reference), other) in enumerate(zip(solved, others, strict=True))
    ]
    pairs += [
        ("step " * 5000 + "#### 42", ["Reason. #### 42"]),
        ("#### 42", ["step " * 5000 + "#### 7"]),
        ("Ответ 北京 so:\n#### 42", ["#### 42"]),
        ("#### 42", ["#### 42"]),
        ("42 ####", ["#### 42"]),
        ("42", ["#### 42"]),
    ]
    values = agree(
        gsm8k, lambda said, refs: any(published(said, reference) for reference in refs), pairs
    )
    assert 500 < values.sum() < 1500


@pytest.mark.parametrize(
    ("prediction", "references", "right"),
    [
        ("He has 1,200 left.\n#### 1,200", ["#### 1200"], True),
        ("#### 42.0", ["#### 42"], False),
        ("The answer is 42", ["#### 42"], False),
        ("#### 42", ["42"], True),
        ("#### 1200", ["1,200 "], True),
        ("#### 3", ["#### 2", "#### 3"], True),
        ("", ["#### 2"], False),
    ],
)
def test_by_hand(prediction: str, references: list[str], right: bool) -> None:  # noqa: FBT001
    assert gsm8k(prediction, references) == right


def test_a_reference_without_an_answer_is_named() -> None:
    with pytest.raises(ValueError, match="no final answer in the reference 'forty-two'"):
        gsm8k("#### 42", ["forty-two"])
