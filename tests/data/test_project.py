from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit.data import Project, load_project
from evalkit.errors import ConfigError
from evalkit.schema import GateRule, ModelSpec, Price

Writer = Callable[[str], Path]


@pytest.fixture
def project(tmp_path: Path) -> Writer:
    def write(yaml: str) -> Path:
        path = tmp_path / "evalkit.yaml"
        path.write_text(yaml, encoding="utf-8")
        return path

    return write


def faults(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_project(path)
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


def test_a_whole_project_file(project: Writer, tmp_path: Path) -> None:
    for name in ("suites/a", "models/merged"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("answers.jsonl", "b.csv", "train.jsonl"):
        (tmp_path / name).touch()
    path = project("""
        endpoints:
          vllm:
            provider: openai
            base_url: http://localhost:8000/v1
            api_key_env: VLLM_API_KEY
          cloud: {}
        models:
          base: {model: "openai:Qwen/Qwen3-0.6B", endpoint: vllm, mode: chat}
          tuned: {model: my-adapter, endpoint: vllm, tuned_from: base, train: train.jsonl}
          cloud:
            model: ft:gpt-4o:org::id
            endpoint: cloud
            tuned_from: base
            train: inside.jsonl
          other:
            model: openai:m@http://h/v1
            endpoint: vllm
            api_key_env: OTHER
            mode: completions
          stored: {model: "file:answers.jsonl"}
          merged: {model: "local:models/merged"}
          embedded: {model: "local:base"}
        suites: [suites/a, b.csv]
        cache: .cache
        seed: 0
        concurrency: 8
        timeout: 30
        max_seconds: 0.5
        max_cost: 5
        limit: 100
        gate: {mode: significant-regression, margin: 0.1, scorers: f1, slices: [lang],
               strict: true, overfit: mild, forgetting_margin: 0.2, inconclusive: 0}
        """)
    loaded = load_project(path)
    url = "http://localhost:8000/v1"
    assert loaded == Project(
        models=(
            ModelSpec("base", "openai", "Qwen/Qwen3-0.6B", "base", url, "chat",
                      api_key_env="VLLM_API_KEY"),
            ModelSpec("tuned", "openai", "my-adapter", "tuned", url, tuned_from="base",
                      train=str(tmp_path / "train.jsonl"), api_key_env="VLLM_API_KEY"),
            ModelSpec("cloud", "openai", "ft:gpt-4o:org::id", "tuned", tuned_from="base",
                      train="inside.jsonl"),
            ModelSpec("other", "openai", "m", "base", "http://h/v1", "completions",
                      api_key_env="OTHER"),
            ModelSpec("stored", "file", str(tmp_path / "answers.jsonl"), "base"),
            ModelSpec("merged", "local", str(tmp_path / "models/merged"), "base"),
            ModelSpec("embedded", "local", "base", "base"),
        ),
        suites=(tmp_path / "suites/a", tmp_path / "b.csv"),
        cache=tmp_path / ".cache",
        seed=0,
        concurrency=8,
        timeout=30.0,
        max_seconds=0.5,
        max_cost=5.0,
        limit=100,
        gate=GateRule("significant-regression", 0.1, scorers=("f1",), slices=("lang",),
                      strict=True, overfit="mild", forgetting_margin=0.2, inconclusive=0),
    )  # fmt: skip
    assert load_project(tmp_path) == loaded


def test_a_silent_project_file_is_the_default(project: Writer) -> None:
    assert load_project(project("# nothing yet\n")) == Project()


@pytest.mark.parametrize(
    ("yaml", "expected"),
    [
        ("modles: {}", [":1: modles: an unknown field, expected a known one; did you "]),
        ("models:\n  base: openai:x", [":2: models.base: the text 'openai:x', expected "]),
        ("models:\n  base:\n    modle: x",
         [":2: models.base.model: nothing, expected a value",
          ":3: models.base.modle: an unknown field, expected a known one; did you "]),
        ("endpoints: {e: {url: x}}",
         [":1: endpoints.e.url: an unknown field, expected a known one; known are: api_key"]),
        ("models: {b: {model: 'openai:x', mode: chats}}",
         [":1: models.b.mode: the text 'chats', expected 'chat' or 'completions'; did "]),
        ("endpoints: {vllm: {}}\nmodels:\n  b: {model: 'openai:x', endpoint: vlm}",
         [":3: models.b.endpoint: 'vlm', expected an endpoint; did you mean 'vllm'?"]),
        ("models:\n  base: {model: 'openai:x'}\n  t: {model: 'openai:y', tuned_from: bse}",
         [":3: models.t.tuned_from: 'bse', expected a base model; did you mean "]),
        ("models:\n  t: {model: 'openai:y', tuned_from: t}",
         [":2: models.t.tuned_from: 't', expected a base model; none are known here"]),
        ("models:\n  b: {model: gpt-4o}",
         [":2: models.b.model: model spec 'b=gpt-4o': expected [NAME=]PROVIDER"]),
        ("models:\n  a/b: {model: 'openai:x'}",
         [":2: models.a/b: a model name that has characters that no file name may "]),
        ("suites:\n- nope",
         [":2: suites[0]: 'nope', which is not there, expected a suite folder or a"]),
        ("limit: 0\nconcurrency: x\nseed: -1",
         [":3: seed: the number -1, expected 0 or more",
          ":2: concurrency: the text 'x', expected an integer",
          ":1: limit: the number 0, expected 1 or more"]),
        ("endpoints: {vllm: {}}\njudge: {model: qwen, endpoint: vlm}",
         [":2: judge.endpoint: 'vlm', expected an endpoint; did you mean 'vllm'?",
          ":2: judge.model: model spec 'qwen': expected [NAME=]PROVIDER"]),
        ("judge: file:answers.jsonl",
         [":1: judge.model: judge 'file:answers.jsonl': found completions already made, exp"]),
        ("judge: {model: 'openai:x', tuned_from: y}",
         [":1: judge.tuned_from: an unknown field, expected a known one; "]),
        ("endpoints: {e: {base_url: 'nowhere'}}",
         [":1: endpoints.e.base_url: no address of a server, "]),
    ],
)  # fmt: skip
def test_every_wrong_field_is_named_with_its_line(
    yaml: str, expected: list[str], project: Writer
) -> None:
    found = faults(project(yaml))
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        short = re.sub(r"field '([^']*)':( found)? ", r"\1: ", line)
        assert short.startswith(f"evalkit.yaml{start}")


@pytest.mark.parametrize(
    "yaml",
    [
        "endpoints: {e: {api_key_env: sk-proj-SECRET}}",
        "endpoints: {e: {api_key_env: hf_SECRETsecret}}",
        "endpoints: {e: {api_key: SECRET}}",
        "endpoints: {e: {base_url: 'https://user:SECRET@host/v1'}}",
        "models: {m: {model: 'openai:x', api_key_env: sk-SECRET}}",
        "models: {m: {model: 'openai:x', api_key: SECRET}}",
        "models: {m: {model: 'openai:x@https://u:SECRET@host/v1'}}",
        "api_key: SECRET",
        "seed: sk-SECRETSECRETSECRET",
        "models: {m: {model: 'openai:x', mode: sk-proj-SECRETSECRET}}",
        "endpoints: {e: {provider: sk-proj-SECRETSECRET}}",
    ],
)
def test_secrets_are_refused_and_never_repeated(yaml: str, project: Writer) -> None:
    assert not any("SECRET" in line for line in faults(project(yaml)))


def test_a_key_in_place_of_its_variable_is_told_where_to_go(project: Writer) -> None:
    [line] = faults(project("endpoints:\n  e:\n    api_key_env: sk-proj-abc\n"))
    assert line.startswith("evalkit.yaml:3: field 'endpoints.e.api_key_env': found something that")
    assert "the name of an environment variable in capitals, such as OPENAI_API_KEY" in line


def test_no_project_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"evalkit\.yaml: no such file"):
        load_project(tmp_path)
    (tmp_path / "evalkit.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"evalkit\.yaml: cannot be read \("):
        load_project(tmp_path)


def test_a_judge_in_one_word_and_spelled_out(project: Writer) -> None:
    short = load_project(project("judge: openai:org/qwen@http://localhost:8001/v1")).judge
    assert short == ModelSpec("qwen", "openai", "org/qwen", "judge", "http://localhost:8001/v1")
    whole = load_project(
        project("""
        endpoints: {vllm: {base_url: "http://localhost:8001/v1", api_key_env: VLLM_API_KEY}}
        judge:
          model: strict=org/qwen
          endpoint: vllm
          mode: chat
          price: {input: 1, output: 2}
    """)
    ).judge
    assert whole == ModelSpec(
        "strict", "openai", "org/qwen", "judge", "http://localhost:8001/v1", "chat",
        api_key_env="VLLM_API_KEY", price=Price(1, 2, "evalkit.yaml"),
    )  # fmt: skip


def test_fields_that_every_request_has_besides(project: Writer) -> None:
    found = load_project(
        project("""
        endpoints: {vllm: {extra_body: {b: [1.5], a: {think: false}}}}
        models:
          base: {model: m, endpoint: vllm}
          own: {model: n, endpoint: vllm, tuned_from: base, extra_body: {b: null}}
          none: {model: "openai:o", tuned_from: base}
        judge: {model: j, endpoint: vllm}
    """)
    )
    asked = {model.name: model.extra_body for model in found.models}
    inherited = '{"a": {"think": false}, "b": [1.5]}'
    assert asked == {"base": inherited, "own": '{"a": {"think": false}, "b": null}', "none": ""}
    assert found.judge is not None
    assert found.judge.extra_body == inherited


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("{temperature: 1}", "'temperature', which evalkit sends itself, expected it in `gener"),
        ("{model: x}", "'model', which evalkit sends itself, expected it in `model`"),
        ("{since: 2026-01-01}", "a value that JSON does not have, expected texts, numbers, "),
        ("{a: .nan}", "a value that JSON does not have, expected texts, numbers, "),
    ],
)
def test_fields_that_no_request_can_have_besides(
    fields: str, expected: str, project: Writer
) -> None:
    (found,) = faults(project(f"endpoints: {{e: {{extra_body: {fields}}}}}"))
    assert f"field 'endpoints.e.extra_body': found {expected}" in found


def test_what_sends_no_requests_has_nothing_besides(project: Writer) -> None:
    (found,) = faults(project("models: {m: {model: 'local:base', extra_body: {a: 1}}}"))
    assert "`extra_body` for `local:`, which sends no requests" in found


def test_a_price_of_ones_own(project: Writer) -> None:
    path = project("models: {a: {model: 'openai:a', price: {input: 0.15, output: 0}}}")
    assert load_project(path).models[0].price == Price(0.15, 0.0, "evalkit.yaml")


def test_a_price_that_cannot_be_meant(project: Writer) -> None:
    path = project("models: {a: {model: 'openai:a', price: {input: -1, outptu: 2}}}")
    said = "\n".join(faults(path))
    assert "evalkit.yaml:1" in said
    assert "did you mean 'output'?" in said
    assert "price.input" in said
