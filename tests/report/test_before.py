"""What is said on a terminal before anything is asked."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from evalkit.report.before import SHOWN_MODELS, estimates_text, models_text
from evalkit.report.text import NOTHING
from evalkit.schema import Estimate, Looked, Probe, ServedModel
from tests.report.hostile import EVIL

if TYPE_CHECKING:
    from rich.console import RenderableType


def plain(part: RenderableType, width: int = 80) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(part)
    return file.getvalue()


def one(model: str, *, cost: float | None, basis: str = "length of the text") -> Estimate:
    return Estimate(model, "support", "test", 1200, 200, 45_000, 9_000, 256_000, basis, cost, cost)


def test_an_estimate_fits_a_narrow_terminal_and_ends_with_sums() -> None:
    text = plain(estimates_text([one("base", cost=0.25), one("tuned", cost=0.5)] * 2))
    lines = text.splitlines()
    assert lines[0].split() == [
        "suite", "split", "model", "asked", "cached", "tokens", "in", "out", "about", "at", "most",
    ]  # fmt: skip
    assert lines[1].split() == [
        "support", "test", "base", "1,200", "200", "45,000", "9,000", "$0.25", "$0.25",
    ]  # fmt: skip
    assert lines[6].split() == [
        "all",
        "tuned",
        "2,400",
        "400",
        "90,000",
        "18,000",
        "$1.00",
        "$1.00",
    ]
    assert "tokens of base, tuned by the length of the text. Nothing was asked." in text
    assert "no price is known" not in text


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    estimates = [one("base", cost=0.25), one("base", cost=None, basis="answers in the cache")]
    text = plain(estimates_text(estimates), 120)
    assert text.splitlines()[3].split()[-2:] == [NOTHING, NOTHING]
    said = " ".join(text.split())
    told = "tokens of base by the length of the text; tokens of base by the answers in the cache"
    assert told in said
    assert f"{NOTHING} where no price is known" in said


def test_models_are_told_in_blocks_and_a_long_list_is_cut() -> None:
    served = tuple(ServedModel(f"model-{i}") for i in range(SHOWN_MODELS + 5))
    adapter = ServedModel("lora", "org/base", "/adapters/a", 4096, "2027-01-31")
    found = Probe(
        "tuned", "http://h/v1", "chat", listed=True, served=adapter, notes=("mind the step",),
        honours={"stop": "yes", "seed": "ignored", "n": "refused", "logprobs": "unknown"},
    )  # fmt: skip
    text = plain(models_text(Looked((found,), {"http://h/v1": served, "http://e/v1": ()})), 200)
    until = "switched off on 2027-01-31"
    for line in (
        "tuned  http://h/v1",
        "  asked in mode chat",
        f"  served   as lora, adapter of org/base, from /adapters/a, 4,096 tokens at most, {until}",
        "  takes    stop",
        "  ignores  seed",
        "  refuses  n",
        "  unclear  logprobs",
        "  note     mind the step",
        "http://e/v1 lists no models",
    ):
        assert line in text.splitlines()
    assert "lists 25 models: model-0" in text
    assert "and 5 more" in text


def test_a_servers_words_take_no_effect() -> None:
    hostile = ServedModel(EVIL, EVIL, EVIL, None, EVIL)
    found = Probe(EVIL, EVIL, "chat", None, hostile, {EVIL: "yes"}, EVIL, (EVIL,))
    text = plain(models_text(Looked((found,), {EVIL: (hostile,)}, (EVIL,))))
    text += plain(estimates_text([one(EVIL, cost=1.0)]))
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\u202e" not in text
