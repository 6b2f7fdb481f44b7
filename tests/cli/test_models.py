"""`evalkit models`, and what a run finds out before it asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evalkit import pipeline
from evalkit.errors import ModelError
from evalkit.pipeline import Run
from evalkit.schema import Probe, ServedModel
from tests.command_line import evalkit, write_jsonl
from tests.servers.openai_server import Server, error_reply

if TYPE_CHECKING:
    from aiohttp import web

LISTED: list[dict[str, Any]] = [
    {"id": "org/base-7b", "root": "org/base-7b", "parent": None, "max_model_len": 4096},
    {"id": "lora", "root": "/adapters/a", "parent": "org/base-7b", "deprecation": "2027-01-31"},
]


def serving(**more: Any) -> Server:
    """A base and its adapter."""
    return Server(listed=LISTED, models=["org/base-7b", "lora"], **more)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [{"prompt": f"question {i}", "completion": "yes"} for i in range(12)]
    write_jsonl(tmp_path / "data.jsonl", rows)
    return tmp_path


def run(server: Server, tuned: str = "lora", **options: Any) -> Run:
    base, adapter = (f"openai:{name}@{server.url}" for name in ("org/base-7b", tuned))
    return pipeline.run("data.jsonl", base=base, tuned=adapter, out="out", **options)


def probes(done: Run) -> dict[str, Probe]:
    return {found.model: found for found in done.record.info.probes}


def test_what_is_served_and_what_it_does(tmp_path: Path) -> None:
    with serving(ignores=["seed"]) as server:
        specs = [f"openai:{name}@{server.url}" for name in ("org/base-7b", "lora", "lorra")]
        done = evalkit("models", *specs, cwd=tmp_path)
        machine = evalkit("models", *specs[:2], "--json", cwd=tmp_path)
        listing = evalkit("models", server.url, cwd=tmp_path)
        url = server.url
    said = " ".join(done.err.split())
    assert done.code == 2  # one of them cannot be asked
    served = "as lora, adapter of org/base-7b, from /adapters/a, 4,096 tokens at most"
    assert f"{served}, switched off on 2027-01-31" in said
    assert "ignores seed" in said
    assert f"{url} does not serve 'lorra'; did you mean 'lora'?" in said
    assert f"{url} lists 2 models: org/base-7b, lora (adapter of org/base-7b)" in said
    assert machine.code == 0
    found = json.loads(machine.out)
    assert [one["served"]["context"] for one in found["models"]] == [4096, 4096]
    assert found["models"][1]["honours"]["seed"] == "ignored"
    assert list(found["endpoints"]) == [url]
    assert found["same"] == []
    assert listing.code == 0
    assert "lists 2 models" in " ".join(listing.err.split())


def test_a_server_that_refuses_everything_has_a_problem(tmp_path: Path) -> None:
    with Server(refuse=lambda *_: error_reply(400, "no such thing")) as server:
        done = evalkit("models", f"openai:some@{server.url}", "--json", cwd=tmp_path)
    assert done.code == 2
    (found,) = json.loads(done.out)["models"]
    assert found["problem"].startswith("could not be probed: ")
    assert "no such thing" in found["problem"]


def test_nothing_is_claimed_of_a_server_that_is_gone(tmp_path: Path) -> None:
    with Server() as server:
        gone = server.url
    for named in (gone, f"openai:some@{gone}"):
        done = evalkit("models", named, cwd=tmp_path)
        assert done.code == 2
        assert "no connection" in done.err
        assert "lists no models" not in done.err
        told = json.loads(evalkit("models", named, "--json", cwd=tmp_path).out)
        problems = [*told["problems"].values(), *(one["problem"] for one in told["models"])]
        assert ["no connection" in problem for problem in problems] == [True]


def test_an_address_where_no_api_begins(tmp_path: Path) -> None:
    with Server() as server:
        done = evalkit("models", server.url.removesuffix("/v1") + "/nowhere", cwd=tmp_path)
    assert done.code == 2
    assert "does not say what it lists: " in " ".join(done.err.split())


def test_two_names_for_one_model(tmp_path: Path) -> None:
    with Server(aliases={"tuned": "base"}) as server:
        specs = [f"openai:{name}@{server.url}" for name in ("base", "tuned")]
        done = evalkit("models", *specs, cwd=tmp_path)
    assert "'base' and 'tuned' are one model" in " ".join(done.err.split())
    assert done.code == 0


def test_nothing_to_look_at(tmp_path: Path) -> None:
    done = evalkit("models", cwd=tmp_path)
    assert done.code == 2
    assert "no model: name one as in `evalkit models openai:" in done.err


@pytest.mark.usefixtures("folder")
def test_a_run_writes_down_what_it_found() -> None:
    with serving(ignores=["stop", "max_tokens"]) as server:
        first = run(server)
        assert len(server.probed) == 18
        found = probes(first)
        assert found["lora"].served == ServedModel(
            "lora", "org/base-7b", "/adapters/a", 4096, "2027-01-31"
        )
        assert found["base-7b"].listed
        said = first.record.info.warnings
        assert any(w.startswith("lora: the endpoint ignores `max_tokens`") for w in said)
        assert "lora: its endpoint says that it is switched off on 2027-01-31" in said
        assert not any("`stop`" in warning for warning in said)  # no suite has any
        assert "adapter of <code>org/base-7b</code>" in first.report.read_text()
        again = run(server)  # all from the cache: nothing is asked, nothing is lost
        assert len(server.probed) == 18
        assert probes(again) == found
        assert pipeline.score("out").record.info.probes == again.record.info.probes
        assert probes(run(server, probe=False)) == {}


@pytest.mark.usefixtures("folder")
def test_a_wrong_name_ends_a_run_before_anything_is_asked() -> None:
    with serving() as server:
        with pytest.raises(ModelError, match=r"does not serve 'lorra'; did you mean 'lora'\?"):
            run(server, "lorra")
        assert not server.asked


@pytest.mark.usefixtures("folder")
def test_no_chat_template_ends_a_run_before_anything_is_asked() -> None:
    def refuse(_: web.Request, body: dict[str, Any]) -> web.Response | None:
        told = "default chat template is no longer allowed, so you must provide a chat template"
        return error_reply(400, told) if "messages" in body else None

    with Server(refuse=refuse) as server:
        with pytest.raises(ModelError, match=r"give it `mode: completions` in evalkit\.yaml"):
            run(server)
        assert not server.asked


@pytest.mark.usefixtures("folder")
def test_a_probe_that_fails_never_fails_a_run() -> None:
    with Server(probe_fault="500") as server:
        done = run(server)
    assert done.missing == 0
    assert any("could not be probed" in warning for warning in done.record.info.warnings)


def test_a_dry_run_asks_nothing_and_knows_what_the_cache_holds(folder: Path) -> None:
    with Server() as server:
        (folder / "evalkit.yaml").write_text(
            f"endpoints: {{here: {{base_url: '{server.url}', api_key_env: NOT_SET}}}}\n"
            "models:\n"
            "  base: {model: base, endpoint: here, price: {input: 1000, output: 4000}}\n"
            "  tuned: {model: tuned, endpoint: here, tuned_from: base}\n"
        )
        words = ("run", "data.jsonl", "--limit", "10")
        before = evalkit(*words, "--dry-run", "--json", cwd=folder)
        assert before.code == 0, before.err
        assert not server.asked
        assert not server.probed
        assert not (folder / ".evalkit").exists()
        done = evalkit(*words, "--out", "out", cwd=folder, env={"NOT_SET": "key"})
        assert done.code == 0, done.err
        sent = len(server.asked)
        after = evalkit("run", "data.jsonl", "--dry-run", "--json", cwd=folder)
        shown = evalkit("run", "data.jsonl", "--dry-run", cwd=folder)
        assert len(server.asked) == sent
    base, tuned = json.loads(before.out)
    assert (base["questions"], base["cached"], base["basis"]) == (10, 0, "length of the text")
    assert base["prompt_tokens"] == round(10 * (len("question 1") / 4 + 4))
    assert base["most_completion_tokens"] == 10 * 256
    expected = (base["prompt_tokens"] * 1000 + base["completion_tokens"] * 4000) / 1e6
    assert base["cost"] == pytest.approx(expected)
    assert base["cost"] < base["most_cost"]
    assert (tuned["cost"], tuned["most_cost"]) == (None, None)
    base, _ = json.loads(after.out)
    assert (base["questions"], base["cached"], base["basis"]) == (12, 10, "answers in the cache")
    assert (base["prompt_tokens"], base["completion_tokens"]) == (4, 6)  # two questions are left
    said = " ".join(shown.err.split())
    assert "Nothing was asked." in said
    assert "where no price is known" in said
