from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.data import parse_model, safe_name
from evalkit.data.spec import LONGEST_NAME, name_fault
from evalkit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "name", "provider", "model", "base_url"),
    [
        ("openai:gpt-4o-mini", "gpt-4o-mini", "openai", "gpt-4o-mini", None),
        ("local:base", "base", "local", "base", None),
        ("openai:Qwen/Qwen3-0.6B", "Qwen3-0.6B", "openai", "Qwen/Qwen3-0.6B", None),
        ("tuned=openai:m@http://h:8000/v1", "tuned", "openai", "m", "http://h:8000/v1"),
        ("openai:a/b@HTTPS://h/v1", "b", "openai", "a/b", "HTTPS://h/v1"),
        ("openai:m@main@http://h/v1", "m-main", "openai", "m@main", "http://h/v1"),
        ("openai:m@main", "m-main", "openai", "m@main", None),
        ("ft=openai:ft:gpt-4o:org::id", "ft", "openai", "ft:gpt-4o:org::id", None),
        ("openai:ft:gpt-4o:org::id", "ft-gpt-4o-org-id", "openai", "ft:gpt-4o:org::id", None),
        ("openai:org/model:free", "model-free", "openai", "org/model:free", None),
        ("openai:a=b", "a-b", "openai", "a=b", None),
        (r"local:C:\models\merged", "merged", "local", r"C:\models\merged", None),
        ("local:./out/checkpoint-500/", "checkpoint-500", "local", "./out/checkpoint-500/", None),
        ("file:runs/a.b.jsonl", "a.b", "file", "runs/a.b.jsonl", None),
        ("file:a.jsonl.gz", "a", "file", "a.jsonl.gz", None),
        ("file:r/completions.jsonl#m", "m", "file", "r/completions.jsonl#m", None),
        ("file:..", "file", "file", "..", None),
        (" my-lab_2:x ", "x", "my-lab_2", "x", None),
        ("Größe=openai:x", "Größe", "openai", "x", None),
        ("openai:m@http://[::1]:8000/v1", "m", "openai", "m", "http://[::1]:8000/v1"),
        ("openai:m@https://h/v1?api-version=1", "m", "openai", "m", "https://h/v1?api-version=1"),
    ],
)
def test_specs(text: str, name: str, provider: str, model: str, base_url: str | None) -> None:
    spec = parse_model(text, "tuned")
    assert (spec.name, spec.provider, spec.model, spec.base_url) == (
        name,
        provider,
        model,
        base_url,
    )
    assert spec.role == "tuned"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "model spec '': expected [NAME=]PROVIDER:MODEL[@BASE_URL]"),
        ("gpt-4o", "did you mean openai:gpt-4o?"),
        ("x=gpt-4o", "did you mean x=openai:gpt-4o?"),
        ("openai:", "found no model"),
        ("openai:@http://h/v1", "found no model"),
        ("OpenAI:x", "found the provider 'OpenAI', expected a word in small letters"),
        (r"C:\models\x", r"did you mean 'local:C:\models\x'?"),
        ("http://h:8000/v1", "found an address alone, expected a model before it"),
        ("=openai:x", "the name '' is empty; expected a name"),
        ("=2+3=file:t", "the name '=2+3' has characters that no file name may have; expected one"),
        ("a=b=openai:x", "expected one such as a-b"),
        ("../x=openai:x", "the name '../x' has characters that no file name may have"),
        ("a\nb=openai:x", r"the name 'a\nb' has characters that no file name may have"),
        ("a\u202eb=openai:x", "expected one such as a-b"),
        (".x=openai:x", "the name '.x' begins or ends with a space, dot or dash; expected x"),
        ("CON=openai:x", "the name 'CON' is a device on Windows"),
        ("con.txt=openai:x", "the name 'con.txt' is a device on Windows"),
        ("x" * 81 + "=openai:x", "has 81 characters; expected at most 80"),
        (
            "openai:m@http://",
            "found no address of a server, expected one such as http://localhost:8000/v1",
        ),
        (
            "openai:m@http://h:99999/",
            "found no address of a server, expected one such as http://localhost:8000/v1",
        ),
        (
            "openai:m@http://a b/",
            "found no address of a server, expected one such as http://localhost:8000/v1",
        ),
        (
            "openai:m@http://[::1/",
            "found no address of a server, expected one such as http://localhost:8000/v1",
        ),
    ],
)
def test_what_cannot_be_meant(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_model(text, "base")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "openai:m@https://user:SECRET@host/v1",
        "openai:m@https://SECRET@host/v1",
        "openai:m@https://host/v1?api_key=SECRET",
        "openai:m@https://host/v1?x=1&access_token=SECRET",
        "openai:@https://u:SECRET@host/v1",
        "../=openai:m@https://u:SECRET@host/v1",
        "https://u:SECRET@host/v1",
    ],
)
def test_secrets_are_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_model(text, "base")
    assert "SECRET" not in str(caught.value)


@given(st.text())
def test_any_text_has_a_safe_name(text: str) -> None:
    name = safe_name(text)
    assert name_fault(name) is None
    assert len(name) <= LONGEST_NAME
    assert safe_name(name) == name


@given(st.text(min_size=1).map(lambda text: "openai:" + text))
def test_any_model_gets_a_valid_name_or_a_clear_error(text: str) -> None:
    try:
        spec = parse_model(text, "base")
    except UsageError:
        return
    assert name_fault(spec.name) is None


@pytest.mark.parametrize(
    "address",
    ["localhost:8000/v1", "localhost", "127.0.0.1:80", "[::1]:8000/v1", "htp://h/v1", "ftp://h",
     "host.example:8000", "host.example/v1", "http:/gpu01:8000/v1", "//gpu01:8000/v1", "http//g/v1",
     "HTTPS//x/v1", "gpu01.lan", "api.example.com/openai", "x//y"],
)  # fmt: skip
def test_an_address_without_http_is_no_part_of_a_models_name(address: str) -> None:
    # Taken for a name, it would send prompts and key to the default server.
    with pytest.raises(UsageError, match="with http:// or https://"):
        parse_model(f"openai:m@{address}", "tuned")


@pytest.mark.parametrize(
    "spec",
    ["openai:org/model@main", "openai:m@v1.0", "openai:m@2024-06-20", "openai:m@20240620",
     "openai:a@b@c", "file:runs/out@gpu01.lan", "local:C:/models/m@v2.final"],
)  # fmt: skip
def test_a_revision_is_part_of_a_models_name(spec: str) -> None:
    found = parse_model(spec, "base")
    assert found.base_url is None
    assert found.model == spec.partition(":")[2]
