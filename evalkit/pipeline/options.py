"""The options of a run, as Python and the command line give them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from evalkit.data.project import MOST_REPEATS
from evalkit.errors import UsageError


class RunOptions(TypedDict, total=False):
    """The options of `evalkit.run` and of `evalkit run`; what is left out has its default.

    Attributes:
        base: the model before fine-tuning, `[NAME=]PROVIDER:MODEL[@BASE_URL]`.
        tuned: one or more fine-tuned models, in the same form.
        checkpoints: two or more checkpoints of one training job, in the same form. The best one on
            the validation rows is compared with the base, on test rows that no other has seen.
        train: what the tuned models were trained on, instead of the suites' own `train`.
        scorers: instead of the suites' own, the first is the primary one; `default` stands for
            the suites' own.
        extract: steps to the part of a completion that is scored, such as `number` or
            `after=Answer:`, instead of the suites' own; empty for those.
        judge: whom graders ask, in the form of a model, instead of the models that they name.
        limit: test rows a suite at most, drawn by seed.
        seed: of every sample and resample.
        concurrency: requests in flight for one endpoint at most (32).
        timeout: seconds that one request may take (120).
        max_seconds: how long all the asking may take; what has no answer by then is missing.
        max_cost: dollars that the asking may cost; what cannot be paid any more is missing.
        probe: look at served models by a few small requests before they are asked (True).
        config: project file; default `evalkit.yaml`, if it exists.
        cache: folder of the completion cache (`.evalkit`).
        allow_identical: compare two arms even if they are one and the same model.
        repeats: how often every test prompt is asked of every arm (1); what is compared are the
            means of each prompt's answers.
        noise_floor: ask the bases a second time, and say how much they differ from themselves.
        stop_early: ask the test prompts in five declared looks, and stop when every suite is
            decided.
        logprobs: ask served models too how probable they find training and test references, to see
            whether tuned ones know their training rows; False asks none, not even local ones.
        curve: files of the losses that training jobs reported, `[NAME=]FILE`; the name of the tuned
            model may be left out if there is only one.
        perturb: so many test prompts of a suite, drawn by seed, are also asked in other words, to
            see whether a tuned model depends on the wording (100); 0 for none.
        batch: ask by the Batch API of the models' servers, which takes up to a day and costs less;
            models that cannot be asked so are asked as usual.
    """

    base: str | None
    tuned: str | Sequence[str]
    checkpoints: str | Sequence[str]
    train: str | Path | None
    scorers: str | Sequence[str]
    extract: str | Sequence[str]
    judge: str | None
    limit: int | None
    seed: int | None
    concurrency: int | None
    timeout: float | None
    max_seconds: float | None
    max_cost: float | None
    probe: bool
    config: str | Path | None
    cache: str | Path | None
    allow_identical: bool
    repeats: int | None
    noise_floor: bool
    stop_early: bool
    logprobs: bool | None
    perturb: int | None
    curve: str | Path | Sequence[str | Path]
    batch: bool


def check_options(options: RunOptions) -> None:
    """Refuse what cannot be meant.

    Args:
        options: as they were given, of the right names and types.

    Raises:
        UsageError: an option out of range, or beside another.
    """
    if options.get("stop_early") and options.get("batch"):
        raise UsageError(
            "--stop-early looks at answers before it asks for more, and --batch asks for all at "
            "once; leave one of them out"
        )
    counts = {
        "--limit": options.get("limit"),
        "--concurrency": options.get("concurrency"),
        "--repeats": options.get("repeats"),
    }
    for name, count in counts.items():
        if count is not None and count < 1:
            raise UsageError(f"{name} is {count}; expected 1 or more")
    repeats, seed = options.get("repeats"), options.get("seed")
    if repeats is not None and repeats > MOST_REPEATS:
        raise UsageError(f"--repeats is {repeats}; expected {MOST_REPEATS:,} at most")
    if seed is not None and seed < 0:
        raise UsageError(f"--seed is {seed}; expected 0 or more")
    perturb = options.get("perturb")
    if perturb is not None and perturb < 0:
        raise UsageError(f"--perturb is {perturb}; expected 0 (no rewordings) or more")
    times = {"--timeout": options.get("timeout"), "--max-seconds": options.get("max_seconds")}
    for name, seconds in times.items():
        if seconds is not None and not 0 < seconds < float("inf"):
            raise UsageError(f"{name} is {seconds}; expected seconds, more than 0")
    cost = options.get("max_cost")
    if cost is not None and not 0 < cost < float("inf"):
        raise UsageError(f"--max-cost is {cost}; expected dollars, more than 0")


def listed(given: str | Path | Sequence[str | Path]) -> Sequence[Any]:
    """One thing is a list of one."""
    return [given] if isinstance(given, str | Path) else list(given)
