"""Two runs as one: the tuned models of an earlier run take the place of the base."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from evalkit.errors import ComparabilityError
from evalkit.schema import Difference, RunRecord, SplitResult, SuiteConfig
from evalkit.stats.samples import FloatArray
from evalkit.verdict.compare import TEST
from evalkit.verdict.differences import endings, placed, refusals
from evalkit.verdict.runs import Arms, pair_arms, run_differences, suite_differences
from evalkit.verdict.wording import plural, share

FEWEST_MATCHED: Final = 0.90
"""Below this share of test prompts in common two runs are not compared."""
Found = TypeVar("Found")


def join_runs(
    record: RunRecord,
    earlier: RunRecord,
    *,
    name: str,
    suites: Sequence[str] | None = None,
    roles: Collection[str] = ("tuned",),
    partly: bool = False,
) -> RunRecord:
    """The models of a run on its test splits, with those of an earlier run as their bases.

    Examples are paired by id, prompt as asked, and references. The result has no comparisons: means
    are judged from its values, other scores have to be compared first. Its differences are those of
    the two runs.

    Args:
        record: the run to be judged.
        earlier: the run it is compared with.
        name: what to call the earlier run.
        suites: those that are compared; None demands that both runs have the same suites.
        roles: whose models are compared.
        partly: leave out what cannot be compared, as long as anything can.

    Raises:
        ComparabilityError: the runs differ in what was asked, how, or how it was scored; every
            difference is named.
    """
    arms, lonely = pair_arms(record, earlier, name, roles)
    found = [*lonely, *run_differences(record, earlier, arms)]
    chosen = [c for c in record.info.suites if suites is None or c.name in suites]
    if suites is None:
        found += _dropped(earlier, chosen)
    splits, joined = list[SplitResult](), list[SuiteConfig]()
    for config in chosen:
        mine, split = _suite(record, earlier, config, arms)
        found += mine
        if split is not None:
            splits.append(split)
            joined.append(config)
    refused = refusals(found)
    if refused and not (partly and splits and arms):
        listing = "\n".join(f"  {placed(difference)}" for difference in refused)
        raise ComparabilityError(
            f"{record.info.name!r} cannot be compared with the earlier run {name!r}; "
            f"then → now:\n{listing}"
        )
    return _as_arms(record, arms, joined, splits, found)


def _dropped(earlier: RunRecord, chosen: Sequence[SuiteConfig]) -> list[Difference]:
    """Suites that only the earlier run has: leaving one out must not pass for improving."""
    names = {config.name for config in earlier.info.suites} - {config.name for config in chosen}
    return [Difference("suite", name, "run", "not run", "refuse") for name in sorted(names)]


def _suite(
    record: RunRecord, earlier: RunRecord, config: SuiteConfig, arms: Sequence[Arms]
) -> tuple[list[Difference], SplitResult | None]:
    """What changed in one suite, and its joined test split if it can be compared."""
    found = suite_differences(record, earlier, config)
    if refusals(found):
        return found, None
    split, matched, of = _joined(record, earlier, config.name, arms)
    if matched < FEWEST_MATCHED * of:
        common = f"{share(matched, of)} in both, at least 90 % must be"
        then = plural(len(_test_split(earlier, config.name).examples), "prompt")
        return [*found, Difference("test prompts", config.name, then, common, "refuse")], None
    for pair in arms:
        if pair.label in split.answers and pair.later.name in split.answers:
            both = (split.answers[pair.label], split.answers[pair.later.name])
            found += endings(f"{config.name}, {pair.later.name}", [both])
    return found, split


def _as_arms(
    record: RunRecord,
    arms: Sequence[Arms],
    suites: Sequence[SuiteConfig],
    splits: Sequence[SplitResult],
    differences: Sequence[Difference],
) -> RunRecord:
    """The joined splits as the record of a run whose bases are the earlier models."""
    bases = [replace(a.earlier, name=a.label, role="base", tuned_from=None) for a in arms]
    tuned = [replace(a.later, role="tuned", tuned_from=a.label) for a in arms]
    return replace(
        record,
        info=replace(
            record.info,
            models=(*bases, *tuned),
            suites=tuple(suites),
            overfit=(),
            overfit_levels={},
            differences=tuple(differences),
        ),
        splits=tuple(splits),
        comparisons=(),
        scores=(),
        confusions=(),
        leaks=(),
    )


def _joined(
    record: RunRecord, earlier: RunRecord, suite: str, arms: Sequence[Arms]
) -> tuple[SplitResult, int, int]:
    """The examples that both runs asked; how many those are, and of how many."""
    now, then = (_test_split(r, suite) for r in (record, earlier))
    known = {_key(then, i): i for i in range(len(then.examples))}
    pairs = [(i, known.get(_key(now, i))) for i in range(len(now.examples))]
    left = [i for i, j in pairs if j is not None]
    right = [j for _, j in pairs if j is not None]
    values: dict[tuple[str, str], FloatArray] = {}
    for source, rows, names in (
        (then, right, {a.earlier.name: a.label for a in arms}),
        (now, left, {a.later.name: a.later.name for a in arms}),
    ):
        values |= {
            (names[model], scorer): np.asarray(scores)[rows]
            for (model, scorer), scores in source.values.items()
            if model in names
        }
    chosen = _Chosen(arms, left, right)
    split = SplitResult(
        suite=suite,
        split=TEST,
        examples=tuple(now.examples[i] for i in left),
        answers=chosen.of(now.answers, then.answers),
        values=values,
        repeats=chosen.of(now.repeats, then.repeats),
        likelihoods=chosen.of(now.likelihoods, then.likelihoods),
        judgements=tuple(
            (
                *(then.judgements[j] if then.judgements else ()),
                *(now.judgements[i] if now.judgements else ()),
            )
            for i, j in zip(left, right, strict=True)
        ),
    )
    return split, len(left), max(len(now.examples), len(then.examples))


def _test_split(record: RunRecord, suite: str) -> SplitResult:
    for split in record.splits:
        if (split.suite, split.split) == (suite, TEST):
            return split
    return SplitResult(suite, TEST, (), {}, {})


def _key(split: SplitResult, i: int) -> tuple[object, ...]:
    example = split.examples[i]
    return example.id, example.messages, example.references


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which rows of either run make up the joined split."""

    arms: Sequence[Arms]
    left: Sequence[int]
    right: Sequence[int]

    def of(
        self, now: Mapping[str, Sequence[Found]], then: Mapping[str, Sequence[Found]]
    ) -> dict[str, tuple[Found, ...]]:
        """Model -> its rows, for those models that have any."""
        earlier = {
            pair.label: tuple(then[pair.earlier.name][i] for i in self.right)
            for pair in self.arms
            if pair.earlier.name in then
        }
        later = {
            pair.later.name: tuple(now[pair.later.name][i] for i in self.left)
            for pair in self.arms
            if pair.later.name in now
        }
        return earlier | later
