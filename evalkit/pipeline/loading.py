"""From a plan to the suites of a run, cut to what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from evalkit.data import check_train_files, find_leaks, load_suite, perturb
from evalkit.errors import UsageError
from evalkit.pipeline.plan import Plan
from evalkit.pipeline.questions import drawn
from evalkit.schema import PERTURBED, Example, Leak, ModelSpec, Suite

TRAINING_SAMPLE = 500
"""Most training rows asked of a model (statistics, section 8)."""
VALIDATION_SAMPLE = 500
"""Most validation rows asked of every checkpoint of a training job."""
VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The suites of a run, cut to what is asked.

    Attributes:
        suites: with `test`, every training split that some arm saw, as samples, and reworded test
            prompts as the split `perturbed`.
        training: (suite, tuned model) -> training split it is checked against.
        leaks: test rows that occur in training.
        completions: (suite, training split) -> every completion of it, sampled or not.
        validation: suite -> validation rows, a sample, if there are checkpoints to be chosen among.
        choosing: whether this is about that choice: then nothing but validation rows is asked.
    """

    suites: tuple[Suite, ...]
    training: Mapping[tuple[str, str], str]
    leaks: tuple[Leak, ...]
    completions: Mapping[tuple[str, str], Sequence[str]]
    validation: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)
    choosing: bool = False


def load_suites(plan: Plan) -> Loaded:
    """Read the suites, draw the samples and look for leakage.

    The whole training data is searched for leakage; only a sample of it is asked, as many rows as
    there are test rows and at most 500.

    Raises:
        DataError: broken rows.
        ConfigError: a suite.yaml that is wrong.
        UsageError: a training file that no suite has, or two suites of one name.
    """
    extra = tuple(dict.fromkeys(m.train for m in plan.models if m.train is not None))
    check_train_files(plan.suites, extra)
    parts = dict[str, Loaded]()
    for path in plan.suites:
        suite = load_suite(path, train=plan.train, extra_train=extra)
        name = suite.config.name
        if name in parts:
            raise UsageError(f"two suites are called {name!r}; give one another `name:`")
        config = replace(
            suite.config,
            extract=suite.config.extract if plan.extract is None else plan.extract,
            judge=plan.judge or suite.config.judge or plan.usual_judge,
        )
        parts[name] = _cut(plan, replace(suite, config=config))
    return Loaded(
        suites=tuple(suite for part in parts.values() for suite in part.suites),
        training={key: split for part in parts.values() for key, split in part.training.items()},
        leaks=tuple(leak for part in parts.values() for leak in part.leaks),
        completions={
            key: texts for part in parts.values() for key, texts in part.completions.items()
        },
        validation={
            name: rows for part in parts.values() for name, rows in part.validation.items()
        },
    )


def _cut(plan: Plan, suite: Suite) -> Loaded:
    """What is asked of one suite, and what all of its training data says."""
    name = suite.config.name
    test = _sample(plan, f"{name}/test", suite.splits["test"], plan.limit)
    training = _training(plan, suite)
    seen = [split for split in dict.fromkeys(training.values()) if split != "test"]
    most = min(len(test), TRAINING_SAMPLE)
    splits = {"test": test} | {
        split: _sample(plan, f"{name}/{split}", suite.splits[split], most) for split in seen
    }
    if plan.perturb and reworded_for(plan, training, name):
        originals = _sample(plan, f"{name}/{PERTURBED}", test, plan.perturb)
        reworded = perturb(suite.config, originals, plan.seed)
        splits |= {PERTURBED: reworded} if reworded else {}
    template = suite.config.template
    return Loaded(
        suites=(replace(suite, splits=splits),),
        training=training,
        leaks=tuple(
            leak
            for split in seen
            for leak in find_leaks(name, split, test, suite.splits[split], template=template)
        ),
        completions={
            (name, split): [text for example in suite.splits[split] for text in example.references]
            for split in seen
        },
        validation=_validation(plan, suite),
    )


def _training(plan: Plan, suite: Suite) -> dict[tuple[str, str], str]:
    """(suite, tuned model) -> the training split it saw, if the suite has it."""
    stems = {
        model.name: Path(model.train).stem if model.train else "train"
        for model in plan.models
        if model.role != "base"
    }
    return {
        (suite.config.name, model): split for model, split in stems.items() if split in suite.splits
    }


def _validation(plan: Plan, suite: Suite) -> dict[str, tuple[Example, ...]]:
    """The suite's sample of validation rows, if it has some and there are checkpoints to choose."""
    if VALIDATION not in suite.splits or not any(model.job for model in plan.models):
        return {}
    most = min(plan.limit or VALIDATION_SAMPLE, VALIDATION_SAMPLE)
    name = suite.config.name
    return {name: _sample(plan, f"{name}/{VALIDATION}", suite.splits[VALIDATION], most)}


def _sample(
    plan: Plan, name: str, examples: tuple[Example, ...], most: int | None
) -> tuple[Example, ...]:
    """At most so many examples, in their order."""
    return tuple(examples[place] for place in drawn(len(examples), name, most, plan.seed))


def reworded_for(
    plan: Plan, training: Mapping[tuple[str, str], str], suite: str
) -> list[ModelSpec]:
    """The tuned models that reworded prompts say something about: those that are judged.

    Completions already made cannot be had again for other words.
    """
    fixed = {model.name for model in plan.models if model.provider == "file"}
    return [
        model
        for model in plan.models
        if (suite, model.name) in training and fixed.isdisjoint({model.name, model.tuned_from})
    ]
