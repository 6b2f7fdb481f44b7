"""completions.jsonl: one example a line, with what every model answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evalkit.schema import Answer, Example, Failure, Judgement, Likelihood, Message, SplitResult


def lines_bytes(splits: Iterable[SplitResult]) -> bytes:
    """The whole file; texts unchanged, lone surrogates escaped."""
    return b"".join(
        _line(_record(split, i, example))
        for split in splits
        for i, example in enumerate(split.examples)
    )


def _line(record: Mapping[str, Any]) -> bytes:
    try:
        return (json.dumps(record, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(record) + "\n").encode()


def _record(split: SplitResult, i: int, example: Example) -> dict[str, Any]:
    record: dict[str, Any] = {
        "suite": split.suite,
        "split": split.split,
        "id": example.id,
        "prompt": example.prompt,
        "messages": [{"role": m.role, "content": m.content} for m in example.messages],
        "references": list(example.references),
    }
    if example.fields:
        record["fields"] = dict(example.fields)
    record["completions"] = {
        model: _outcome(answers[i]) for model, answers in split.answers.items()
    }
    for name, rows in (("repeats", split.repeats), ("again", split.again)):
        if rows:
            record[name] = {model: [_outcome(o) for o in rows[model][i]] for model in rows}
    if split.likelihoods:
        record["likelihoods"] = {
            model: [_told(likelihood) for likelihood in rows[i]]
            for model, rows in split.likelihoods.items()
        }
    if split.judgements:
        record["judgements"] = [
            {"question": judged.question, "judge": judged.judge, "reply": _outcome(judged.reply)}
            for judged in split.judgements[i]
        ]
    if split.remarks:
        record["remarks"] = [
            {"model": model, "scorer": scorer, "text": texts[i]}
            for (model, scorer), texts in split.remarks.items()
        ]
    return record


def _outcome(outcome: Answer | Failure) -> dict[str, Any]:
    """Only what is set, and no clock."""
    if isinstance(outcome, Failure):
        return {"failure": outcome.kind, "message": outcome.message}
    shown: dict[str, Any] = {"text": outcome.text, "finish_reason": outcome.finish_reason}
    for name in ("prompt_tokens", "completion_tokens", "served_model"):
        if getattr(outcome, name) is not None:
            shown[name] = getattr(outcome, name)
    return shown


def _told(likelihood: Likelihood) -> dict[str, Any]:
    return {name: value for name, value in asdict(likelihood).items() if value is not None}


Repeats = dict[str, tuple[Answer | Failure, ...]]
"""Model -> its outcomes on one example."""


@dataclass(frozen=True, slots=True)
class Line:
    """One example with what every model answered; the fields are those of `SplitResult`."""

    suite: str
    split: str
    example: Example
    outcomes: dict[str, Answer | Failure]
    repeats: Repeats
    again: Repeats
    likelihoods: dict[str, tuple[Likelihood, ...]]
    judgements: tuple[Judgement, ...]
    remarks: dict[tuple[str, str], str]


def read_lines(path: Path) -> Iterator[Line]:
    """The file, line by line."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            example = Example(
                id=record["id"],
                prompt=record["prompt"],
                messages=tuple(Message(m["role"], m["content"]) for m in record["messages"]),
                references=tuple(record["references"]),
                fields=record.get("fields", {}),
            )
            yield Line(
                suite=record["suite"],
                split=record["split"],
                example=example,
                outcomes={model: _parse(o) for model, o in record["completions"].items()},
                repeats=_rows(record.get("repeats", {})),
                again=_rows(record.get("again", {})),
                likelihoods={
                    model: tuple(Likelihood(**likelihood) for likelihood in told)
                    for model, told in record.get("likelihoods", {}).items()
                },
                judgements=tuple(
                    Judgement(told["question"], told["judge"], _parse(told["reply"]))
                    for told in record.get("judgements", ())
                ),
                remarks={
                    (told["model"], told["scorer"]): told["text"]
                    for told in record.get("remarks", ())
                },
            )


def _rows(record: Mapping[str, Any]) -> Repeats:
    return {model: tuple(map(_parse, outcomes)) for model, outcomes in record.items()}


def _parse(outcome: Mapping[str, Any]) -> Answer | Failure:
    if "failure" in outcome:
        return Failure(kind=outcome["failure"], message=outcome["message"])
    return Answer(**outcome)
