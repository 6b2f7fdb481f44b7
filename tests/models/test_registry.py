from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.errors import ModelError, UsageError
from evalkit.models import Provider, open_provider, registry
from evalkit.schema import ModelSpec


def spec(provider: str, model: str = "m") -> ModelSpec:
    return ModelSpec(name="arm", provider=provider, model=model, role="base")


def test_unknown_provider_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'arm'.*'opnai'; did you mean 'openai'\?"):
        open_provider(spec("opnai"))


def test_file_needs_a_reader(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="row reader"):
        open_provider(spec("file", str(tmp_path / "x.jsonl")))


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with a provider, as an entry point finds it."""
    (tmp_path / "shouting.py").write_text(
        "class Shouting:\n"
        "    def __init__(self, spec):\n"
        "        self.endpoint, self.identity = spec.provider, spec.model\n"
    )
    info = tmp_path / "shouting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[evalkit.providers]\nshouting = shouting:Shouting\nbroken = shouting:nothing_there\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("third_party")
def test_third_party_is_found_by_entry_point() -> None:
    provider = open_provider(spec("shouting", "x"))
    assert (provider.endpoint, provider.identity) == ("shouting", "x")


@pytest.mark.usefixtures("third_party")
def test_third_party_that_cannot_be_loaded_is_named() -> None:
    with pytest.raises(ModelError, match=r"'broken' \(shouting:nothing_there\).*AttributeError"):
        open_provider(spec("broken"))


def test_errors_of_evalkit_pass_through_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, value = "x", "x:y"

        def load(self) -> Provider:
            raise ModelError("needs a licence")

    monkeypatch.setattr(registry, "entry_points", lambda **_: [Entry()])
    with pytest.raises(ModelError, match="needs a licence"):
        open_provider(spec("x"))


def test_importing_models_loads_no_client_library() -> None:
    code = (
        "import sys, evalkit.models, evalkit.runner;"
        "print([m for m in ('openai', 'aiohttp', 'rich', 'ctranslate2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
