"""Suites: a folder with a suite.yaml, a suite.yaml, or just a data file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from evalkit.data.examples import Loaded, hash_examples, load_examples
from evalkit.data.problems import Problems
from evalkit.data.prompts import PROMPT, Shots, render
from evalkit.data.spec import safe_name
from evalkit.errors import ConfigError, Problem, UsageError, nearest
from evalkit.schema import PERTURBED, Example, Suite, SuiteConfig, Task

if TYPE_CHECKING:
    from evalkit.data.suitefile import SuiteFile

SUITE_FILE = "suite.yaml"

DEFAULT_SCORERS: Mapping[Task, tuple[str, ...]] = MappingProxyType(
    {
        "qa": ("exact_match", "f1", "contains"),
        "classification": ("accuracy", "macro_f1", "exact_match", "contains"),
        "summarization": ("rouge_l", "rouge1", "rouge2", "rouge_lsum", "length"),
        "translation": ("bleu", "chrf", "exact_match"),
        "extraction": ("json_match", "json_valid", "exact_match"),
        "generation": ("exact_match", "f1", "contains", "rouge_l", "length", "repetition"),
    }
)
"""Scorers of a suite that names none, the primary one first. Containment stands beside exact match
wherever a right answer may come wrapped in words."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a suite comes from.

    Attributes:
        config: what is known before its rows are read.
        files: split -> file, in the order in which they are read.
        declared: its suite.yaml; None for a bare data file.
    """

    config: SuiteConfig
    files: Mapping[str, Path]
    declared: SuiteFile | None = None


def load_suite(path: Path, *, train: Path | None = None, extra_train: Sequence[str] = ()) -> Suite:
    """A suite with all its examples, rendered as they are asked.

    Args:
        path: a suite folder, a suite.yaml, or a data file, which is then the test split of a suite
            of the task `generation` named like the file.
        train: training file instead of the suite's own.
        extra_train: names of further training files, inside the suite's folder or paths; each
            becomes a split named by its stem. One that this suite doesn't have is left out.

    Raises:
        UsageError: a path that is no suite, or training files that cannot be told apart.
        ConfigError: a suite.yaml that is wrong.
        DataError: broken rows, of all its files at once.
    """
    source = _find(path, train, extra_train)
    problems = Problems()
    declared = {"test", "train", "validation"} if source.config.labels else set[str]()
    loaded = {
        split: load_examples(
            file, problems, labels=source.config.labels if split in declared else ()
        )
        for split, file in source.files.items()
    }
    problems.raise_if_any()
    splits = {split: found.examples for split, found in loaded.items()}
    if source.declared is not None:
        _check_fields(source.declared, splits)
        for found in loaded.values():
            _check_values(source.declared, found, problems)
        problems.raise_if_any()
        _render_all(source.declared, splits)
    config = _completed(source.config, splits)
    return Suite(
        config=config,
        splits={split: tuple(examples) for split, examples in splits.items()},
        hashes={split: hash_examples(examples) for split, examples in splits.items()},
    )


def find_train(suite: Path, name: str) -> Path | None:
    """A training file by its name inside a suite's folder, or by its path; None if neither is."""
    folder = suite if suite.is_dir() else suite.parent
    return next((file for file in (folder / name, Path(name)) if file.is_file()), None)


def check_train_files(suites: Sequence[Path], names: Sequence[str]) -> None:
    """See that every training file that is named exists for at least one of the suites.

    Raises:
        UsageError: one that is nowhere.
    """
    for name in names:
        if not any(find_train(suite, name) for suite in suites):
            places = ", ".join(str(suite) for suite in suites)
            raise UsageError(
                f"training file {name!r}: found neither in the suites ({places}) nor as a path"
            )


def _find(path: Path, train: Path | None, extra_train: Sequence[str]) -> _Source:
    """Which files make up a suite."""
    if path.is_dir():
        if not (path / SUITE_FILE).is_file():
            raise UsageError(f"{path}: found a folder without {SUITE_FILE}, expected a suite")
        path /= SUITE_FILE
    if path.suffix.lower() in {".yaml", ".yml"}:
        source = _declared(path)
    else:
        config = SuiteConfig(name=safe_name(path.name.split(".")[0]), task="generation")
        source = _Source(config, {"test": path})
    files = dict(source.files)
    if train is not None:
        files["train"] = train
    for name in extra_train:
        _add_train(files, find_train(path, name))
    return replace(source, files=files)


def _declared(path: Path) -> _Source:
    from evalkit.data.suitefile import read_suite_file

    found = read_suite_file(path)
    files = {split: path.parent / name for split, name in found.files.items()}
    for split, file in files.items():
        if not file.is_file():
            there = sorted(p.name for p in path.parent.iterdir() if p.name != path.name)
            hint = nearest(found.files[split], there)
            raise ConfigError(
                found.source.fault((split,), f"{found.files[split]!r}", f"a file; {hint}")
            )
    return _Source(found.config, files, found)


def _add_train(files: dict[str, Path], file: Path | None) -> None:
    """Add a further training file under its stem, unless it is there already."""
    if file is None:
        return
    name = file.stem
    if name == PERTURBED:
        raise UsageError(
            f"training file {str(file)!r}: {PERTURBED!r} is the name of evalkit's own split of "
            "reworded test prompts; rename the file"
        )
    there = files.setdefault(name, file)
    if not there.samefile(file):
        raise UsageError(
            f"training files {str(there)!r} and {str(file)!r}: found one name, {name!r}, "
            "for two files, expected one each; rename one"
        )


def _check_fields(suite: SuiteFile, splits: Mapping[str, Sequence[Example]]) -> None:
    """Fields that the suite.yaml speaks of must occur in its rows."""
    known = {field for examples in splits.values() for e in examples for field in e.fields}
    for field in suite.config.slices:
        if field not in known:
            raise suite.fault("slices", f"{field!r}, which no row has", _field(field, known))
    for place in suite.template.places if suite.template else ():
        if place != PROMPT and place not in known:
            expected = _field(place, {*known, PROMPT})
            raise suite.fault("template", f"{{{place}}}, which no row has", expected)


def _field(name: str, known: Collection[str]) -> str:
    return f"a field of the rows; {nearest(name, known)}"


def _completed(config: SuiteConfig, splits: Mapping[str, Sequence[Example]]) -> SuiteConfig:
    """The configuration with its defaults by task and the labels that occur."""
    labels = config.labels
    if config.task == "classification" and not labels:
        seen = [*splits["test"], *splits.get("train", ())]
        labels = tuple(sorted({r.strip() for e in seen for r in e.references}))
    return replace(config, scorers=config.scorers or DEFAULT_SCORERS[config.task], labels=labels)


def _check_values(suite: SuiteFile, loaded: Loaded, problems: Problems) -> None:
    """Every row must have something for every place of the template."""
    if suite.template is None:
        return
    for example, line in zip(loaded.examples, loaded.lines, strict=True):
        for place in suite.template.missing(example.fields):
            found = "null" if place in example.fields else "no such key"
            expected = f"a value for the template's place {{{place}}}"
            problems.add(Problem(f"{loaded.path}:{line}", place, found, expected))


def _render_all(suite: SuiteFile, splits: Mapping[str, list[Example]]) -> None:
    """Turn the rows' turns into what is asked, in place: a million rows are not held twice."""
    config, template = suite.config, suite.template
    if config.system is None and template is None and not config.few_shot:
        return
    shots = None
    if config.few_shot:
        shots = Shots(config.name, config.few_shot, splits["train"], template)
        if not shots.enough:
            found = f"{config.few_shot} of {len(splits['train'])} training rows"
            expected = "more different training questions than are shown"
            raise suite.fault("few_shot", found, expected)
    for examples in splits.values():
        for index, example in enumerate(examples):
            messages = render(
                example,
                system=config.system,
                template=template,
                shots=shots.before(example) if shots else (),
            )
            examples[index] = replace(example, messages=messages)
