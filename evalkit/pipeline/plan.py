"""What a run is going to do: options over project file over defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from evalkit import embedded
from evalkit.data import Project, load_project, parse_model
from evalkit.data.project import PROJECT_FILE
from evalkit.errors import UsageError, nearest
from evalkit.pipeline.checkpoints import JOB, with_curves, with_steps
from evalkit.runner import TIMEOUT
from evalkit.schema import GateRule, ModelSpec

SEED = 12345
CACHE = Path(".evalkit")
PERTURB = 100
"""Test prompts that are reworded: enough to tell an excess of ten points (statistics, S4)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run needs to know before it reads a row.

    Attributes:
        name: the run's name.
        models: the arms, bases first.
        suites: suite folders or data files.
        train: training file for every suite, or None for each suite's own.
        scorers: instead of the suites' own; `default` stands for those; empty changes nothing.
        limit: examples per split at most, drawn by seed.
        seed: of every sample and resample.
        concurrency: requests in flight for one endpoint.
        timeout: seconds that one request may take.
        max_seconds: how long all the asking may take; None for no limit.
        max_cost: dollars that all the asking may cost; None for no limit.
        probe: whether served models are looked at before they are asked.
        cache: folder of the completion cache.
        gate: rule for all suites, or None for each suite's own.
        allow_identical: whether a tuned model may be its base.
        repeats: how often every test prompt is asked of every arm.
        noise_floor: whether the bases are asked a second time, to see how they differ from
            themselves.
        stop_early: whether to ask in declared looks and to stop when every suite is decided.
        logprobs: whether models are asked how probable training and test references are; None asks
            those that run in this process.
        perturb: test prompts of a suite that are also asked in other words, at most.
        batch: whether models that can be are asked by file.
    """

    name: str
    models: tuple[ModelSpec, ...]
    suites: tuple[Path, ...]
    train: Path | None = None
    scorers: tuple[str, ...] = ()
    limit: int | None = None
    seed: int = SEED
    concurrency: int = 32
    timeout: float = TIMEOUT
    max_seconds: float | None = None
    max_cost: float | None = None
    probe: bool = True
    cache: Path = CACHE
    gate: GateRule | None = None
    allow_identical: bool = False
    repeats: int = 1
    noise_floor: bool = False
    stop_early: bool = False
    logprobs: bool | None = None
    perturb: int = PERTURB
    batch: bool = False


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
    scorers: Sequence[str]
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


def make_plan(suites: Sequence[str | Path] = (), **options: Unpack[RunOptions]) -> Plan:
    """Join options, project file and defaults.

    Without suites, models and project file, the plan is the embedded quickstart.

    Raises:
        UsageError: an option that cannot be meant.
        ConfigError: a project file that is wrong.
    """
    base, tuned = options.get("base"), listed(options.get("tuned", ()))
    project, quickstart = _project(options.get("config"), suites=suites, base=base, tuned=tuned)
    paths = _found(suites or project.suites)
    _check(options)
    models = _models(project, base, tuned, listed(options.get("checkpoints", ())))
    models = with_curves(with_steps(models), listed(options.get("curve", ())))
    allow_identical = options.get("allow_identical", False)
    if not allow_identical:
        _require_two_models(models)
    train, limit, seed = options.get("train"), options.get("limit"), options.get("seed")
    return Plan(
        name="quickstart" if quickstart else _name(paths),
        models=models,
        suites=paths,
        train=None if train is None else Path(train),
        scorers=tuple(options.get("scorers", ())),
        limit=project.limit if limit is None else limit,
        seed=next(n for n in (seed, project.seed, SEED) if n is not None),
        concurrency=options.get("concurrency") or project.concurrency or 32,
        timeout=options.get("timeout") or project.timeout or TIMEOUT,
        max_seconds=options.get("max_seconds") or project.max_seconds,
        max_cost=options.get("max_cost") or project.max_cost,
        probe=options.get("probe", True),
        cache=Path(options.get("cache") or project.cache or CACHE),
        gate=project.gate,
        allow_identical=allow_identical,
        repeats=options.get("repeats") or project.repeats or 1,
        noise_floor=options.get("noise_floor", False),
        stop_early=options.get("stop_early", False),
        logprobs=project.logprobs if options.get("logprobs") is None else options.get("logprobs"),
        perturb=next(
            n for n in (options.get("perturb"), project.perturb, PERTURB) if n is not None
        ),
        batch=_batch(options, project),
    )


def _check(options: RunOptions) -> None:
    """Refuse what cannot be meant."""
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


def _batch(options: RunOptions, project: Project) -> bool:
    """Whether models are asked by file, which nothing can stop any more once it is handed in."""
    batch = options.get("batch", False) or project.batch
    if batch and (options.get("max_cost") or project.max_cost):
        raise UsageError(
            "--batch and --max-cost do not go together: what is handed in is paid for, however "
            "much it comes to; see `--dry-run` for an estimate, and cut the run with --limit"
        )
    return batch


def listed(given: str | Path | Sequence[str | Path]) -> Sequence[Any]:
    """One thing is a list of one."""
    return [given] if isinstance(given, str | Path) else list(given)


def suites_to_check(
    suites: Sequence[str | Path], *, config: str | Path | None = None
) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The suites that are meant, and the training files that the project's models name.

    The suites are those named, or the project file's, or the shipped ones.
    """
    project, _ = _project(config, suites=(), base=None, tuned=())
    trains = (model.train for model in project.models if model.train is not None)
    return _found(suites or project.suites), tuple(dict.fromkeys(trains))


def _found(suites: Sequence[str | Path]) -> tuple[Path, ...]:
    if not suites:
        raise UsageError(
            "no suite: name a suite folder or a data file, or list `suites:` in evalkit.yaml"
        )
    return tuple(_suite_path(suite) for suite in suites)


def _project(
    config: str | Path | None,
    *,
    suites: Sequence[str | Path],
    base: str | None,
    tuned: Sequence[str],
) -> tuple[Project, bool]:
    """The project file that applies, and whether it is the embedded quickstart's."""
    if config is not None:
        return load_project(Path(config)), False
    if Path(PROJECT_FILE).is_file():
        return load_project(Path(PROJECT_FILE)), False
    if not suites and base is None and not tuned:
        return load_project(embedded.quickstart_file()), True
    return Project(), False


def _models(
    project: Project, base: str | None, tuned: Sequence[str], checkpoints: Sequence[str]
) -> tuple[ModelSpec, ...]:
    """The arms: a flag replaces the project's models of that role."""
    known = {spec.name: spec for spec in project.models}
    bases = [spec for spec in project.models if spec.role == "base"]
    arms = [spec for spec in project.models if spec.role == "tuned"]
    if base is not None:
        bases = [_spec(base, known, "base")]
    if tuned or checkpoints:
        arms = [_spec(text, known, "tuned") for text in tuned]
        arms += [replace(_spec(text, known, "tuned"), job=JOB) for text in checkpoints]
    if not bases:
        raise UsageError("no base model: give --base SPEC, for example --base openai:gpt-4o-mini")
    if not arms:
        raise UsageError("no tuned model: give --tuned SPEC, for example --tuned openai:my-adapter")
    names = [spec.name for spec in (*bases, *arms)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two models are called {name!r}; give one another name: --tuned NEW_NAME=SPEC"
            )
    base_names = {spec.name for spec in bases}
    arms = [
        arm if arm.tuned_from in base_names else replace(arm, tuned_from=bases[0].name)
        for arm in arms
    ]
    return (*bases, *arms)


def _spec(text: str, known: dict[str, ModelSpec], role: str) -> ModelSpec:
    """A spec of the command line: the name of a model of the project file, or a spec in full."""
    if text in known:
        return replace(known[text], role="base" if role == "base" else "tuned")
    if ":" not in text and known:
        raise UsageError(f"unknown model {text!r}; {nearest(text, known)}")
    return parse_model(text, "base" if role == "base" else "tuned")


def _suite_path(suite: str | Path) -> Path:
    """A path as given, or the shipped suite of that name."""
    path = Path(suite)
    if path.exists():
        return path
    shipped = embedded.suite_folders()
    if path.name in shipped and (str(suite) == path.name or path.parent.name == "suites"):
        return shipped[path.name]
    raise UsageError(
        f"no suite {str(suite)!r}: expected a suite folder, a data file, or a shipped suite; "
        + nearest(str(suite), shipped)
    )


def _require_two_models(models: Sequence[ModelSpec]) -> None:
    """A tuned model that is asked just like its base is its base."""
    by_name = {model.name: model for model in models}
    for model in models:
        other = by_name.get(model.tuned_from or "")
        if other is not None and _asked_as(other) == _asked_as(model):
            raise UsageError(
                f"{model.name!r} and its base {other.name!r} are the same model "
                f"({model.provider}:{model.model}); name the tuned one, or say --allow-identical"
            )


def _asked_as(model: ModelSpec) -> tuple[str | None, ...]:
    return model.provider, model.model, model.base_url, model.mode


def _name(paths: Sequence[Path]) -> str:
    """A name for a run: its first suite, and how many more."""
    first = paths[0].parent.name if paths[0].name == "suite.yaml" else paths[0].stem
    return first if len(paths) == 1 else f"{first}+{len(paths) - 1}"
