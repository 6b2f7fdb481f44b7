"""How it was asked: all that somebody needs to ask the same way again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalkit.report.sections.registry import Context, section
from evalkit.report.view import TEST, arms
from evalkit.schema import Message, RunRecord, ScorerInfo, SuiteConfig


@dataclass(frozen=True, slots=True)
class Asked:
    """One suite: how it is asked and scored, and its first test prompt exactly as sent."""

    config: SuiteConfig
    scorers: tuple[ScorerInfo, ...]
    hashes: Mapping[str, str]
    sizes: Mapping[str, int]
    sample: tuple[Message, ...]


@section(110, "How it was asked")
def setup(record: RunRecord) -> Context:
    """Models, suites, scorer signatures, hashes, versions."""
    info = record.info
    suites = []
    for config in info.suites:
        splits = {split.split: split for split in record.splits if split.suite == config.name}
        test = splits.get(TEST)
        suites.append(
            Asked(
                config,
                tuple(info.scorers.get(config.name, ())),
                info.hashes.get(config.name, {}),
                {name: len(split.examples) for name, split in splits.items()},
                test.examples[0].messages if test and test.examples else (),
            )
        )
    return {"arm_of": {arm.name: arm for arm in arms(info)}, "suites": suites}
