"""Options that a prompt lists, in another order: the right one stands elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LABELLED = re.compile(r"(?P<head>\s*\(?(?P<label>[A-Za-z]|\d{1,2})[).:]\s+)(?P<text>\S.*)")
_INLINE = re.compile(
    r"(?<=: )(?P<first>[^,:;?.!\n]{1,40}(?:, [^,:;?.!\n]{1,40})*?),? or "
    r"(?P<last>[^,:;?.!\n]{1,40})(?=[?.!\n]|\Z)"
)
# Options that speak of other options, or of their place, mean something else in another place.
_RELATIVE = re.compile(
    r"\b(?:above|below|both|all of|none of|neither|previous|following)\b", re.IGNORECASE
)
_LEAST = 2


@dataclass(frozen=True, slots=True)
class Reordered:
    """A prompt with its options in another order, and the references that are right for it."""

    prompt: str
    references: tuple[str, ...]


def reorder(prompt: str, references: Sequence[str]) -> Reordered | None:
    """Move every option of a prompt that lists some; None if it doesn't, or might mean more.

    Lists are lines `A) text`, or `: one, two or three` in a sentence. It is only a choice among
    them if every accepted answer is one of the options, by its letter or by its text. A letter is
    replaced by the one that the option has now.
    """
    return _reorder_lines(prompt, references) or _reorder_inline(prompt, references)


def _reorder_lines(prompt: str, references: Sequence[str]) -> Reordered | None:
    lines = prompt.split("\n")
    for start, stop in _runs(lines):
        found = [match for line in lines[start:stop] if (match := _LABELLED.fullmatch(line))]
        labels = [match["label"] for match in found]
        texts = [match["text"] for match in found]
        if any(map(_RELATIVE.search, texts)) or not _distinct([*labels, *texts]):
            continue
        moved = _rotated(texts)
        answers = [_relabelled(reference, labels, texts, moved) for reference in references]
        known = tuple(answer for answer in answers if answer is not None)
        if len(known) == len(references):
            heads = [match["head"] for match in found]
            lines[start:stop] = [head + text for head, text in zip(heads, moved, strict=True)]
            return Reordered("\n".join(lines), known)
    return None


def _runs(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last-but-one line of each run labelled A, B, C, a, b, c or 1, 2, 3."""
    for start in range(len(lines)):
        for first in "Aa1":
            stop = start
            while stop < len(lines) and _label(lines[stop]) == _successor(first, stop - start):
                stop += 1
            if stop - start >= _LEAST:
                yield start, stop


def _label(line: str) -> str | None:
    match = _LABELLED.fullmatch(line)
    return match["label"] if match else None


def _successor(first: str, steps: int) -> str:
    return str(1 + steps) if first == "1" else chr(ord(first) + steps)


def _relabelled(
    reference: str, labels: Sequence[str], texts: Sequence[str], moved: Sequence[str]
) -> str | None:
    """The reference for the new order; None if it is none of the options.

    A bare number is no label: the answer to "how many" would be taken for one.
    """
    plain = _plain(reference)
    match = _LABELLED.fullmatch(reference.strip())
    for label, text in zip(labels, texts, strict=True):
        new = labels[list(moved).index(text)]
        if plain == _plain(text):
            return reference
        if not label.isdigit() and plain == _plain(label):
            return reference.replace(label, new)
        if match and match["label"] == label and _plain(match["text"]) == _plain(text):
            return reference.replace(label, new, 1)
    return None


def _reorder_inline(prompt: str, references: Sequence[str]) -> Reordered | None:
    for match in _INLINE.finditer(prompt):
        options = [*match["first"].split(", "), match["last"]]
        if not _distinct(options) or not set(map(_plain, references)) <= set(map(_plain, options)):
            continue
        *first, last = _rotated(options)
        text = match[0].replace(match["first"], ", ".join(first), 1)
        text = text[: len(text) - len(match["last"])] + last
        return Reordered(prompt[: match.start()] + text + prompt[match.end() :], tuple(references))
    return None


def _distinct(texts: Sequence[str]) -> bool:
    return len(set(map(_plain, texts))) == len(texts)


def _rotated(options: Sequence[str]) -> list[str]:
    """Half-way round, so that every option moves and few keep their neighbour."""
    half = len(options) // 2
    return [*options[half:], *options[:half]]


def _plain(text: str) -> str:
    return text.strip(" \t.()").casefold()
