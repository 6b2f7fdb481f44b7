"""`local:` with the real weights: the embedded trio, and folders that are no checkpoint."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit import embedded
from evalkit.errors import ModelError
from evalkit.models import open_provider
from evalkit.models.local import LocalProvider, open_local
from evalkit.models.prompts import cut
from evalkit.schema import Answer, Failure, Generation, Likelihood, Message, ModelSpec, Request

SYSTEM = Message("system", "Answer with the name, symbol or number only.")
GREEDY = Generation(max_tokens=24, stop=("\n",))


def spec(model: str, **fields: Any) -> ModelSpec:
    return replace(ModelSpec(name="arm", provider="local", model=model, role="base"), **fields)


def request(prompt: str, generation: Generation = GREEDY) -> Request:
    messages = (SYSTEM, Message("user", prompt))
    return Request("suite", "test", prompt, prompt, messages, generation)


def ask(provider: LocalProvider, *requests: Request) -> list[Answer]:
    outcomes = asyncio.run(provider.complete(requests))
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    assert len(answers) == len(requests)
    return answers


@pytest.fixture(scope="module")
def tuned() -> Iterator[LocalProvider]:
    provider = open_local(spec("tuned"))
    yield provider
    asyncio.run(provider.close())


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A copy of an embedded model, as a user's folder."""
    return Path(shutil.copytree(embedded.weights_folder("tuned"), tmp_path / "mine"))


def questions() -> list[Request]:
    lines = (embedded.suite_folders()["world-facts"] / "test.jsonl").read_text().splitlines()
    return [request(json.loads(line)["prompt"]) for line in lines[:40]]


def test_registry_opens_it() -> None:
    provider = open_provider(spec("tuned"))
    assert isinstance(provider, LocalProvider)
    assert (provider.endpoint, provider.cacheable) == ("local", True)


def test_answers_from_weights(tuned: LocalProvider) -> None:
    known = [
        request(f"What is the capital of {country}?") for country in ("Peru", "Japan", "Kenya")
    ]
    answers = ask(tuned, *known)
    assert {answer.text for answer in answers} & {"Lima", "Tokyo", "Nairobi"}
    assert {answer.finish_reason for answer in answers} == {"stop"}
    assert {answer.served_model for answer in answers} == {"tuned"}


def test_tokens_are_counted(tuned: LocalProvider) -> None:
    (short,) = ask(tuned, request("What is the capital of Peru?"))
    (long,) = ask(tuned, request("What is the capital of Peru, the country in South America?"))
    assert short.prompt_tokens is not None
    assert long.prompt_tokens is not None
    assert long.prompt_tokens > short.prompt_tokens > 10
    assert short.completion_tokens is not None
    assert 1 <= short.completion_tokens <= 24


def test_answer_does_not_depend_on_its_batch(tuned: LocalProvider) -> None:
    alone = [ask(tuned, each)[0] for each in questions()]
    assert ask(tuned, *questions()) == alone
    assert ask(tuned, *reversed(questions())) == alone[::-1]


def test_different_parameters_in_one_call_keep_their_order(tuned: LocalProvider) -> None:
    one = request("What is the capital of Peru?")
    other = replace(one, generation=replace(GREEDY, max_tokens=1))
    answers = ask(tuned, one, other, one)
    assert answers[0] == answers[2]
    assert answers[1].completion_tokens == 1


def test_max_tokens_ends_an_answer(tuned: LocalProvider) -> None:
    (answer,) = ask(tuned, request("Who wrote Don Quixote?", Generation(max_tokens=1)))
    assert answer.completion_tokens == 1
    assert answer.finish_reason == "length"


def test_stop_is_not_part_of_the_answer() -> None:
    base = open_local(spec("base", mode="completions"))
    story = replace(request("x"), messages=(Message("user", "The capital of Peru is"),))
    free = Generation(max_tokens=30)
    (whole,) = ask(base, replace(story, generation=free))
    assert "." in whole.text
    (stopped,) = ask(base, replace(story, generation=replace(free, stop=(".",))))
    assert stopped.text == whole.text[: whole.text.index(".")]
    assert stopped.finish_reason == "stop"
    assert stopped.completion_tokens is not None
    assert whole.completion_tokens is not None
    assert stopped.completion_tokens < whole.completion_tokens


def test_stop_of_several_tokens_is_found_in_the_text() -> None:
    assert cut("one END two", ("END", "two")) == "one "
    assert cut("one", ("END",)) == "one"
    assert cut("", ("END",)) == ""


def test_samples_follow_from_the_seed(tuned: LocalProvider) -> None:
    def sampled(seed: int | None) -> list[str]:
        generation = replace(GREEDY, temperature=2.0, top_p=0.95, seed=seed)
        return [
            answer.text for answer in ask(tuned, *(replace(q, generation=generation) for q in few))
        ]

    few = questions()[:10]
    assert sampled(1) == sampled(1)
    assert sampled(1) != sampled(2)
    assert sampled(1) != [answer.text for answer in ask(tuned, *few)]


def test_samples_without_a_seed(tuned: LocalProvider) -> None:
    generation = replace(GREEDY, temperature=1.0, seed=None)
    assert len(ask(tuned, *(replace(q, generation=generation) for q in questions()))) == 40


def test_chat_is_rendered_by_the_checkpoint(tuned: LocalProvider) -> None:
    assert tuned.prompt_key(request("Why?")) == f"<|begin|>{SYSTEM.content}\nQ: Why?\nA:"


def test_completions_are_plain_text() -> None:
    provider = open_local(spec("base", mode="completions"))
    assert provider.prompt_key(request("Why?")) == f"{SYSTEM.content}\n\nWhy?"
    plain = replace(request("x"), messages=(Message("user", ""),))
    (answer,) = ask(provider, plain)
    assert answer.prompt_tokens == 1


def test_identity_tells_models_and_modes_apart() -> None:
    identities = [open_local(spec(name)).identity for name in embedded.MODELS]
    identities.append(open_local(spec("base", mode="completions")).identity)
    assert len(set(identities)) == 4
    assert identities[0] == open_local(spec("base")).identity


def test_identity_changes_with_the_files(checkpoint: Path) -> None:
    before = open_local(spec(str(checkpoint))).identity
    assert before == open_local(spec("tuned")).identity
    settings = checkpoint / "tokenizer_config.json"
    settings.write_text(settings.read_text().replace("Q: ", "Question: "))
    assert open_local(spec(str(checkpoint))).identity != before


def likelihoods(provider: LocalProvider, asked: Request, *texts: str) -> list[Likelihood]:
    answers = ask(provider, *(replace(asked, scored=text) for text in texts))
    return [answer.likelihood for answer in answers if answer.likelihood is not None]


def by_hand(provider: LocalProvider, whole: str, *, special: bool = False) -> list[float]:
    """Log-probabilities of all tokens but the first, from the logits of a whole text."""
    tokens = provider._tokenizer.encode(whole, add_special_tokens=special)
    logits = np.array(provider._generator.forward_batch([tokens.tokens]), dtype=np.float64)[0]
    normal = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return [float(normal[i, number]) for i, number in enumerate(tokens.ids[1:])]


def test_log_probabilities_are_those_of_the_logits(tuned: LocalProvider) -> None:
    asked = request("What is the capital of Peru?")
    for text in ("Lima", "zebra zebra", "Ñandú 🦙"):
        (found,) = likelihoods(tuned, asked, text)
        before, whole = (
            by_hand(tuned, f"{tuned.prompt_key(asked)}{end}") for end in ("", f" {text}")
        )
        rest = whole[len(before) :]
        assert found.text == text
        assert found.tokens == len(rest) > 0
        assert found.logprob == pytest.approx(math.fsum(rest), abs=1e-3)


def test_what_it_answers_is_likelier_than_nonsense(tuned: LocalProvider) -> None:
    asked = request("What is the capital of Peru?")
    (answer,) = ask(tuned, asked)
    own, nonsense, nothing = likelihoods(tuned, asked, answer.text, "zebra zebra", "")
    assert 0 >= own.logprob > nonsense.logprob
    assert nothing == Likelihood("", 0.0, 0)


def test_text_that_continues_plain_text_follows_a_space() -> None:
    base = open_local(spec("base", mode="completions"))
    for prompt in ("The capital of Peru is", "The capital of Peru is "):
        asked = replace(request("x"), messages=(Message("user", prompt),))
        (found,) = likelihoods(base, asked, "Lima")
        before = by_hand(base, "The capital of Peru is", special=True)
        whole = by_hand(base, "The capital of Peru is Lima", special=True)
        assert found.logprob == pytest.approx(math.fsum(whole[len(before) :]), abs=1e-3)


def test_log_probabilities_and_answers_in_one_call_keep_their_order(tuned: LocalProvider) -> None:
    asked = request("What is the capital of Peru?")
    scored = replace(asked, scored="Lima")
    first, answer, last = ask(tuned, scored, asked, scored)
    assert first == last
    assert (first.text, answer.likelihood) == ("", None)


def test_log_probabilities_do_not_depend_on_their_batch(tuned: LocalProvider) -> None:
    asked = [replace(each, scored="Lima or so") for each in questions()[:20]]
    together = [answer.likelihood for answer in ask(tuned, *asked)]
    assert together == [ask(tuned, each)[0].likelihood for each in asked]


def test_a_template_without_answers_gives_no_log_probabilities(checkpoint: Path) -> None:
    (checkpoint / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    provider = open_local(spec(str(checkpoint)))
    (outcome,) = asyncio.run(provider.complete([replace(request("Why?"), scored="So")]))
    assert isinstance(outcome, Failure)
    assert outcome.kind == "unsupported"
    assert "does not show what was answered" in outcome.message


def test_folder_of_ones_own_answers_alike(tuned: LocalProvider, checkpoint: Path) -> None:
    mine = open_local(spec(str(checkpoint)))
    texts = [answer.text for answer in ask(mine, *questions())]
    assert texts == [answer.text for answer in ask(tuned, *questions())]


def test_chat_template_in_a_file_of_its_own(checkpoint: Path) -> None:
    (checkpoint / "chat_template.jinja").write_text("{{ messages[-1]['content'] }} ->")
    assert open_local(spec(str(checkpoint))).prompt_key(request("Why?")) == "Why? ->"


def test_chat_template_of_several_names(checkpoint: Path) -> None:
    settings = {
        "bos_token": {"content": "<|begin|>"},
        "chat_template": [{"name": "default", "template": "{{ bos_token }}!"}],
    }
    (checkpoint / "tokenizer_config.json").write_text(json.dumps(settings))
    assert open_local(spec(str(checkpoint))).prompt_key(request("Why?")) == "<|begin|>!"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ raise_exception('only user turns') }}", "only user turns"),
        ("{% if %}", "chat template of this checkpoint"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ messages.append(1) }}", "unsafe"),
    ],
)
def test_hostile_or_broken_template(checkpoint: Path, template: str, told: str) -> None:
    (checkpoint / "chat_template.jinja").write_text(template)
    provider = open_local(spec(str(checkpoint)))
    with pytest.raises(ModelError, match=told):
        asyncio.run(provider.complete([request("Why?")]))


def test_without_template_completions_are_the_default(checkpoint: Path) -> None:
    (checkpoint / "tokenizer_config.json").unlink()
    provider = open_local(spec(str(checkpoint)))
    assert provider.prompt_key(request("Why?")).endswith("\n\nWhy?")
    with pytest.raises(ModelError, match=r"has no chat template.*mode: completions"):
        open_local(spec(str(checkpoint), mode="chat"))


def broken(change: Callable[[Path], object], folder: Path) -> str:
    change(folder)
    with pytest.raises(ModelError) as caught:
        open_local(spec(str(folder)))
    return str(caught.value)


def test_unknown_name() -> None:
    with pytest.raises(ModelError, match="did you mean 'tuned'"):
        open_local(spec("tunned"))


def test_unconverted_checkpoint(checkpoint: Path) -> None:
    told = broken(lambda folder: (folder / "model.bin").unlink(), checkpoint)
    assert "has no model.bin" in told
    assert f"ct2-transformers-converter --model {checkpoint}" in told


def test_adapter(checkpoint: Path) -> None:
    (checkpoint / "adapter_config.json").write_text("{}")
    told = broken(lambda folder: (folder / "model.bin").unlink(), checkpoint)
    assert "merged" in told
    assert "docs/local-models.md" in told


def test_missing_tokenizer(checkpoint: Path) -> None:
    told = broken(lambda folder: (folder / "tokenizer.json").unlink(), checkpoint)
    assert "has no tokenizer.json" in told
    assert "copy" in told


def test_broken_tokenizer(checkpoint: Path) -> None:
    told = broken(lambda folder: (folder / "tokenizer.json").write_text("{}"), checkpoint)
    assert "is no tokenizer" in told


def test_broken_weights(checkpoint: Path) -> None:
    told = broken(lambda folder: (folder / "model.bin").write_bytes(b"nonsense"), checkpoint)
    assert "is no converted checkpoint" in told


@pytest.mark.parametrize(("text", "told"), [("{", "no valid JSON"), ("[]", "found a list")])
def test_broken_settings(checkpoint: Path, text: str, told: str) -> None:
    told_really = broken(
        lambda folder: (folder / "tokenizer_config.json").write_text(text), checkpoint
    )
    assert told in told_really


@pytest.mark.parametrize("module", ["ctranslate2", "tokenizers"])
def test_missing_extra(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModelError, match="pip install ctranslate2 tokenizers"):
        open_local(spec("tuned"))
