from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.data import DEFAULT_SCORERS, check_train_files, find_train, load_suite
from evalkit.errors import ConfigError, DataError, UsageError
from evalkit.schema import Extract, GateRule, Generation, Suite, SuiteConfig

SuiteWriter = Callable[..., Path]
Rows = Callable[..., Path]

ROWS = [{"prompt": f"p{n}", "completion": "a", "lang": "de"} for n in range(3)]
SHIPPED = Path(__file__).parents[2] / "suites"


def fault(path: Path, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_suite(path, **options)
    return str(caught.value).replace(f"{path}/", "").splitlines()


def test_a_whole_suite_file(suite: SuiteWriter) -> None:
    path = suite(
        """
        name: support-intents
        task: classification
        description: Mails.
        test: test.jsonl
        train: train.jsonl
        validation: valid.jsonl
        scorers: [accuracy, {composite: {f1: 2, accuracy: 1}}, {numeric: {tolerance: 0.01}}]
        labels: [" a ", "no"]
        system: "Label."
        template: "{prompt}"
        few_shot: 1
        generation: {top_p: 0.5, top_k: 4, max_tokens: 16, stop: ["\\n"], seed: null}
        extract: {regex: "label: (\\\\w+)"}
        slices: [lang]
        general: true
        gate: {margin: 0.02, alpha: 1e-2}
        """,
        test=ROWS,
        train=ROWS,
        valid=ROWS,
    )
    loaded = load_suite(path)
    assert loaded.config == SuiteConfig(
        name="support-intents",
        task="classification",
        description="Mails.",
        scorers=("accuracy", "composite(f1=2, accuracy=1)", "numeric(tolerance=0.01)"),
        labels=("a", "no"),
        system="Label.",
        template="{prompt}",
        few_shot=1,
        generation=Generation(0.0, 0.5, 4, 16, ("\n",), None),
        extract=(Extract("regex", r"label: (\w+)"),),
        slices=("lang",),
        general=True,
        gate=GateRule(margin=0.02, alpha=0.01),
    )
    assert list(loaded.splits) == ["test", "train", "validation"]
    assert {split: len(examples) for split, examples in loaded.splits.items()} == dict.fromkeys(
        loaded.splits, 3
    )
    assert set(loaded.hashes) == set(loaded.splits)
    assert load_suite(path / "suite.yaml") == loaded


def test_the_least_suite_file(suite: SuiteWriter) -> None:
    path = suite("test: test.jsonl", test=ROWS)
    config = load_suite(path).config
    assert config == SuiteConfig("my-suite", "generation", scorers=DEFAULT_SCORERS["generation"])


@pytest.mark.parametrize("task", DEFAULT_SCORERS)
def test_scorers_by_task(task: str, suite: SuiteWriter) -> None:
    loaded = load_suite(suite(f"task: {task}\ntest: test.jsonl", test=ROWS))
    assert loaded.config.scorers == DEFAULT_SCORERS[loaded.config.task]


def test_one_text_stands_for_a_list_of_one(suite: SuiteWriter) -> None:
    path = suite("test: test.jsonl\nscorers: f1\nslices: lang\ngeneration: {stop: '.'}", test=ROWS)
    config = load_suite(path).config
    assert (config.scorers, config.slices, config.generation.stop) == (("f1",), ("lang",), (".",))


def test_a_bare_data_file(rows: Rows) -> None:
    loaded = load_suite(rows(*ROWS, name="My data: v1.jsonl"))
    assert loaded.config.name == "My data- v1"
    assert loaded.config.task == "generation"
    assert list(loaded.splits) == ["test"]


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("test: [", [":1: broken YAML (expected the node content"]),
        ("test: a: b", [":1: broken YAML (mapping values are not allowed here)"]),
        ("test: x\n\x00", [": broken YAML (special characters are not allowed)"]),
        ("- test", [":1: found a list of 1, expected `key: value` lines"]),
        ("hello", [":1: found the text 'hello', expected `key: value` lines"]),
        ("", [":1: test: nothing, expected a value"]),
        ("test: test.jsonl\ntest: b", [":2: test: a second time (first in line 1)"]),
        ("test: test.jsonl\ngate:\n  margin: 1\n  margin: 2",
         [":4: gate.margin: a second time (first in line 3), expected once"]),
        ("test: test.jsonl\njudge: gpt-4.1",
         [":2: judge: model spec 'gpt-4.1': expected [NAME=]PROVIDER:MODEL"]),
        ("test: test.jsonl\njudge: file:answers.jsonl",
         [":2: judge: judge 'file:answers.jsonl': found completions already made, expected a"]),
        ("test: test.jsonl\ntrian: x",
         [":2: trian: an unknown field, expected a known one; did you mean 'train'?"]),
        ("test: test.jsonl\ngeneration:\n  max_token: 3",
         [":3: generation.max_token: an unknown field, expected a known one; did you "]),
        ("test: test.jsonl\ngeneration:\n  seed: 1\n  max_tokens: many",
         [":4: generation.max_tokens: the text 'many', expected an integer"]),
        ("test: test.jsonl\ngeneration: {max_tokens: 1.5}",
         [":2: generation.max_tokens: the number 1.5, expected an integer"]),
        ("test: test.jsonl\ngeneration: {max_tokens: 0}",
         [":2: generation.max_tokens: the number 0, expected 1 or more"]),
        ("test: test.jsonl\ngeneration: {seed: true}",
         [":2: generation.seed: 'true', which YAML reads as true, expected an integer"]),
        ("test: test.jsonl\ngeneration: {temperature: -1}",
         [":2: generation.temperature: the number -1, expected 0 or more"]),
        ("test: test.jsonl\ngeneration: {temperature: .nan}",
         [":2: generation.temperature: '.nan', which YAML reads as the number nan, "]),
        ("test: test.jsonl\ngeneration: {top_p: 0}",
         [":2: generation.top_p: the number 0, expected a number above 0"]),
        ("test: test.jsonl\ngeneration: 3",
         [":2: generation: the number 3, expected `key: value` lines"]),
        ("test: test.jsonl\ntask: classify",
         [":2: task: the text 'classify', expected 'qa', 'classification', "]),
        ("test: test.jsonl\ntask: classification\nlabels: [yes, NO, 1, a]",
         [":3: labels[0]: 'yes', which YAML reads as true, expected text; quote it: ",
          ":3: labels[1]: 'NO', which YAML reads as false, expected text; quote it: ",
          ':3: labels[2]: the number 1, expected text; quote it: "1"']),
        ("test: test.jsonl\nname: 2024-01-02",
         [":2: name: '2024-01-02', which YAML reads as a date, expected text; quote "]),
        ("test: test.jsonl\nname: ../x",
         [":2: name: '../x', which has characters that no file name may have, "]),
        ("test: test.jsonl\nname: con",
         [":2: name: 'con', which is a device on Windows, expected another name"]),
        ("test: test.jsonl\nlabels: [a]",
         [":2: labels: labels with the task generation, expected task: "]),
        ("test: test.jsonl\ntask: classification\nlabels: [a, ' a ']",
         [":3: labels: 'a' twice, expected each one once"]),
        ("test: test.jsonl\ntask: classification\nlabels: [a, '  ']",
         [":3: labels[1]: an empty text, expected text that is not empty"]),
        ("test: test.jsonl\nscorers: [f1, f1]",
         [":2: scorers: 'f1' twice, expected each one once"]),
        ("test: test.jsonl\nscorers: [{a: 1, b: 2}]",
         [":2: scorers[0]: an object with the keys a, b, expected text"]),
        ("test: test.jsonl\nscorers: [{a: 1}]",
         [":2: scorers[0]: an object with the key a, expected text"]),
        ("test: test.jsonl\nextract: {regex: '(a'}",
         [":2: extract: the text '(a' for the step 'regex', expected a regular expression that "]),
        ("test: test.jsonl\nextract: {}",
         [":2: extract: an empty object, expected a step such as answer, number or option, "]),
        ("test: test.jsonl\nextract: [number, {after: 3}]",
         [":2: extract: the number 3 for the step 'after', expected a step such as answer, "]),
        ("test: test.jsonl\nextract: numbr",
         [":2: extract: the step 'numbr', expected a known one; did you mean 'number'?; a "]),
        ("test: test.jsonl\nextract:\n  - after=Answer:",
         [":2: extract: the step 'after=Answer' with a colon, expected quotes around it: "]),
        ("test: test.jsonl\nextract: regex",
         [":2: extract: nothing for the step 'regex', expected a regular expression"]),
        ("test: test.jsonl\nextract: number=middle",
         [":2: extract: the text 'middle' for the step 'number', expected first or last"]),
        ("test: test.jsonl\nextract: {json: 'a..b'}",
         [":2: extract: the text 'a..b' for the step 'json', expected a path such as answer."]),
        ("test: test.jsonl\nextract: {label: {no: [false]}}",
         [":2: extract: false as another spelling of the label 'no', expected text; quote it, "]),
        ("test: test.jsonl\ngeneral: 'yes'",
         [":2: general: the text 'yes', expected true or false"]),
        ("test: test.jsonl\ngate: {mode: three way, margin: 2, inconclusive: 2, overfit: weak}",
         [":2: gate.mode: the text 'three way', expected 'three-way', 'significant-regression' or ",
          ":2: gate.margin: the number 2, expected 1 or less",
          ":2: gate.overfit: the text 'weak', expected 'strong', 'mild' or 'none'; known ",
          ":2: gate.inconclusive: the number 2, expected 0, 1 or 3"]),
        ("test: test.jsonl\nslices: [langs]",
         [":2: slices: 'langs', which no row has, expected a field of the rows; did "]),
        ("test: tst.jsonl",
         [":1: test: 'tst.jsonl', expected a file; did you mean 'test.jsonl'?"]),
        ("test: test.jsonl\n? [a, b]\n: c",
         [":2: found a key that is no text or a merge (<<), expected `name: value`"]),
        ("x: &a {test: test.jsonl}\n<<: *a",
         [":2: found a key that is no text or a merge (<<), expected `name: value`"]),
        ("test: " + "[" * 1000 + "]" * 1000, [": nested too deeply, expected a configuration"]),
        ("test: &a [*a]", [": nested too deeply, expected a configuration"]),
        ("test: !!python/object/apply:os.getcwd []", [":1: test: an empty list"]),
        ("test: !!python/name:os.getcwd x",
         [":1: broken YAML (could not determine a constructor for the tag"]),
    ],
)  # fmt: skip
def test_every_wrong_field_is_named_with_its_line(
    yaml: str, expected: list[str], suite: SuiteWriter
) -> None:
    found = fault(suite(yaml, test=ROWS))
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        short = re.sub(r"field '([^']*)':( found)? ", r"\1: ", line)
        assert short.startswith(f"suite.yaml{start}")


def test_a_bomb_of_aliases_ends_soon(suite: SuiteWriter) -> None:
    levels = "".join(f"x{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    found = fault(suite(f"test: test.jsonl\nx0: &a0 [lol]\n{levels}", test=ROWS))
    assert found[0].endswith("more than 10,000 values, expected fewer")


def test_a_date_that_no_calendar_has_is_text(suite: SuiteWriter) -> None:
    path = suite("test: test.jsonl\nname: 2024-99-99", test=ROWS)
    assert load_suite(path).config.name == "2024-99-99"


def test_a_suite_file_that_is_no_text(suite: SuiteWriter) -> None:
    path = suite("", test=ROWS)
    (path / "suite.yaml").write_bytes(b"test: test.jsonl\nname: \xe9")
    assert fault(path) == ["suite.yaml:2: found a byte that is not UTF-8, expected UTF-8"]
    (path / "suite.yaml").write_bytes("\ufefftest: test.jsonl".encode())
    assert load_suite(path).config.name == "my-suite"


def test_what_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"found a folder without suite\.yaml, expected a suite"):
        load_suite(tmp_path)
    with pytest.raises(ConfigError, match=r"no\.yaml: no such file"):
        load_suite(tmp_path / "no.yaml")
    with pytest.raises(UsageError, match="found no such file, expected a data file"):
        load_suite(tmp_path / "no.jsonl")


def test_labels_that_the_suite_does_not_have_are_named(suite: SuiteWriter) -> None:
    yaml = "task: classification\ntest: test.jsonl\ntrain: train.jsonl\nlabels: [refund, login]"
    rows = [{"prompt": "p", "completion": label} for label in ("refund", " login", "refnd", "x")]
    path = suite(yaml, test=rows, train=rows[2:3])
    with pytest.raises(DataError) as caught:
        load_suite(path)
    expected = "expected one of the suite's labels"
    assert str(caught.value).replace(f"{path}/", "").replace(
        "field 'completion': ", ""
    ).splitlines() == [
        "3 problems in the data:",
        f"test.jsonl:3: found the text 'refnd', {expected}; did you mean 'refund'?",
        f"test.jsonl:4: found the text 'x', {expected}; known are: login, refund",
        f"train.jsonl:1: found the text 'refnd', {expected}; did you mean 'refund'?",
    ]


def test_labels_that_are_not_given_come_from_the_rows(suite: SuiteWriter) -> None:
    path = suite(
        "task: classification\ntest: test.jsonl\ntrain: train.jsonl",
        test=[{"prompt": "p", "completion": " b"}, {"prompt": "q", "completion": ["a", "b"]}],
        train=[{"prompt": "p", "completion": "c"}],
    )
    assert load_suite(path).config.labels == ("a", "b", "c")


def test_problems_of_all_files_come_together(suite: SuiteWriter) -> None:
    path = suite("test: test.jsonl\ntrain: train.jsonl", test=[{}], train=[{}])
    with pytest.raises(DataError) as caught:
        load_suite(path)
    assert [line.split(":")[0][-10:] for line in str(caught.value).splitlines()[1:]] == [
        "test.jsonl", "rain.jsonl",
    ]  # fmt: skip


@pytest.fixture
def trained(suite: SuiteWriter) -> Path:
    return suite("test: test.jsonl\ntrain: train.jsonl", test=ROWS, train=ROWS, small=ROWS[:1])


def sizes(loaded: Suite) -> dict[str, int]:
    return {split: len(examples) for split, examples in loaded.splits.items()}


def test_further_training_files_become_splits(trained: Path, rows: Rows) -> None:
    other = rows(*ROWS[:2], name="elsewhere/other.jsonl")
    names = ["small.jsonl", "train.jsonl", str(other), "absent.jsonl"]
    loaded = load_suite(trained, extra_train=names)
    assert sizes(loaded) == {"test": 3, "train": 3, "small": 1, "other": 2}


def test_a_training_file_takes_the_place_of_the_suites_own(trained: Path, rows: Rows) -> None:
    other = rows(*ROWS[:2], name="elsewhere/other.jsonl")
    assert sizes(load_suite(trained, train=other)) == {"test": 3, "train": 2}
    with pytest.raises(UsageError, match="found no such file"):
        load_suite(trained, train=other.with_name("absent.jsonl"))


def test_two_training_files_of_one_name_are_refused(trained: Path, rows: Rows) -> None:
    other = rows(*ROWS, name="elsewhere/train.jsonl")
    with pytest.raises(UsageError, match="found one name, 'train', for two files"):
        load_suite(trained, extra_train=[str(other)])


def test_a_training_file_that_no_suite_has_is_refused(trained: Path, rows: Rows) -> None:
    assert find_train(trained, "small.jsonl") == trained / "small.jsonl"
    assert find_train(trained / "suite.yaml", "small.jsonl") == trained / "small.jsonl"
    assert find_train(trained, "absent.jsonl") is None
    bare = rows(*ROWS)
    check_train_files([bare, trained], ["small.jsonl", "train.jsonl"])
    with pytest.raises(UsageError, match=r"training file 'absent\.jsonl': found neither in"):
        check_train_files([bare, trained], ["small.jsonl", "absent.jsonl"])


@pytest.mark.parametrize("folder", sorted(SHIPPED.glob("*/")), ids=lambda path: path.name)
def test_the_shipped_suites_load(folder: Path, tmp_path: Path) -> None:
    loaded = load_suite(folder)
    assert loaded.config.name == folder.name
    assert len(loaded.splits["test"]) >= 300
    shutil.copytree(folder, tmp_path / folder.name)
    assert load_suite(tmp_path / folder.name).hashes == loaded.hashes


def test_fields_are_shared_and_messages_too(rows: Rows) -> None:
    lines = [
        json.dumps({"prompt": f"p{n}", "completion": "x", "lang": "deutsch"}) for n in range(2)
    ]
    one, two = load_suite(rows(*lines)).splits["test"]
    assert one.fields["lang"] is two.fields["lang"]
    assert one.messages[0].role is two.messages[0].role


DOCS = Path(__file__).parents[2] / "docs" / "suites.md"


def test_the_documented_defaults_are_the_defaults() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for task, scorers in DEFAULT_SCORERS.items():
        assert f"| `{task}` | {', '.join(f'`{scorer}`' for scorer in scorers)} |" in text


def test_the_documented_rows_and_suite_file_are_read(suite: SuiteWriter) -> None:
    text = DOCS.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.split("```json\n")[1].split("```")[0].splitlines()]
    examples = load_suite(suite("test: test.jsonl", test=rows)).splits["test"]
    assert len({(example.messages, example.references) for example in examples}) == 1
    fields = {"language": "de", "product": "x"}
    labelled = [{"prompt": f"p{n}", "completion": "other", **fields} for n in range(3)]
    yaml = text.split("```yaml\n")[1].split("```")[0]
    loaded = load_suite(suite(yaml, test=labelled, train=labelled, valid=labelled))
    assert loaded.config.few_shot == 2
