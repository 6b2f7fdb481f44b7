"""suite.yaml: what it may hold, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
)

from evalkit.data.extraction import read_steps
from evalkit.data.language import Language
from evalkit.data.prompts import Template, TemplateError, parse_template
from evalkit.data.spec import name_fault, parse_judge, safe_name
from evalkit.data.yamlfile import Place, YamlFile, check, read_yaml
from evalkit.errors import ConfigError, UsageError
from evalkit.schema import Extract, GateMode, GateRule, Generation, SuiteConfig, Task


class Strict(BaseModel):
    """A mapping of a file: no unknown keys, no conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _one_or_many(value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    return [value] if isinstance(value, str) else value


def _different(values: list[str]) -> list[str]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value!r} twice", "each one once")
    return values


def _stripped(value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    """Labels without outer space, as they are compared."""
    one_or_many = _one_or_many(value)
    if not isinstance(one_or_many, list):
        return value
    return [text.strip() if isinstance(text, str) else text for text in one_or_many]


def _scorer(value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    """`{numeric: {tolerance: 0.01}}` as the scorer's spec: `numeric(tolerance=0.01)`."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    (name, options), *_ = value.items()
    if not isinstance(options, dict):
        return value
    return f"{name}({', '.join(f'{key}={option!r}' for key, option in options.items())})"


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[list[Text], BeforeValidator(_one_or_many), AfterValidator(_different)]
Scorer = Annotated[Text, BeforeValidator(_scorer)]
Scorers = Annotated[list[Scorer], BeforeValidator(_one_or_many), AfterValidator(_different)]


class GenerationFile(Strict):
    """Decoding parameters."""

    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    max_tokens: int = Field(default=256, ge=1)
    stop: Texts = []
    seed: int | None = 0

    def record(self) -> Generation:
        """The record that crosses rooms."""
        return Generation(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_tokens=self.max_tokens,
            stop=tuple(self.stop),
            seed=self.seed,
        )


class GateFile(Strict):
    """When a change may ship."""

    mode: GateMode = "three-way"
    margin: float = Field(default=0.05, ge=0, le=1)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    scorers: Scorers = []
    slices: Texts = []
    strict: bool = False
    overfit: Literal["strong", "mild", "none"] = "strong"
    forgetting_margin: float | None = Field(default=None, ge=0, le=1)
    inconclusive: Literal[0, 1, 3] = 3

    def record(self) -> GateRule:
        """The record that crosses rooms."""
        return GateRule(
            mode=self.mode,
            margin=self.margin,
            alpha=self.alpha,
            scorers=tuple(self.scorers),
            slices=tuple(self.slices),
            strict=self.strict,
            overfit=self.overfit,
            forgetting_margin=self.forgetting_margin,
            inconclusive=self.inconclusive,
        )


class SuiteYaml(Strict):
    """The whole file."""

    name: Text | None = None
    task: Task = "generation"
    description: str = ""
    test: Text
    train: Text | None = None
    validation: Text | None = None
    scorers: Scorers = []
    labels: Annotated[Texts, BeforeValidator(_stripped)] = []
    system: Text | None = None
    template: Text | None = None
    few_shot: int = Field(default=0, ge=0)
    generation: GenerationFile = GenerationFile()
    extract: Annotated[tuple[Extract, ...], PlainValidator(read_steps)] = ()
    slices: Texts = []
    general: bool = False
    gate: GateFile = GateFile()
    language: Language = None
    judge: Text | None = None


@dataclass(frozen=True, slots=True)
class SuiteFile:
    """A suite.yaml that was read.

    Attributes:
        config: what it says; scorers are empty where it names none.
        files: split -> file name as written; `test` always.
        template: the template, read.
        source: the file, for messages about what its rows have to do with it.
    """

    config: SuiteConfig
    files: dict[str, str]
    template: Template | None
    source: YamlFile

    def fault(self, field: str, found: str, expected: str) -> ConfigError:
        """An error about one of its fields."""
        return ConfigError(self.source.fault((field,), found, expected))


def read_suite_file(path: Path) -> SuiteFile:
    """Read and check a suite.yaml.

    Raises:
        ConfigError: every field that is wrong, a line each.
    """
    source = read_yaml(path)
    found = check(source, SuiteYaml)
    name = found.name or safe_name(path.resolve().parent.name)
    faults = list(_faults(source, found, name))
    template = judge = None
    if found.judge is not None:
        try:
            judge = parse_judge(found.judge)
        except UsageError as error:
            faults.append(source.say(("judge",), str(error)))
    if found.template is not None:
        try:
            template = parse_template(found.template)
        except TemplateError as error:
            faults.append(source.fault(("template",), *str(error).split(", expected ", 1)))
    if faults:
        raise ConfigError("\n".join(faults))
    files = {"test": found.test, "train": found.train, "validation": found.validation}
    config = SuiteConfig(
        name=name,
        task=found.task,
        description=found.description,
        scorers=tuple(found.scorers),
        labels=tuple(found.labels),
        system=found.system,
        template=found.template,
        few_shot=found.few_shot,
        generation=found.generation.record(),
        extract=found.extract,
        slices=tuple(found.slices),
        general=found.general,
        gate=found.gate.record(),
        language=found.language,
        judge=judge,
    )
    return SuiteFile(config, {s: file for s, file in files.items() if file}, template, source)


def _faults(source: YamlFile, found: SuiteYaml, name: str) -> Iterator[str]:
    """What no single field shows."""

    def fault(place: Place, found: str, expected: str) -> str:
        return source.fault(place, found, expected)

    why = name_fault(name)
    if why:
        yield fault(("name",), f"{name!r}, which {why.split('; ')[0]}", why.split("; expected ")[1])
    if found.labels and found.task != "classification":
        yield fault(("labels",), f"labels with the task {found.task}", "task: classification")
    if found.few_shot and found.train is None:
        yield fault(("few_shot",), f"{found.few_shot} without `train`", "a train file to show from")
