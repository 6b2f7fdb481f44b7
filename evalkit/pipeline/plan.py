"""What a run is going to do: options over project file over defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from evalkit import embedded
from evalkit.data import Project, find_project, load_project, parse_extract, parse_judge
from evalkit.errors import UsageError, nearest
from evalkit.pipeline.arguments import checked
from evalkit.pipeline.arms import choose_arms, require_other_specs
from evalkit.pipeline.checkpoints import with_curves, with_steps
from evalkit.pipeline.options import RunOptions, check_options, listed
from evalkit.runner import CONCURRENCY, TIMEOUT
from evalkit.schema import Extract, GateRule, ModelSpec
from evalkit.stats.samples import SEED

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
        extract: steps to what is scored of a completion, instead of the suites' own; None
            changes nothing.
        judge: whom graders ask in every suite; None leaves it to suites and project.
        usual_judge: whom they ask in suites that name none; None leaves it to the graders.
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
    extract: tuple[Extract, ...] | None = None
    judge: ModelSpec | None = None
    usual_judge: ModelSpec | None = None
    limit: int | None = None
    seed: int = SEED
    concurrency: int = CONCURRENCY
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


@checked
def make_plan(suites: Sequence[str | Path] = (), **options: Unpack[RunOptions]) -> Plan:
    """Join options, project file and defaults.

    Without suites, models and project file, the plan is the embedded quickstart.

    Raises:
        UsageError: an option that cannot be meant.
        ConfigError: a project file that is wrong.
    """
    check_options(options)
    base, tuned = options.get("base"), listed(options.get("tuned", ()))
    project, quickstart = _project(options.get("config"), suites=suites, base=base, tuned=tuned)
    paths = _found(suites or project.suites)
    models = choose_arms(project, base, tuned, listed(options.get("checkpoints", ())))
    models = with_curves(with_steps(models), listed(options.get("curve", ())))
    allow_identical = options.get("allow_identical", False)
    if not allow_identical:
        require_other_specs(models)
    train, limit, seed = options.get("train"), options.get("limit"), options.get("seed")
    return Plan(
        name="quickstart" if quickstart else _name(paths),
        models=models,
        suites=paths,
        train=None if train is None else Path(train),
        scorers=tuple(listed(options.get("scorers", ()))),
        extract=_steps(options),
        judge=parse_judge(judge) if (judge := options.get("judge")) else None,
        usual_judge=project.judge,
        limit=project.limit if limit is None else limit,
        seed=next(n for n in (seed, project.seed, SEED) if n is not None),
        concurrency=options.get("concurrency") or project.concurrency or CONCURRENCY,
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


def _steps(options: RunOptions) -> tuple[Extract, ...] | None:
    given = listed(options.get("extract", ()))
    return parse_extract(given) if given else None


def _batch(options: RunOptions, project: Project) -> bool:
    """Whether models are asked by file, which nothing can stop any more once it is handed in."""
    batch = options.get("batch", False) or project.batch
    if batch and (options.get("max_cost") or project.max_cost):
        raise UsageError(
            "--batch and --max-cost do not go together: what is handed in is paid for, however "
            "much it comes to; see `--dry-run` for an estimate, and cut the run with --limit"
        )
    return batch


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
    project = find_project(config)
    if project is not None:
        return project, False
    if not suites and base is None and not tuned:
        return load_project(embedded.quickstart_file()), True
    return Project(), False


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


def _name(paths: Sequence[Path]) -> str:
    """A name for a run: its first suite, and how many more."""
    first = paths[0].parent.name if paths[0].name == "suite.yaml" else paths[0].stem
    return first if len(paths) == 1 else f"{first}+{len(paths) - 1}"
