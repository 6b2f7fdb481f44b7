"""A judge that has reason to favour one of the arms: because it is that arm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.schema import Difference, ModelSpec, Usage
from evalkit.verdict.differences import endpoint


def judge_differences(
    models: Sequence[ModelSpec],
    judges: Sequence[ModelSpec],
    usages: Sequence[Usage] = (),
) -> Iterator[Difference]:
    """Where a judge grades itself; `where` is the tuned model's name.

    Models tend to prefer answers that read like their own, so a judge that is one of the arms, or
    the model that an arm was tuned from, is no impartial one.

    Args:
        models: the arms.
        judges: who graded their answers.
        usages: of arms and judges, for the names that servers answered under.
    """
    served = {usage.model: set(usage.served_models) for usage in usages}
    by_name = {model.name: model for model in models}
    for judge in judges:
        for tuned in models:
            base = by_name.get(tuned.tuned_from or "")
            if base is None:
                continue
            itself = [_same(judge, arm, served) for arm in (base, tuned)]
            if any(itself):
                first, second = (
                    f"{judge.model} grades {'itself' if same else 'it'}" for same in itself
                )
                yield Difference("judge", tuned.name, first, second, "flag")


def _same(judge: ModelSpec, arm: ModelSpec, served: dict[str, set[str]]) -> bool:
    """Whether a judge is an arm, by its spec or by what servers call it."""
    asked = [(one.provider, one.model, endpoint(one)) for one in (judge, arm)]
    return asked[0] == asked[1] or bool(served.get(judge.name, set()) & served.get(arm.name, set()))
