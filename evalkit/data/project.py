"""The project file, evalkit.yaml: endpoints, models, suites, gate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalkit.schema import GateRule, ModelSpec

MOST_REPEATS = 1_000
"""Times that a prompt may be asked: no mean of more is known any better for all practical ends."""

PROJECT_FILE = "evalkit.yaml"


@dataclass(frozen=True, slots=True)
class Project:
    """What a project file says; None and empty where it is silent.

    Attributes:
        models: the arms, in the file's order.
        suites: suite folders or data files.
        cache: folder of the completion cache.
        seed: of every sample and resample.
        concurrency: requests in flight for one endpoint.
        timeout: seconds that one request may take.
        max_seconds: how long the asking of a whole run may take.
        max_cost: dollars that the asking of a run may cost.
        limit: examples per split at most.
        batch: whether models that can be are asked by file.
        gate: rule for all suites.
        logprobs: whether models are asked how probable training and test references are.
        repeats: how often every test prompt is asked of every arm.
        perturb: test prompts of a suite that are also asked in other words, at most.
        judge: whom graders ask in suites that name no judge of their own.
    """

    models: tuple[ModelSpec, ...] = ()
    suites: tuple[Path, ...] = ()
    cache: Path | None = None
    seed: int | None = None
    concurrency: int | None = None
    timeout: float | None = None
    max_seconds: float | None = None
    max_cost: float | None = None
    limit: int | None = None
    batch: bool = False
    gate: GateRule | None = None
    logprobs: bool | None = None
    repeats: int | None = None
    perturb: int | None = None
    judge: ModelSpec | None = None


def find_project(config: str | Path | None = None) -> Project | None:
    """The project file that is named, else the one in this folder; None if there is none.

    Raises:
        ConfigError: every field that is wrong, a line each.
    """
    if config is None and not Path(PROJECT_FILE).is_file():
        return None
    return load_project(Path(PROJECT_FILE if config is None else config))


def load_project(path: Path) -> Project:
    """Read a project file, or the evalkit.yaml of a folder. Paths in it are relative to it.

    Raises:
        ConfigError: every field that is wrong, a line each.
    """
    from evalkit.data.projectfile import read_project_file

    return read_project_file(path / PROJECT_FILE if path.is_dir() else path)
