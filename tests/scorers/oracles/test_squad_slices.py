"""The figures that the official evaluation of SQuAD 2.0 prints, from a run with slices.

Written from its published definition (Rajpurkar, Jia and Liang 2018, arXiv:1806.03822, and what the
evaluation prints: exact, f1, HasAns_exact, HasAns_f1, NoAns_exact, NoAns_f1).
"""

from __future__ import annotations

import random
import re
import string
from pathlib import Path

import pytest

import evalkit
from tests.command_line import write_jsonl
from tests.scorers.agreement import CLOSE, Pair, Pairs, require_hard
from tests.scorers.conftest import ASCII_WORDS, generate, hard

OFFICIAL = ("exact", "f1")
SCORERS = ("exact_match(squad='2.0')", "f1(squad='2.0')")


def words(text: str) -> list[str]:
    """Lower case, no punctuation, no articles, white space mended."""
    kept = re.sub(f"[{re.escape(string.punctuation)}]", "", text.lower())
    return re.sub(r"\b(?:a|an|the)\b", " ", kept).split()


def figures(pairs: Pairs) -> dict[str, float]:
    """Means of the best exact match and F1 over all questions of some kind, in points."""
    exact: list[float] = []
    overlap: list[float] = []
    for said, references in pairs:
        accepted = [text for text in references if words(text)] or [""]
        exact.append(max(float(words(said) == words(text)) for text in accepted))
        overlap.append(max(_f1(words(said), words(text)) for text in accepted))
    return {name: 100.0 * sum(values) / len(pairs) for name, values in
            zip(OFFICIAL, (exact, overlap), strict=True)}  # fmt: skip


def _f1(said: list[str], wanted: list[str]) -> float:
    if not said or not wanted:
        return float(said == wanted)
    same = sum(min(said.count(word), wanted.count(word)) for word in set(said))
    if not same:
        return 0.0
    precision, recall = same / len(said), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


def questions() -> tuple[list[Pair], list[bool]]:
    """2,500 questions, a third of which have no answer; what was said to each."""
    random_ = random.Random(61)
    mixed = [*ASCII_WORDS, "Москва", "北京大学"]
    pairs = [*generate(62, 1500, mixed, lengths=(1, 3, 12)), *hard(mixed)]
    found = [(said, [text for text in refs if text.strip()] or ["Lima"]) for said, refs in pairs]
    found += [("fox brown", ["brown fox"]), ("", ["Lima", "the city of Lima"])]
    answered = len(found)
    found += [(random_.choice(["", "", "the", "no answer", "?"]), [""]) for _ in range(800)]
    return found, [False] * answered + [True] * 800


def test_figures_with_and_without_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pairs, impossible = questions()
    require_hard(pairs)
    said = {"base": [text for text, _ in pairs], "tuned": ["" for _ in pairs]}
    write_jsonl(tmp_path / "test.jsonl", (
        {"id": str(i), "prompt": f"Question {i}?", "references": refs, "is_impossible": empty}
        for i, ((_, refs), empty) in enumerate(zip(pairs, impossible, strict=True))
    ))  # fmt: skip
    for model, texts in said.items():
        rows = ({"id": str(i), "completion": text} for i, text in enumerate(texts))
        write_jsonl(tmp_path / f"{model}.jsonl", rows)
    (tmp_path / "suite.yaml").write_text(
        f"task: qa\ntest: test.jsonl\nslices: is_impossible\nscorers: {list(SCORERS)}\n"
    )
    done = evalkit.run("suite.yaml", base="file:base.jsonl", tuned="file:tuned.jsonl", out="out")
    ours = {(s.model, s.slice, s.scorer): (s.score, s.n) for s in done.record.scores}
    for model, texts in said.items():
        rows_ = [(text, refs) for text, (_, refs) in zip(texts, pairs, strict=True)]
        for label, wanted in (
            ("", {True, False}),
            ("is_impossible=false", {False}),
            ("is_impossible=true", {True}),
        ):
            part = [row for row, empty in zip(rows_, impossible, strict=True) if empty in wanted]
            expected = figures(part)
            for name, scorer in zip(OFFICIAL, SCORERS, strict=True):
                score, count = ours[model, label, scorer]
                assert count == len(part)
                assert score == pytest.approx(expected[name] / 100, abs=CLOSE, rel=0)
